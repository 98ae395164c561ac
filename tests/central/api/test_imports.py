"""Files in and out over REST: every mistake at once, all or nothing, and again changes nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from central import statistics
from central.cli import app
from tests.central.harness import Bench, bench

runner = CliRunner()
PAGE = Path(__file__).parents[3] / "docs" / "import_export.md"
ITEMS = (
    "SKU;Description;Price;Currency;Unit MG;EAN;family;Parent;attribute: colour;Colour code\n"
    "MICE;Mice;;;;;yes;;;\n"
    "ABC-1;Mouse, grey;1.229,99;EUR;92000;4012345000016 4006381333931*12;no;MICE;grey;7\n"
    "ABC-2;M\u00e4use;0,5;EUR;;;;MICE;;\n"
)


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def _send(
    made: Bench, kind: str, content: bytes, status: int = 200, asked: str = ""
) -> dict[str, object]:
    answer = await made.http.post(f"/api/imports/{kind}?{asked}", content=content)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def _counts(told: dict[str, object]) -> list[object]:
    return [told[name] for name in ("created", "changed", "unchanged", "refused", "kept")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
async def test_a_file_of_a_spreadsheet_becomes_items(made: Bench, encoding: str) -> None:
    content = ITEMS.encode(encoding)
    dry = await _send(made, "items", content, asked="dry_run=true")
    assert _counts(dry) == [3, 0, 0, 0, False]
    assert (await made.get("/items"))["rows"] == []
    told = await _send(made, "items", content)
    assert (_counts(told), told["unknown_columns"]) == ([3, 0, 0, 0, True], ["Colour code"])
    mouse = await made.get("/items/ABC-1")
    assert (mouse["name"], mouse["unit_price"], mouse["unit_mg"]) == ("Mouse, grey", 1229.99, 92000)
    assert (mouse["attributes"], mouse["parent"]) == ({"colour": "grey"}, "MICE")
    assert mouse["gtins"] == [
        {"gtin": "04006381333931", "quantity": 12},
        {"gtin": "04012345000016", "quantity": 1},
    ]
    assert (await made.get("/items/ABC-2"))["name"] == "M\u00e4use"
    assert _counts(await _send(made, "items", content)) == [0, 0, 3, 0, True]
    changed = content.decode(encoding).replace("0,5", "0,75").encode(encoding)
    assert _counts(await _send(made, "items", changed)) == [0, 1, 2, 0, True]
    entries = (await made.get("/audit?subject=item ABC-2"))["rows"]
    assert [one["action"] for one in entries] == ["change item", "add item"]  # type: ignore[attr-defined]
    assert entries[0]["before"]["unit_price"] == 0.5  # type: ignore[index]


async def test_every_mistake_is_told_at_once(made: Bench) -> None:
    await made.post("/items", sku="OTHER", name="x", gtins=[{"gtin": "4012345000016"}])
    content = (
        b"sku,name,unit_price,family,gtins,parent,status,length_mm\n"
        b"A,Good,1.5,,,,,\n"
        b"B,,1,5,,,,\n"
        b"C,Bad,x,maybe,4012345000017,,sold,\n"
        b"D,Orphan,,,,NONE,,\n"
        b"E,Taken,,,4012345000016,,,\n"
        b"A,Again,,,,,,\n"
        b'F,Number,"1,5",,,,,\n'
        b"G,Sizes,,,,,,5\n"
    )
    told = await _send(made, "items", content, status=422)
    assert _counts(told) == [1, 0, 0, 7, False]
    faults = [(one["row"], one["column"]) for one in told["faults"]]  # type: ignore[attr-defined]
    assert faults == [
        (3, "family"), (3, "name"), (4, "family"), (4, "gtins"), (4, "unit_price"),
        (4, "status"), (5, ""), (6, ""), (7, "sku"),
        (8, "unit_price"), (9, "width_mm"), (9, "height_mm"),
    ]  # fmt: skip
    accepted = {one["column"]: one["accepted"] for one in told["faults"]}  # type: ignore[attr-defined]
    assert "a whole number of millimetres" in accepted["width_mm"]
    assert len((await made.get("/items"))["rows"]) == 1  # type: ignore[arg-type]
    kept = await _send(made, "items", content, asked="on_fault=skip")
    assert _counts(kept) == [1, 0, 0, 7, True]
    assert {row["sku"] for row in (await made.get("/items"))["rows"]} == {"A", "OTHER"}  # type: ignore[attr-defined]


async def test_places_and_opening_balances(made: Bench) -> None:
    places = b"Location;Within;Kind;timezone\nWH-01;;warehouse;Europe/Berlin\nR1;WH-01;rack;\n"
    assert _counts(await _send(made, "locations", places)) == [2, 0, 0, 0, True]
    assert _counts(await _send(made, "locations", places)) == [0, 0, 2, 0, True]
    moved = places.replace(b"rack", b"shelf")
    assert _counts(await _send(made, "locations", moved)) == [0, 1, 1, 0, True]
    await made.post("/items", sku="NUT", name="Nut")
    stock = b"sku,bin,qty,batch,status\nNUT,R1,12,L1,\nNUT,R1,3,,damaged\n"
    dry = await _send(made, "stock", stock, asked="dry_run=true")
    assert _counts(dry) == [2, 0, 0, 0, False]
    assert (await made.get("/stock/NUT"))["by_location"] == {}
    for expected in ([2, 0, 0, 0, True], [0, 0, 2, 0, True]):
        assert _counts(await _send(made, "stock", stock)) == expected
    assert (await made.get("/stock/NUT"))["by_location"] == {"R1": 15}
    wrong = b"sku,bin,qty,batch,status\nNUT,R1,13,L1,\nNO,R1,1,,\nNUT,NO,1,,\nNUT,R1,0,,\n,,,,x\n"
    told = await _send(made, "stock", wrong, status=422)
    assert _counts(told) == [0, 0, 0, 5, False]
    assert len(told["faults"]) == 8  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_what_is_exported_is_imported(made: Bench, tmp_path: Path, form: str) -> None:
    await _send(made, "items", ITEMS.encode())
    formula = {"sku": "EVIL", "name": "=1+1", "attributes": {"n": 1, "d": 0.5, "b": True, "s": "x"}}
    sizes = {"dimensions_mm": {"length": 1, "width": 2, "height": 3}, "unit_cv": 0.01}
    await made.post("/items", **formula, **sizes)
    await _send(made, "locations", b"code,parent,type\nWH-01,,warehouse\nR1,WH-01,rack\n")
    await _send(made, "stock", b"sku,location,quantity,status\nABC-1,R1,5,\nABC-1,R1,2,damaged\n")
    files = {}
    for kind in ("items", "locations", "stock"):
        answer = await made.http.get(f"/api/exports/{kind}?format={form}")
        assert answer.status_code == 200, answer.text
        files[kind] = answer.content
        told = await _send(made, kind, answer.content, asked="dry_run=true")
        unchanged = 4 if kind == "items" else 2
        assert (told["unchanged"], told["refused"], told["changed"]) == (unchanged, 0, 0), told
    folder = tmp_path / "other"
    folder.mkdir()
    async with bench(folder) as other:
        for kind, content in files.items():
            await _send(other, kind, content)
            again = await other.http.get(f"/api/exports/{kind}?format=csv")
            here = await made.http.get(f"/api/exports/{kind}?format=csv")
            assert again.text == here.text


async def test_files_that_are_none_are_refused(made: Bench) -> None:
    for content, asked, said in (
        (b"", "", "empty"),
        (b"PK\x03\x04nonsense", "", "no spreadsheet"),
        (b"a,b\n1,2\n", "", "has no column sku, name; it has a, b"),
        (b"sku,SKU,name\n1,2,3\n", "", "two columns"),
        (b"a,b\n", 'columns={"a":"sku"}', "no column name"),
        (b"sku,name\n", "columns=[]", "columns"),
    ):
        refused = await _send(made, "items", content, status=422, asked=asked)
        assert said in str(refused["detail"]), refused
    mapped = await _send(made, "items", b"a,b\nX,Y\n", asked='columns={"a":"sku","b":"name"}')
    assert mapped["created"] == 1


def test_the_command_line_says_what_is_wrong(tmp_path: Path, books_url: str) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(
        f'[central]\ndata_dir = "{tmp_path}"\n[database]\nurl = "{books_url}"\n', encoding="utf-8"
    )
    file = tmp_path / "items.csv"
    file.write_text(ITEMS + "BAD;;;;;;;;;\n", encoding="utf-8")
    base = ["import", "items", str(file), "-c", str(settings)]
    said = runner.invoke(app, [*base, "--dry-run"])
    assert (said.exit_code, "row 5 name: Field required" in said.stdout) == (1, True), said.output
    assert "1 refused: nothing was kept" in said.stdout
    assert "3 created" in runner.invoke(app, [*base, "--skip"]).stdout
    out = tmp_path / "out.xlsx"
    said = runner.invoke(app, ["export", "items", str(out), "-c", str(settings)])
    assert f"{out}: 3 rows" in said.stdout, said.output
    said = runner.invoke(app, ["import", "items", str(out), "-c", str(settings), "--decimal", "."])
    assert (said.exit_code, "3 unchanged" in said.stdout) == (0, True), said.output
    assert runner.invoke(app, ["export", "-c", str(settings)]).exit_code == 2
    assert runner.invoke(app, ["import", "x", str(out), "-c", str(settings)]).exit_code == 2


async def test_the_page_tells_the_truth(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (sample,) = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    async with bench(tmp_path) as opened:
        told = await _send(opened, "items", sample.encode(), asked="dry_run=true")
        assert (told["refused"], told["created"]) == (0, sample.count("\n") - 1)
        for path in re.findall(r"^ *GET +(/api/\S+)$", text, re.MULTILINE):
            assert (await opened.http.get(path)).status_code == 200


async def test_after_many_rows_the_database_knows_how_many(made: Bench, books_url: str) -> None:
    known = {
        "sqlite": "SELECT stat FROM sqlite_stat1 WHERE tbl = 'item'",
        "postgresql": "SELECT reltuples FROM pg_class WHERE relname = 'item' AND reltuples >= 0",
    }[made.database.backend]
    lines = "".join(f"SKU-{n},Item {n}\n" for n in range(statistics.MANY - 1))
    await _send(made, "items", f"sku,name\n{lines}".encode())
    assert await made.database.read(statistics.refresh) == []
    await _send(made, "items", f"sku,name\n{lines}MORE,More\n".encode())
    found = await made.database.read(lambda c: c.execute(text(known)).scalars().all())
    assert str(found[0]).startswith("1000")
