"""Every revision up and down, with a shop in it, on both engines."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from typer.testing import CliRunner

from central.cli import app
from central.database.store import Database, SchemaMismatch, migration_config
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.keeping.soundness import ledger_faults
from central.stock import chain, ledger
from tests.central.shop import moving
from tests.central.test_digests import fill, unguarded
from tests.central.test_ingest_and_judge import judge_all, road, set_up, whole, wire


def revisions() -> list[str]:
    """All revisions, oldest first."""
    config = migration_config(None)  # type: ignore[arg-type]  # only the scripts are asked for
    return [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def tables(conn: Connection) -> set[str]:
    return set(inspect(conn).get_table_names())


async def test_down_to_every_revision_and_up_again_keeps_the_ledger(database: Database) -> None:
    await database.write(fill)
    oldest, *_ = revisions()
    for revision in reversed(revisions()):
        database.migrate(revision)
        now = text("SELECT version_num FROM alembic_version")
        assert database.read_now(lambda c, q=now: c.execute(q).scalar_one()) == revision  # type: ignore[misc]
    assert revision == oldest
    database.migrate()
    assert await database.read(chain.verify) == []
    assert (await database.read(chain.head)).last_seq == 12


async def test_all_the_way_down_leaves_nothing_and_up_makes_a_new_one(database: Database) -> None:
    await database.write(fill)
    database.migrate("base")
    assert database.read_now(tables) == {"alembic_version"}
    database.migrate()
    assert (await database.read(chain.head)).no == 0


def test_partitions_that_are_judged_unequally_far_do_not_go_back_into_one_cursor(
    database: Database,
) -> None:
    ahead = text("UPDATE partition SET position = 7 WHERE no = 3")
    database.write_now(lambda c: c.execute(ahead))
    with pytest.raises(SchemaMismatch, match="run one central alone"):
        database.migrate("0002")
    assert database.read_now(lambda c: "partition" in tables(c))


async def test_judging_goes_on_where_it_was_across_the_cut_into_partitions(
    database: Database,
) -> None:
    seen = road()
    messages = [wire(n + 1, seen[n : n + 700]) for n in range(0, len(seen), 700)]
    await database.write(set_up)
    await Ingest(database, Tide()).receive(messages[:1])
    await judge_all(database)
    database.migrate("0002")
    state = text("SELECT position, state FROM cursor WHERE name = 'judge'")
    row = database.read_now(lambda c: c.execute(state).one())
    assert row.position == 700 < len(seen)
    assert row.state is None  # the release before has another memory than this one
    database.migrate()
    await Ingest(database, Tide()).receive(messages[1:])
    await judge_all(database)
    assert await database.read(whole) == []


async def test_a_ledger_of_before_statuses_still_verifies_and_takes_what_they_bring(
    database: Database,
) -> None:
    database.migrate("0016")
    await database.write(ledger_of_0016)
    database.migrate()
    assert await database.read(ledger_faults) == []
    assert (await database.read(chain.head)).hash == OLD_HASH
    held = moving(3, "dock", "dock", 2, destination_status="quarantined", actor="anna")
    await database.write(lambda c: ledger.post(c, [held], record_us=3))
    await database.write(lambda c: ledger.post(c, [moving(4, "dock", "hall")], record_us=4))
    assert await database.read(ledger_faults) == []
    formats = text("SELECT format FROM block ORDER BY no")
    assert await database.read(lambda c: c.execute(formats).scalars().all()) == [1, 2, 1]
    with pytest.raises(SchemaMismatch, match="which an older release cannot check"):
        database.migrate("0016")
    said = "UPDATE movement SET actor = 'eve' WHERE seq = 1"
    await database.write(lambda c: unguarded(c, said))
    (fault,) = await database.read(chain.verify)
    assert "block 1 (rows 1 to 2) is broken: row 1 says more than was sealed of it" in fault


OLD_HASH = "6689c4b9c43deb3527561ab1333ef2b9ed7a7d4907dce2d3ca1bb98aa5b6622b"
"""As the release before computed it."""


def ledger_of_0016(conn: Connection) -> None:
    """A shop and two movements in one block, in the words of the release before."""
    conn.execute(text("INSERT INTO item (sku, name, created_us) VALUES ('NUT', 'Nut', 0)"))
    for code in ("dock", "hall"):
        conn.execute(
            text("INSERT INTO location (code, name, created_us) VALUES (:code, :code, 0)"),
            {"code": code},
        )
    lines = [
        (1, "movement-1", "NUT", "", 5, "supplier", "dock", "receiving", "in_progress", "api",
         1.0, 1, 1, "[]", '["AA"]', "{}", None, "", 0),
        (2, "movement-2", "NUT", "L1", 5, "supplier", "hall", "receiving", "in_progress", "api",
         0.5, 2, 1, "[]", "[]", "{}", None, "a word", 0),
    ]  # fmt: skip
    marks = ", ".join("?" if conn.dialect.name == "sqlite" else "%s" for _ in lines[0])
    for line in lines:
        conn.exec_driver_sql(f"INSERT INTO movement VALUES ({marks})", line)
    sealed = "\n".join(["0" * 64, *(json.dumps(one, separators=(",", ":")) for one in lines), ""])
    conn.execute(
        text("INSERT INTO block VALUES (1, 1, 2, 2, :before, :hash, 0)"),
        {"before": "0" * 64, "hash": hashlib.sha256(sealed.encode()).hexdigest()},
    )
    for lot, place in (("", "dock"), ("L1", "hall")):
        for end, units in ((place, 5), ("supplier", -5)):
            conn.execute(
                text("INSERT INTO balance VALUES ('NUT', :lot, :end, :units, :seq)"),
                {"lot": lot, "end": end, "units": units, "seq": 2 if lot else 1},
            )
    conn.execute(text("INSERT INTO tag_place VALUES ('AA', 'NUT', 'dock', 1)"))


def test_a_database_of_a_newer_release_and_an_unknown_revision_are_refused(
    database: Database,
) -> None:
    with pytest.raises(SchemaMismatch, match="there is no revision 0099; known: base, 0001"):
        database.migrate("0099")
    database.write_now(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0099'")))
    with pytest.raises(SchemaMismatch, match="a newer release made this database"):
        database.migrate()


def test_the_command_goes_down_only_when_told_twice(tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    run = CliRunner().invoke
    assert run(app, ["migrate", "-c", str(settings)]).exit_code == 0
    refused = run(app, ["migrate", "-c", str(settings), "--to", "0001"])
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    done = run(app, ["migrate", "-c", str(settings), "--to", "0001", "--yes"])
    assert done.exit_code == 0
    assert "0001's schema" in done.stdout
