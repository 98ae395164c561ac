"""The copy of the ledger that reports are made from: read once, whole, and never of other books."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import Connection

from central.catalogue import changes
from central.catalogue.changes import Told
from central.catalogue.items import Item
from central.database.store import Database
from central.reports import extract
from central.reports.catalogue import REPORTS
from central.reports.desk import ReportDesk
from central.reports.extract import Extract
from central.reports.model import Asked
from central.reports.regular import RegularReports
from central.stock.flat import COLUMNS
from tests.central.reports.shop import NOW, Trade, ago, open_warehouses


@pytest.fixture
def moved(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(extract, "SEGMENT", 20)
    monkeypatch.setattr(extract, "_PAGE", 8)

    def work(conn: Connection) -> None:
        open_warehouses(conn)
        for number in range(30):
            Trade(conn, f"a{number}").move("NUT", number + 1, "supplier", "hall", ago(5))

    database.write_now(work)
    return database


def _told(kept: Extract, found: extract.Kept) -> list[tuple[object, ...]]:
    seqs = "SELECT seq, quantity FROM read_parquet($1) ORDER BY seq"
    return duckdb.connect().execute(seqs, [kept.paths(found)]).fetchall()


def test_it_grows_by_what_is_new(moved: Database, tmp_path: Path) -> None:
    kept = Extract(tmp_path / "extract")
    first = kept.bring_up(moved.read_now)
    assert (first.upto_seq, [one.last for one in first.segments]) == (30, [24, 30])

    def work(conn: Connection) -> None:
        Trade(conn, "more").move("NUT", 99, "supplier", "hall", ago(1))

    moved.write_now(work)
    found = kept.bring_up(moved.read_now)
    assert [one.last for one in found.segments] == [24, 31]
    assert _told(kept, found) == [*((n, n) for n in range(1, 31)), (31, 99)]
    files = {path.name for path in (tmp_path / "extract" / "movement").iterdir()}
    assert files == {Path(one.file).name for one in found.segments}
    assert kept.bring_up(moved.read_now) == found


def test_other_books_are_copied_anew(moved: Database, tmp_path: Path) -> None:
    kept = Extract(tmp_path / "extract")
    before = kept.bring_up(moved.read_now)
    manifest = tmp_path / "extract" / "extract.json"
    said = manifest.read_text()
    manifest.write_text(said.replace(before.head.hash, "0" * 64))
    assert kept.bring_up(moved.read_now) == before
    manifest.write_text("torn")
    assert kept.bring_up(moved.read_now) == before
    (tmp_path / "extract" / before.segments[0].file).unlink()
    found = kept.bring_up(moved.read_now)
    assert len(_told(kept, found)) == 30


def test_master_data_follows_the_audit(moved: Database, tmp_path: Path) -> None:
    desk = ReportDesk(tmp_path / "extract", moved.read_now)
    out = tmp_path / "out.csv"
    for price in (None, 4_000_000):
        told = Told(by="test", at_us=1)
        item = Item(sku="NUT", name="Nut", price_micros=price)
        moved.write_now(lambda c, i=item, t=told: changes.replace(c, i, (), t))
        desk.write(REPORTS["stock-levels"], Asked(), NOW, "csv", out)
        assert (",4.0,1860.0," in out.read_text()) == (price is not None)


async def test_reports_of_the_night_are_kept_for_a_while(moved: Database, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    desk = ReportDesk(tmp_path / "extract", moved.read_now)
    regular = RegularReports(desk, folder, ("stock-levels", "run-out"), "parquet", keep_days=7)
    folder.mkdir()
    for name in (
        "stock-levels-2026-03-22.csv",
        "stock-levels-2026-03-23.csv",
        "notes-2020-01-01.csv",
    ):
        (folder / name).touch()
    written = await regular.write(datetime(2026, 3, 31, 2, 30, tzinfo=UTC))
    assert [path.name for path in written] == [
        "stock-levels-2026-03-30.parquet",
        "run-out-2026-03-30.parquet",
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["notes-2020-01-01.csv", "stock-levels-2026-03-23.csv", *(p.name for p in written)]
    )
    held = "SELECT sum(on_hand) FROM read_parquet($1)"
    assert duckdb.connect().execute(held, [str(written[0])]).fetchall() == [(465,)]


def test_the_copy_has_every_column(moved: Database, tmp_path: Path) -> None:
    kept = Extract(tmp_path / "extract")
    found = kept.bring_up(moved.read_now)
    described = duckdb.connect().execute(
        "DESCRIBE SELECT * FROM read_parquet($1)", [kept.paths(found)]
    )
    assert tuple((row[0], row[1]) for row in described.fetchall()) == COLUMNS
