"""What an ERP sends: kept as it came, mapped, applied, changed, cancelled, mended, tried again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.catalogue.changes import Told
from central.erp import again, intake
from central.erp.applying import read, trial
from central.erp.messages import OtherContent
from central.events import log as events
from tests.central.erp.desks import EXAMPLES, GTIN, Office, example, key_of, opened
from tests.central.harness import Bench

ANNA = Told(by="anna", at_us=9)
LINE = {"line": "1", "sku": "ABC-12345", "quantity": 150, "unit": "EA", "price": 29.99}
ORDER: dict[str, Any] = {"number": "PO-7890", "supplier": "Acme Ltd", "lines": [LINE]}
SETTINGS = example("ours.toml")
MAIN = SETTINGS.connections["main"]


class Post:
    """Sends to a connection, and has it applied."""

    def __init__(self, made: Bench) -> None:
        self.made = made
        self.office = Office(made.database, SETTINGS, made.tide)
        self.number = 0

    async def send(self, *orders: dict[str, Any], key: str | None = None) -> Any:
        """The message, as it stands when it was tried."""
        self.number += 1
        raw = json.dumps({"message": key or f"m-{self.number}", "orders": orders}).encode()
        return await self.send_raw(raw)

    async def send_raw(self, raw: bytes) -> Any:
        kept = await self.made.database.write(
            lambda c: intake.keep(c, "main", key_of(raw, MAIN), (raw, "test"), 1)
        )
        await self.office.erp.desk.step()
        (found,) = [one for one in await self.office.messages() if one.no == kept.message.no]
        return found

    def verdicts(self, message: Any) -> list[str]:
        return [one["verdict"] for one in json.loads(message.mapped)]


@pytest.fixture
async def post(tmp_path: Path, books_url: str) -> AsyncIterator[Post]:
    async with opened(tmp_path, books_url, SETTINGS) as made:
        yield Post(made)


def faults(message: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.place) for one in message.faults]


async def test_an_order_is_made_as_the_settings_map_it(post: Post) -> None:
    done = await post.send_raw((EXAMPLES / "ours.json").read_bytes())
    assert (done.state, done.subject, done.key) == ("applied", "PO-7890", "PO-7890/1")
    order = await post.office.order("main-PO-7890")
    assert (order.supplier, order.location, order.currency) == ("Acme Ltd", "WH-01", "EUR")
    (line,) = order.lines
    assert (line.line, line.sku, line.quantity, line.price_micros) == (
        "1", "ABC-12345", 150, 29_990_000,
    )  # fmt: skip
    shown: Any = await post.made.get("/api/orders/inbound/main-PO-7890")
    assert shown["expected_date"] == "2026-02-02T07:00:00Z", "it was Berlin's time"
    assert shown["created_by"] == "erp:main"


async def test_a_message_that_comes_again_changes_nothing(post: Post) -> None:
    first = await post.send(ORDER, key="m-1")
    raw = json.dumps({"message": "m-1", "orders": [ORDER]}).encode()
    assert (await post.send_raw(raw)) == first
    with pytest.raises(OtherContent, match="came before with other content"):
        await post.send(ORDER | {"supplier": "Other"}, key="m-1")
    assert await post.office.listed() == ["main-PO-7890"]


async def test_packs_and_their_units_become_ours(post: Post) -> None:
    done = await post.send(
        ORDER | {"lines": [
            {"sku": "OAT", "quantity": "2", "unit": "CS", "price": "9.00"},
            {"gtin": GTIN, "quantity": 3, "unit": "CS"},
            {"sku": "ABC-12345", "quantity": 0.5, "unit": "DZ"},
            {"gtin": GTIN, "quantity": 4},
        ]},
    )  # fmt: skip
    assert done.state == "applied", done.faults
    lines = (await post.office.order("main-PO-7890")).lines
    assert [(one.sku, one.quantity) for one in lines] == [
        ("OAT", 12), ("OAT", 18), ("ABC-12345", 6), ("OAT", 4),
    ]  # fmt: skip
    assert lines[0].price_micros == 1_500_000


async def test_all_mistakes_are_told_with_their_places(post: Post) -> None:
    done = await post.send(
        ORDER,
        {"number": "PO-2", "supplier": "Acme Ltd", "warehouse": "NOWHERE", "lines": [
            LINE | {"sku": "NOBODY"},
            LINE | {"unit": "CS"},
            LINE | {"quantity": 0.5},
            LINE | {"gtin": GTIN},
        ]},
        {"supplier": "Acme Ltd", "expected": "soon", "lines": [{"quantity": "much"}]},
        {"number": "PO-4", "supplier": "Acme Ltd", "lines": []},
        {"number": "PO-5", "supplier": "x" * 201, "lines": [LINE, LINE | {"unit": "KG"}]},
        {"number": "PO-6", "supplier": "x" * 201, "lines": [LINE, LINE | {"line": 2}]},
    )  # fmt: skip
    assert (done.state, done.reason) == ("dead", "unknown-item")
    assert await post.office.listed() == ["main-PO-7890"], "what is right of it is done"
    assert faults(done) == [
        ("unknown-item", "orders[1].lines[0].sku"),
        ("unknown-unit", "orders[1].lines[1].unit"),
        ("wrong-quantity", "orders[1].lines[2].quantity"),
        ("unknown-item", "orders[1].lines[3].gtin"),
        ("unknown-location", "orders[1].warehouse"),
        ("lacking", "orders[2].number"),
        ("not-a-date", "orders[2].expected"),
        ("not-a-number", "orders[2].lines[0].quantity"),
        ("lacking", "orders[2].lines[0].sku or orders[2].lines[0].gtin"),
        ("no-lines", "orders[3].lines"),
        ("unknown-value", "orders[4].lines[1].unit"),
        ("not-valid", "orders[5].supplier"),
    ]
    assert "accepted: CS, DZ, EA" in str(done.faults[10])
    found = post.made.database.read_now(lambda c: events.following(c, 0, 100))
    (told,) = [one.body for one in found if one.kind == "ErpMessageDead"]
    assert (told["message"], told["reason"]) == (done.no, "unknown-item")


async def test_what_was_mended_is_tried_again(post: Post) -> None:
    done = await post.send(ORDER | {"lines": [LINE | {"sku": "NEW"}]})
    assert done.state == "dead"
    await post.made.post("/items", sku="NEW", name="New")
    await post.made.database.write(lambda c: again.replay(c, [done], ANNA))
    await post.office.erp.desk.step()
    (after,) = await post.office.messages()
    assert (after.state, after.tries, after.faults) == ("applied", 2, ())
    audited: Any = await post.made.get("/audit?limit=5")
    assert audited["rows"][0]["actor"].startswith("anna")


async def test_a_changed_order_changes_what_is_open_and_is_refused_for_what_came(
    post: Post,
) -> None:
    await post.send(ORDER | {"version": 1})
    changed = await post.send(ORDER | {"version": 2, "lines": [LINE | {"quantity": 100}]})
    assert post.verdicts(changed) == ["changed"]
    await post.made.post("/api/receiving", id="session-1", order="main-PO-7890")
    await post.made.post(
        "/api/receiving/session-1/receipts", id="receipt-1", sku="ABC-12345", quantity=80
    )
    late = await post.send(ORDER | {"version": 1, "lines": [LINE | {"quantity": 5}]})
    assert (late.state, post.verdicts(late)) == ("applied", ["overtaken"])
    less = await post.send(ORDER | {"version": 3, "lines": [LINE | {"quantity": 79}]})
    assert (less.state, less.reason) == ("dead", "not-changeable")
    assert "80 units of line 1 came already" in str(less.faults[0])
    gone = await post.send(ORDER | {"version": 4, "cancelled": True})
    assert "80 units of order main-PO-7890 came already" in str(gone.faults[0])
    assert (await post.office.order("main-PO-7890")).lines[0].quantity == 100
    same = await post.send(ORDER | {"version": 5, "lines": [LINE | {"quantity": 100}]})
    assert post.verdicts(same) == ["unchanged"]


async def test_an_older_message_that_is_tried_again_does_not_undo_a_newer_one(post: Post) -> None:
    wrong = await post.send(ORDER | {"lines": [LINE, {"sku": "NEW", "quantity": 1}]})
    await post.send(ORDER)
    await post.made.post("/items", sku="NEW", name="New")
    await post.made.database.write(lambda c: again.replay(c, [wrong], ANNA))
    await post.office.erp.desk.step()
    assert post.verdicts((await post.office.messages())[0]) == ["overtaken"]
    assert len((await post.office.order("main-PO-7890")).lines) == 1


async def test_an_order_is_cancelled_and_an_unknown_one_is_not(post: Post) -> None:
    await post.send(ORDER)
    done = await post.send({"number": "PO-7890", "cancelled": True})
    assert (done.state, post.verdicts(done)) == ("applied", ["cancelled"])
    assert (await post.office.order("main-PO-7890")).status == "cancelled"
    unknown = await post.send({"number": "PO-0", "cancelled": "X"})
    assert faults(unknown) == [("unknown-order", "orders[0].number")]
    once_more = await post.send(ORDER)
    assert "it is cancelled" in str(once_more.faults[0])


async def test_what_cannot_be_read_waits_for_somebody(post: Post) -> None:
    for raw, kind in (
        (b"", "unreadable"),
        (b'{"message": "x", "orders": [', "unreadable"),
        (b"<a><b></a>", "unreadable"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "unreadable"),
        (b"number;quantity\n", "no-orders"),
        (b"name,quantity\nx,1\n", "unreadable"),
        (b"PK\x03\x04 and no more", "unreadable"),
        (b'{"orders": []}', "no-orders"),
        (b'{"orders": 7}', "lacking"),
        (b"[" * 50_000, "unreadable"),
        (b'{"orders": [{"number": "a\\u0000b", "lines": [1, null]}]}', "wrong-type"),
    ):
        done = await post.send_raw(raw)
        assert (done.state, done.reason) == ("dead", kind), (raw[:60], done.faults)


async def test_rows_of_a_table_are_orders_by_their_number(post: Post) -> None:
    rows = (
        "number;supplier;line;sku;quantity;unit\n"
        "PO-1;Acme Ltd;1;ABC-12345;10;EA\n"
        "PO-2;Acme Ltd;1;ABC-12345;x;EA\n"
        "PO-1;Acme Ltd;2;OAT;2;CS\n"
    )
    done = await post.send_raw(rows.encode())
    assert faults(done) == [("not-a-number", "orders[1].lines[0].quantity (row 3)")]
    lines = (await post.office.order("main-PO-1")).lines
    assert [(one.line, one.sku, one.quantity) for one in lines] == [
        ("1", "ABC-12345", 10), ("2", "OAT", 12),
    ]  # fmt: skip


async def test_a_dry_run_says_the_same_and_writes_nothing(post: Post) -> None:
    raw = json.dumps({"orders": [ORDER, ORDER | {"number": "PO-2", "warehouse": "x"}]}).encode()
    found = await post.made.database.read(lambda c: trial(c, "main", read(MAIN, "main", raw)))
    assert [one["verdict"] for one in json.loads(found.mapped)] == ["created", "refused"]
    assert [one.kind for one in found.faults] == ["unknown-location"]
    assert await post.office.listed() == []


async def test_an_idoc_of_sap_is_an_order(tmp_path: Path, books_url: str) -> None:
    settings = example("orders05.toml", folder=str(tmp_path))
    sap = settings.connections["sap"]
    raw = (EXAMPLES / "orders05.xml").read_bytes()
    async with opened(tmp_path, books_url, settings) as made:
        office = Office(made.database, settings, made.tide)
        key = key_of(raw, sap)
        await made.database.write(lambda c: intake.keep(c, "sap", key, (raw, "test"), 1))
        await office.erp.desk.step()
        (done,) = await office.messages()
        assert (done.state, done.key) == ("applied", "0000000000471100"), done.faults
        order = await office.order("sap-4500007890")
        assert (order.supplier, order.location) == ("Acme Ltd", "WH-01")
        assert [(one.line, one.quantity, one.price_micros) for one in order.lines] == [
            ("00010", 150, 29_990_000)
        ]
