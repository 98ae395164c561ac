"""Mending leaves a trace of every row it changed, and is refused on a broken ledger."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from central.cli import app
from central.database.store import Database
from central.keeping.soundness import ledger_faults
from central.stock.mending import LedgerBroken, mend
from tests.central.dying import KILLED, run, settings_for
from tests.central.stock.test_tags_rebuilt import fill, harm
from tests.central.test_digests import unguarded

MENDED = {
    'balance ["NUT","","hall","available"]': (
        {"on_hand": 7, "last_seq": 2},
        {"on_hand": 1, "last_seq": 2},
    ),
    "tag AA": (
        {"sku": "NUT", "location": "shelf", "status": "available", "last_seq": 2},
        {"sku": "NUT", "location": "hall", "status": "available", "last_seq": 2},
    ),
    "tag BB": (None, {"sku": "NUT", "location": "dock", "status": "available", "last_seq": 1}),
    "tag CC": ({"sku": "NUT", "location": "dock", "status": "available", "last_seq": 1}, None),
}
ROWS = text("SELECT * FROM audit ORDER BY id")


def audited(conn: Connection) -> dict[str, tuple[object, object]]:
    return {
        row.subject: (json.loads(row.before), json.loads(row.after)) for row in conn.execute(ROWS)
    }


async def test_every_changed_row_is_kept_with_who_when_and_what_it_was(database: Database) -> None:
    await database.write(fill)
    await database.write(harm)
    await database.write(lambda c: mend(c, actor="Ada", at_us=1_700_000_000_000_000))
    assert await database.read(ledger_faults) == []
    assert await database.read(audited) == MENDED
    rows = await database.read(lambda c: c.execute(ROWS).all())
    assert {(row.action, row.at_us) for row in rows} == {("replay --mend", 1_700_000_000_000_000)}
    role = "" if database.backend == "sqlite" else " (role tallyport)"
    assert {row.actor for row in rows} == {f"Ada{role}"}
    assert await database.write(lambda c: mend(c, actor="Bob", at_us=1)) == []
    assert len(await database.read(audited)) == len(MENDED)  # nothing wrong, nothing kept


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT * FROM audit WHERE true "
        "ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    ],
)
async def test_nobody_edits_the_audit(database: Database, change: str) -> None:
    await database.write(fill)
    await database.write(harm)
    await database.write(lambda c: mend(c, actor="Ada", at_us=1))
    with pytest.raises(DBAPIError, match="audit is append-only"):
        await database.write(lambda c: c.execute(text(change)))


async def test_a_broken_ledger_is_not_mended_by(database: Database) -> None:
    await database.write(fill)
    await database.write(harm)
    await database.write(lambda c: unguarded(c, "UPDATE movement SET quantity = 9 WHERE seq = 1"))
    with pytest.raises(LedgerBroken, match=r"block 1 .*restore a backup"):
        await database.write(lambda c: mend(c, actor="Ada", at_us=1))
    assert await database.read(audited) == {}


def test_the_command_names_who_and_dies_with_nothing_half_mended(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url)
    database.migrate()
    database.write_now(fill)
    database.write_now(harm)
    database.close()
    settings = settings_for(database_url, tmp_path)
    asked = ["replay", "-c", str(settings), "--mend"]
    for number in (20, 24, 28):
        assert run([*asked, "--by", "Eve"], tmp_path / "log", die_at=number) == KILLED
    database = Database(database_url)
    assert database.read_now(audited) == {}
    assert database.read_now(ledger_faults) != []
    database.close()
    assert CliRunner().invoke(app, [*asked, "--by", "Ada"]).exit_code == 1  # it had differed
    database = Database(database_url)
    rows = database.read_now(lambda c: c.execute(ROWS).all())
    assert {row.actor.partition(" (role")[0] for row in rows} == {"Ada"}
    assert {row.subject for row in rows} == set(MENDED)
    database.write_now(harm_tag)
    database.close()
    assert CliRunner().invoke(app, asked).exit_code == 1
    database = Database(database_url)
    assert database.read_now(lambda c: c.execute(ROWS).all())[-1].actor.startswith(
        f"{getpass.getuser()} at "
    )
    database.close()


def harm_tag(conn: Connection) -> None:
    conn.execute(text("DELETE FROM tag_place WHERE epc = 'BB'"))
