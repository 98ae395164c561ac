"""Central works as a role that may not change what was written, and that role may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from central import grants
from central.cli import app
from central.ingest import Ingest
from central.stock.projection import rebuild
from central.store import Database
from central.tide import Tide
from tests.central.test_ingest_and_judge import judge_all, road, set_up, whole, wire
from tests.fakes.postgres import fresh_database


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
        assert await clerk.write(rebuild) == []
    finally:
        clerk.close()
    engine = create_engine(clerk_url)
    changes = (
        "UPDATE {0} SET {1} = 1",
        "DELETE FROM {0}",
        "TRUNCATE {0}",
        "ALTER TABLE {0} DISABLE TRIGGER ALL",
        "DROP TABLE {0}",
    )
    for table in grants.APPEND_ONLY:
        column = "rows" if table == "block" else "record_us"
        for change in changes:
            with (
                pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
                engine.begin() as connection,
            ):
                connection.execute(text(change.format(table, column)))
    engine.dispose()


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
