"""Central works as a role that may not change what was written, and that role may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from central import audit
from central.cli import app
from central.database import grants
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.stock.mending import mend
from tests.central.dying import settings_for
from tests.central.test_ingest_and_judge import judge_all, road, set_up, whole, wire
from tests.fakes.postgres import fresh_database

COLUMNS = {
    "movement": "record_us", "block": "rows", "observation": "record_us", "audit": "at_us",
    "witness": "record_us", "audit_block": "rows",
}  # fmt: skip
REFUSED = (
    "UPDATE {0} SET {1} = 1",
    "DELETE FROM {0}",
    "TRUNCATE {0}",
    "ALTER TABLE {0} DISABLE TRIGGER ALL",
    "ALTER TABLE {0} DISABLE TRIGGER {0}_no_change",
    "DROP TRIGGER {0}_no_change ON {0}",
    "CREATE OR REPLACE RULE hide AS ON INSERT TO {0} DO INSTEAD NOTHING",
    "CREATE TRIGGER mine BEFORE INSERT ON {0} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
    "DROP TABLE {0}",
)
"""What a role that can only add is refused, by table and a column of it."""


@pytest.mark.postgres
async def test_the_road_runs_as_a_role_that_can_only_add(postgres_server: str) -> None:
    owner_url = fresh_database(postgres_server, "granted")
    owner = Database(owner_url)
    owner.migrate()
    await owner.write(set_up)
    await owner.write(lambda c: c.execute(text("CREATE ROLE clerk LOGIN")) and None)
    await owner.write(lambda c: grants.apply(c, "clerk"))
    owner.close()
    clerk_url = str(make_url(owner_url).set(username="clerk"))
    clerk = Database(clerk_url)
    try:
        clerk.migrate()  # nothing to do, and no right needed
        await Ingest(clerk, Tide()).receive([wire(1, road()[:900])])
        judge = await judge_all(clerk)
        assert judge.counters["movements"] > 0
        assert await clerk.read(whole) == []
        assert await clerk.write(lambda c: mend(c, actor="test", at_us=1)) == []
    finally:
        clerk.close()
    engine = create_engine(clerk_url)
    assert {*COLUMNS} == {*grants.APPEND_ONLY}
    for table, column in COLUMNS.items():
        for change in REFUSED:
            with (
                pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
                engine.begin() as connection,
            ):
                connection.execute(text(change.format(table, column)))
    engine.dispose()


@pytest.mark.postgres
def test_a_migration_gives_the_role_its_rights_in_what_is_new(
    postgres_server: str, tmp_path: Path
) -> None:
    url = fresh_database(postgres_server, "grown")
    owner = Database(url)
    owner.migrate("0003")
    owner.write_now(lambda c: c.execute(text("CREATE ROLE scribe LOGIN")) and None)
    owner.write_now(lambda c: grants.apply(c, "scribe"))
    owner.close()
    told = CliRunner().invoke(app, ["migrate", "-c", str(settings_for(url, tmp_path))])
    assert told.exit_code == 0, told.output
    scribe_url = make_url(url).set(username="scribe").render_as_string(hide_password=False)
    again = CliRunner().invoke(app, ["migrate", "-c", str(settings_for(scribe_url, tmp_path))])
    assert again.exit_code == 0, again.output
    scribe = Database(scribe_url)
    change = audit.Change("tag AA", None, {"location": "hall"})
    scribe.write_now(lambda c: audit.record(c, [change], actor="me", action="test", at_us=1))
    actors = scribe.read_now(lambda c: c.execute(text("SELECT actor FROM audit")).scalars().all())
    scribe.close()
    assert actors == ["me (role scribe)"]


def test_the_statements_are_printed_for_whoever_runs_them_elsewhere() -> None:
    told = CliRunner().invoke(app, ["roles", "clerk"])
    assert told.exit_code == 0
    assert 'GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO "clerk";' in told.stdout
    (changing,) = [line for line in told.stdout.splitlines() if "UPDATE" in line]
    assert not any(f" {table}," in changing for table in grants.APPEND_ONLY)


def test_a_strange_name_and_sqlite_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="no plain role name"):
        grants.statements('x"; DROP TABLE movement; --')
    if database.backend == "sqlite":
        with pytest.raises(ValueError, match="only PostgreSQL has roles"):
            database.write_now(lambda c: grants.apply(c, "clerk"))


def test_the_command_says_in_a_sentence_what_it_refuses(tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    run = CliRunner().invoke
    strange = run(app, ["roles", "a b", "-c", str(settings)])
    assert (strange.exit_code, "no plain role name" in strange.stderr) == (2, True)
    on_sqlite = run(app, ["roles", "clerk", "--apply", "-c", str(settings)])
    assert (on_sqlite.exit_code, "only PostgreSQL has roles" in on_sqlite.stderr) == (2, True)
