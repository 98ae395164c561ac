"""Files in and out over REST: every mistake at once, all or nothing, and again changes nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from central.cli import app
from central.database import statistics
from central.imports import running
from central.imports.progress import Jobs, Progress
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
    kept = await _send(made, "items", content, asked="all_or_nothing=false")
    assert _counts(kept) == [1, 0, 0, 7, True]
    assert {row["sku"] for row in (await made.get("/items"))["rows"]} == {"A", "OTHER"}  # type: ignore[attr-defined]


async def test_places_and_opening_balances(made: Bench) -> None:
    places = b"Location;Within;Kind;timezone\nWH-01;;warehouse;Europe/Berlin\nR1;WH-01;rack;\n"
    assert _counts(await _send(made, "locations", places)) == [2, 0, 0, 0, True]
    assert _counts(await _send(made, "locations", places)) == [0, 0, 2, 0, True]
    moved = places.replace(b"rack", b"shelf")
    assert _counts(await _send(made, "locations", moved)) == [0, 1, 1, 0, True]
    limited = b"code,name,parent,type,max_units,max_volume_mm3\nR1,R1,WH-01,shelf,%s,2000000000\n"
    assert _counts(await _send(made, "locations", limited % b"40")) == [0, 1, 0, 0, True]
    assert _counts(await _send(made, "locations", limited % b"")) == [0, 0, 1, 0, True]
    rules = (await made.get("/locations/R1"))["rules"]
    assert rules == {"max_units": 40, "max_volume_mm3": 2_000_000_000}
    for wrong in (b"-1", b"1.5", b"99999999999999999"):
        (fault,) = (await _send(made, "locations", limited % wrong, status=422))["faults"]  # type: ignore[misc]
        assert (fault["column"], fault["accepted"]) == ("max_units", "a whole number")
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


INBOUND = (
    "PO number;Vendor;Location;Delivery date;SKU;Qty;Price\n"
    "PO-7890;Acme Ltd;WH-01;2026-02-02T08:00:00+01:00;ABC-1;150;29,99\n"
    "PO-7890;;;;ABC-2;40;\n"
    "PO-7891;Acme Ltd;WH-01;;ABC-2;7;\n"
)
OUTBOUND = (
    "order,customer,warehouse,due,sku,qty,ship to city\n"
    "web-0001,Jane Doe,WH-01,2030-02-02T16:00:00Z,ABC-1,2,Leeds\n"
    "web-0002,Jo,WH-01,,ABC-1,1,\n"
    "web-0001,,,,ABC-2,3,\n"
)


async def _shop(made: Bench) -> None:
    await _send(made, "items", b"sku,name\nABC-1,Mouse\nABC-2,Keyboard\n")
    await _send(made, "locations", b"code,type\nWH-01,warehouse\n")
    await made.post("/stock/receive", sku="ABC-1", quantity=2, location="WH-01")


async def test_orders_with_their_lines_are_taken_whole(made: Bench) -> None:
    await _shop(made)
    dry = await _send(made, "inbound-orders", INBOUND.encode(), asked="dry_run=true")
    assert _counts(dry) == [3, 0, 0, 0, False]
    for expected in ([3, 0, 0, 0, True], [0, 0, 3, 0, True]):
        assert _counts(await _send(made, "inbound-orders", INBOUND.encode())) == expected
    (order,) = (await made.get("/api/orders/inbound?reference=PO-7890"))["rows"]  # type: ignore[misc]
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [
        ("ABC-1", 150),
        ("ABC-2", 40),
    ]
    assert order["expected_date"] == "2026-02-02T07:00:00Z"
    told = await _send(made, "orders", OUTBOUND.encode())
    assert _counts(told) == [3, 0, 0, 0, True]
    leaving = await made.get("/api/orders/outbound/web-0001")
    assert [line["sku"] for line in leaving["lines"]] == ["ABC-1", "ABC-2"]  # type: ignore[attr-defined]
    assert (leaving["ship_to"], leaving["state"]) == ({"city": "Leeds"}, "new")
    assert _counts(await _send(made, "orders", OUTBOUND.encode())) == [0, 0, 3, 0, True]


async def test_a_mistake_in_a_line_refuses_its_order_and_no_other(made: Bench) -> None:
    await _shop(made)
    wrong = OUTBOUND.replace("ABC-2,3", "NONE,0").replace("web-0002,Jo", "short,Jo")
    wrong += "web-0003,Kim,NOWHERE,,ABC-1,1,\nweb-0004,Kim,WH-01,,ABC-1,1,\n"
    wrong += "web-0004,Lee,WH-01,,ABC-1,1,\nweb-0005,Kim,WH-01,,ABC-1,1,\n"
    told = await _send(made, "orders", wrong.encode(), status=422)
    assert _counts(told) == [1, 0, 0, 6, False]
    faults = [(one["row"], one["column"]) for one in told["faults"]]  # type: ignore[attr-defined]
    assert faults == [(3, "id"), (4, "sku"), (4, "quantity"), (5, ""), (7, "customer")]
    assert "there is no place NOWHERE" in str(told["faults"])
    assert (await made.get("/api/orders/outbound"))["rows"] == []
    kept = await _send(made, "orders", wrong.encode(), asked="all_or_nothing=false")
    assert _counts(kept) == [1, 0, 0, 6, True]
    (order,) = (await made.get("/api/orders/outbound"))["rows"]  # type: ignore[misc]
    assert order["id"] == "web-0005"
    await _send(made, "orders", OUTBOUND.encode())
    await _send(made, "locations", b"code,type\nWH-02,warehouse\n")
    elsewhere = OUTBOUND.replace("Jo,WH-01", "Jo,WH-02").encode()
    told = await _send(made, "orders", elsewhere, status=422)
    assert "cancel this one" in str(told["faults"])
    coming = INBOUND.replace("WH-01;2026", "NOWHERE;2026").replace("29,99", "x").encode()
    told = await _send(made, "inbound-orders", coming, status=422)
    faults = [(one["row"], one["column"]) for one in told["faults"]]  # type: ignore[attr-defined]
    assert faults[0] == (2, "unit_price")


async def test_an_order_of_which_a_file_says_otherwise_becomes_that(made: Bench) -> None:
    await _shop(made)
    await _send(made, "orders", OUTBOUND.encode())
    more = {"If-Match": "*"}
    path = "/api/orders/outbound/web-0001"
    await made.http.patch(path, json={"ship_to": {"street": "High Street"}}, headers=more)
    again = OUTBOUND.replace("2030-02-02", "2031-02-02").replace("ABC-2,3", "ABC-2,4").encode()
    assert _counts(await _send(made, "orders", again)) == [0, 2, 1, 0, True]
    order = await made.get("/api/orders/outbound/web-0001")
    assert str(order["due_at"]).startswith("2031-02-02")
    assert [line["quantity"] for line in order["lines"]][1] == 4  # type: ignore[attr-defined]
    assert order["ship_to"] == {"city": "Leeds", "street": "High Street"}
    await _send(made, "inbound-orders", INBOUND.encode())
    told = await _send(made, "inbound-orders", INBOUND.replace("29,99", "31,50").encode())
    assert told["changed"]
    assert told["refused"] == 0
    (first, *_) = (await made.get("/api/orders/inbound?reference=PO-7890"))["rows"]  # type: ignore[misc]
    assert first["lines"][0]["unit_price"] == 31.5


async def test_lots_and_their_days(made: Bench) -> None:
    await _shop(made)
    content = (
        b"sku,batch,best before,production date,supplier batch\n"
        b"ABC-1,L1,2026-12-24,2026-01-01,A-77\nABC-1,L2,2026-12-24T00:00:00,,\n"
    )
    assert _counts(await _send(made, "lots", content)) == [2, 0, 0, 0, True]
    assert _counts(await _send(made, "lots", content)) == [0, 0, 2, 0, True]
    later = b"sku,lot,expires_on\nABC-1,L1,2027-01-01\n"
    assert _counts(await _send(made, "lots", later)) == [0, 1, 0, 0, True]
    lot, _ = (await made.get("/lots?sku=ABC-1"))["rows"]  # type: ignore[misc]
    assert (lot["expires_on"], lot["supplier_lot"]) == ("2027-01-01", "A-77")
    wrong = b"sku,lot,expires_on,made_on\nABC-1,,soon,\nNO,L,,\nABC-1,L1,2020-01-01,\n"
    told = await _send(made, "lots", wrong, status=422)
    faults = [(one["row"], one["column"]) for one in told["faults"]]  # type: ignore[attr-defined]
    assert faults == [(2, "lot"), (2, "expires_on"), (3, ""), (4, "")]


async def test_it_is_told_how_far_an_import_has_come(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_PART", 2)
    content = b"sku,name,parent,family\nF,Family,,yes\n" + b"".join(
        b"I-%d,Item,F,\n" % number for number in range(4)
    )
    told: list[tuple[str, int]] = []
    jobs: list[Progress] = []
    apply, begin = running.KINDS["items"].apply, Jobs.begin

    def seen(*args: Any, **more: Any) -> Any:
        told.append((jobs[-1].stage, jobs[-1].done))
        return apply(*args, **more)

    def begun(*args: Any) -> Progress:
        jobs.append(begin(*args))
        return jobs[-1]

    monkeypatch.setattr(Jobs, "begin", begun)
    watched = running.KINDS["items"]._replace(apply=seen)
    monkeypatch.setitem(running.KINDS, "items", watched)
    assert _counts(await _send(made, "items", content, asked="job=spring&dry_run=true"))[0] == 5
    assert (await made.get("/api/imports/spring"))["stage"] == "refused"
    await _send(made, "items", content, asked="job=spring")
    assert told == [("writing", done) for done in (0, 2, 4)] * 2
    done = await made.get("/api/imports/spring")
    assert (done["stage"], done["rows"], done["done"]) == ("kept", 5, 5)
    await made.get("/api/imports/autumn", 404)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_what_is_exported_is_imported(made: Bench, tmp_path: Path, form: str) -> None:
    await _send(made, "items", ITEMS.encode())
    formula = {"sku": "EVIL", "name": "=1+1", "attributes": {"n": 1, "d": 0.5, "b": True, "s": "x"}}
    sizes = {"dimensions_mm": {"length": 1, "width": 2, "height": 3}, "unit_cv": 0.01}
    await made.post("/items", **formula, **sizes)
    await _send(
        made,
        "locations",
        b"code,parent,type,max_mass_mg\nWH-01,,warehouse,\nR1,WH-01,rack,999999999\n",
    )
    await _send(made, "stock", b"sku,location,quantity,status\nABC-1,R1,5,\nABC-1,R1,2,damaged\n")
    await _send(made, "lots", b"sku,lot,expires_on\nABC-2,L1,2030-01-01\n")
    await _send(made, "inbound-orders", INBOUND.replace("ABC-1", "EVIL").encode())
    await _send(made, "orders", OUTBOUND.encode())
    files = {}
    for kind in ("items", "locations", "lots", "stock", "inbound-orders", "orders"):
        answer = await made.http.get(f"/api/exports/{kind}?format={form}")
        assert answer.status_code == 200, answer.text
        files[kind] = answer.content
        told = await _send(made, kind, answer.content, asked="dry_run=true")
        unchanged = {"items": 4, "lots": 1, "inbound-orders": 3, "orders": 3}.get(kind, 2)
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
    assert "4 of 4 rows" in said.output
    assert "3 created" in runner.invoke(app, [*base, "--keep-right"]).stdout
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
