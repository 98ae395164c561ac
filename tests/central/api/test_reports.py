"""Reports over REST and on the command line: pages of JSON, and whole files of three kinds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from central.cli import app
from central.config import CentralSettings, ReportName
from central.reports.catalogue import REPORTS
from tests.central.harness import Bench, bench
from tests.central.reports.shop import Trade, ago, open_warehouses

runner = CliRunner()
PAGE = Path(__file__).parents[3] / "docs" / "reports.md"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.database.write(_trade)
        yield opened


def _trade(conn: object) -> None:
    open_warehouses(conn)  # type: ignore[arg-type]
    trade = Trade(conn)  # type: ignore[arg-type]
    trade.move("NUT", 100, "supplier", "hall", ago(3))
    trade.move("NUT", 40, "hall", "customer", ago(2))
    trade.move("OAT", 5, "supplier", "WH-2", ago(1), lot="=1+1")


async def test_stock_levels_come_in_pages(made: Bench) -> None:
    first = await made.get("/api/reports/stock-levels?limit=1")
    (row,) = first["rows"]  # type: ignore[misc]
    assert (row["sku"], row["location"], row["on_hand"], row["value"]) == ("NUT", "hall", 60, 150.0)
    assert row["last_moved"].endswith("Z")
    assert [column["name"] for column in first["columns"]] == list(row)  # type: ignore[attr-defined]
    second = await made.get(f"/api/reports/stock-levels?limit=1&after={first['next']}")
    assert [row["sku"] for row in second["rows"]] == ["OAT"]  # type: ignore[attr-defined]
    last = await made.get(f"/api/reports/stock-levels?limit=1&after={second['next']}")
    assert (last["rows"], last["next"]) == ([], None)
    asked = "from=2026-01-01&to=2030-01-01&location=WH-1&category=metal&item=NUT"
    assert len((await made.get(f"/api/reports/stock-levels?{asked}"))["rows"]) == 1  # type: ignore[arg-type]


async def test_every_report_has_its_forms(tmp_path: Path) -> None:
    async with bench(tmp_path) as opened:
        await opened.database.write(_trade)
        for name in REPORTS:
            await _compare(opened, name, tmp_path)


async def _compare(made: Bench, name: str, tmp_path: Path) -> None:
    told = await made.get(f"/api/reports/{name}")
    columns = [column.name for column in REPORTS[name].columns]
    assert [column["name"] for column in told["columns"]] == columns  # type: ignore[attr-defined]
    counted = len(told["rows"])  # type: ignore[arg-type]
    files = {}
    for form in ("csv", "xlsx", "parquet"):
        answer = await made.http.get(f"/api/reports/{name}?format={form}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}-')
        files[form] = tmp_path / f"report.{form}"
        files[form].write_bytes(answer.content)
    text = files["csv"].read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert (rows[0], len(rows)) == (columns, counted + 1)
    sheet = CalamineWorkbook.from_path(str(files["xlsx"])).get_sheet_by_index(0).to_python()
    assert (sheet[0], len(sheet)) == (columns, counted + 1)
    found = duckdb.connect().read_parquet(str(files["parquet"]))
    assert (found.columns, len(found.fetchall())) == (columns, counted)


async def test_no_text_becomes_a_formula(made: Bench) -> None:
    told = (await made.http.get("/api/reports/stock-levels?format=csv&item=OAT")).text
    assert ",'=1+1," in told
    json = await made.get("/api/reports/stock-levels?item=OAT")
    assert [row["lot"] for row in json["rows"]] == ["=1+1"]  # type: ignore[attr-defined]


async def test_what_makes_no_sense_is_told(made: Bench) -> None:
    for asked, said in {
        "from=yesterday": "from",
        "from=0001-01-01": "from",
        "from=2026-03-02&to=2026-03-01": "behind",
        "location=nowhere": "no place nowhere",
        "format=pdf": "format",
        "limit=0": "limit",
        "colour=red": "colour",
    }.items():
        answer = await made.http.get(f"/api/reports/turnover?{asked}")
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    await made.get("/api/reports/nonsense", status=404)
    listed = (await made.get("/api/reports"))["rows"]
    assert [one["name"] for one in listed] == list(REPORTS)  # type: ignore[attr-defined]
    assert set(REPORTS) == set(ReportName.__args__)  # type: ignore[attr-defined]


async def test_the_command_line_tells_the_same(made: Bench, books_url: str, tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    told = f'[central]\ndata_dir = "{tmp_path}"\n[database]\nurl = "{books_url}"\n'
    settings.write_text(told)
    said = runner.invoke(app, ["report", "stock-levels", "-c", str(settings), "--item", "NUT"])
    assert said.exit_code == 0, said.output
    answer = await made.http.get("/api/reports/stock-levels?format=csv&item=NUT")
    assert said.stdout.splitlines() == answer.text.splitlines()
    out = tmp_path / "out.xlsx"
    asked = ["--format", "xlsx", "--out", str(out), "--from", "2026-01-01", "--to", "2026-03-31"]
    said = runner.invoke(app, ["report", "turnover", "-c", str(settings), *asked])
    assert (said.exit_code, out.stat().st_size > 1_000) == (0, True)
    for wrong, why in (
        (["report", "nonsense"], "there are stock-levels"),
        (["report", "turnover", "--format", "pdf"], "csv, xlsx, parquet"),
        (["report", "turnover", "--from", "now"], "2026-01-31"),
        (["report", "turnover", "--location", "nowhere"], "no place nowhere"),
    ):
        said = runner.invoke(app, [*wrong, "-c", str(settings)])
        assert (said.exit_code, why in said.stderr) == (2, True), said.stderr
    assert "run-out: " in runner.invoke(app, ["report", "list"]).stdout


async def test_the_books_are_exported_in_one_command(
    made: Bench, books_url: str, tmp_path: Path
) -> None:
    settings = tmp_path / "central.toml"
    told = f'[central]\ndata_dir = "{tmp_path}"\n[database]\nurl = "{books_url}"\n'
    settings.write_text(told)
    folder = tmp_path / "warehouse"
    for expected in (3, 4):
        said = runner.invoke(app, ["export", "--parquet", str(folder), "-c", str(settings)])
        assert said.exit_code == 0, said.output
        assert f"{expected} movements" in said.stdout
        db = duckdb.connect()
        joined = (
            f"SELECT count(*) FROM '{folder}/movement/*.parquet' m "
            f"JOIN '{folder}/item.parquet' USING (sku) "
            f"JOIN '{folder}/location.parquet' l ON l.code = m.destination"
        )
        assert db.execute(joined).fetchall() == [(expected,)]
        await made.post("/stock/receive", sku="NUT", quantity=1, location="hall")


async def test_the_page_tells_the_truth(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    asked = re.findall(r"^ *GET +(/api/\S+)$", text, re.MULTILINE)
    assert len(asked) >= 4
    async with bench(tmp_path) as opened:
        await opened.database.write(_trade)
        await opened.post("/warehouses", code="WH-01", name="Hamburg")
        for path in asked:
            answer = await opened.http.get(path)
            assert answer.status_code == 200, answer.text
    for name in REPORTS:
        assert f"| `{name}` |" in text


def test_reports_of_the_night_are_settings() -> None:
    told = CentralSettings.model_validate(
        {"reports": {"each": ["stock-levels"], "at": "03:15", "time_zone": "Europe/Berlin"}}
    ).reports
    assert (told.each, told.at.hour, told.format) == (("stock-levels",), 3, "csv")
    for wrong in ({"each": ["nonsense"]}, {"time_zone": "Mars"}, {"keep_days": 0}):
        with pytest.raises(ValueError):
            CentralSettings.model_validate({"reports": wrong})
