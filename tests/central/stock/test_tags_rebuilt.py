"""Where tags lie follows from the ledger: checked, named, and built again."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text
from typer.testing import CliRunner

from central.cli import app
from central.database.store import Database
from central.stock import ledger, projection
from central.stock.mending import mend
from tests.central.shop import moving, open_shop


def fill(conn: Connection) -> None:
    open_shop(conn)
    several = [
        moving(1, "supplier", "dock", 2, epcs=("AA", "BB")),
        moving(2, "dock", "hall", 1, epcs=("AA",)),
    ]
    ledger.post(conn, several, record_us=1)


def harm(conn: Connection) -> None:
    conn.execute(text("UPDATE tag_place SET location = 'shelf' WHERE epc = 'AA'"))
    conn.execute(text("DELETE FROM tag_place WHERE epc = 'BB'"))
    conn.execute(text("INSERT INTO tag_place VALUES ('CC', 'NUT', 'dock', 1, 'available')"))
    conn.execute(text("UPDATE balance SET on_hand = 7 WHERE location = 'hall'"))


async def test_wrong_missing_and_unfounded_tags_are_named_and_mended(database: Database) -> None:
    await database.write(fill)
    assert await database.read(projection.check_tags) == []
    await database.write(harm)
    told = await database.read(projection.check_tags)
    assert told == [
        "tag AA is said to be NUT at shelf (available), its movements say NUT at hall (available)",
        "tag CC is said to be NUT at dock (available), its movements say nothing",
        "tag BB is NUT at dock (available) by its movements, and is not known to be anywhere",
    ]
    assert len(await database.write(lambda c: mend(c, actor="test", at_us=1))) > 3
    assert await database.read(projection.check_tags) == []
    assert await database.read(projection.check_balances) == []


def test_replay_tells_and_mends(tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(f'[central]\ndata_dir = "{tmp_path}"\n')
    database = Database(f"sqlite:///{tmp_path / 'central.sqlite'}")
    database.migrate()
    database.write_now(fill)
    database.write_now(harm)
    database.close()
    run = CliRunner().invoke
    assert "tag CC" in run(app, ["replay", "-c", str(settings)]).stdout
    mended = run(app, ["replay", "-c", str(settings), "--mend"])
    assert "mended: tag CC" in mended.stderr
    assert run(app, ["replay", "-c", str(settings)]).exit_code == 0
    assert run(app, ["verify", "-c", str(settings)]).exit_code == 0
