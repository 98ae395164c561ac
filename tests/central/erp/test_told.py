"""What an ERP is told: mapped, in order, at least once, put aside when it will not have it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from central.catalogue import packs
from central.catalogue.changes import Told
from central.erp import again, intake
from central.events import deliveries
from central.receiving.receipts import ReceiptTeller
from tests.central.api.test_documents import scanned
from tests.central.erp.desks import EXAMPLES, Office, example, key_of, opened
from tests.central.harness import Bench
from tests.fakes.books import sqlite_books
from tests.fakes.clock import FakeClock
from tests.fakes.receiver import Receiver, receiving

ANNA = Told(by="anna", at_us=9)


class Dock:
    """An order of the ERP's, of which goods come."""

    def __init__(self, made: Bench, settings: Any, clock: FakeClock) -> None:
        self.made, self.settings = made, settings
        self.office = Office(made.database, settings, made.tide, clock)
        self.clock = clock
        self.receipts = 0

    async def open(self, name: str = "main") -> None:
        await self.office.erp.begin()
        sample = "ours.json" if name == "main" else "orders05.xml"
        raw = (EXAMPLES / sample).read_bytes()
        connection = self.settings.connections[name]
        await self.made.database.write(
            lambda c: intake.keep(c, name, key_of(raw, connection), (raw, "test"), 1)
        )
        await self.office.erp.desk.step()
        (self.order,) = await self.office.listed()
        await self.made.post("/api/receiving", id="session-1", order=self.order)

    async def receive(self, quantity: int, **more: object) -> None:
        self.receipts += 1
        await self.made.post(
            "/api/receiving/session-1/receipts", id=f"receipt-{self.receipts}", sku="ABC-12345",
            quantity=quantity, **more,
        )  # fmt: skip

    async def close(self) -> None:
        await self.made.post(f"/api/orders/inbound/{self.order}/close", 200, reason="short_shipped")

    async def states(self) -> list[str]:
        return [one.state for one in await self.office.messages(direction="out")]


@pytest.fixture
def receiver() -> Any:
    with receiving() as made:
        yield made


@pytest.fixture
async def dock(tmp_path: Path, books_url: str, receiver: Receiver) -> AsyncIterator[Dock]:
    settings = example("ours.toml", out={"url": receiver.url, "attempts": 3})
    async with opened(tmp_path, books_url, settings) as made:
        made_dock = Dock(made, settings, FakeClock(wall_us=1_700_000_000_000_000))
        await made_dock.open()
        yield made_dock


async def test_receipts_and_the_order_s_end_are_told_signed_and_in_order(
    dock: Dock, receiver: Receiver
) -> None:
    await dock.receive(100, lot="A")
    await dock.receive(8, condition="damaged")
    await dock.close()
    await dock.office.tell()
    posts = receiver.all()
    bodies = [json.loads(one.body) for one in posts]
    assert [one.headers["tallyport-document"] for one in posts] == [
        "goods-receipt", "goods-receipt", "order-closed",
    ]  # fmt: skip
    line = {"line": "1", "sku": "ABC-12345"}
    assert bodies[0]["lines"] == [
        line | {"lot": "A", "quantity": 100, "damaged": 0, "received": 100}
    ]
    assert bodies[1]["lines"] == [line | {"lot": "", "quantity": 8, "damaged": 8, "received": 108}]
    assert bodies[2]["order"] == "PO-7890"
    assert [(one["kind"], one["quantity"]) for one in bodies[2]["differences"]] == [
        ("short", 42), ("damaged", 8),
    ]  # fmt: skip
    secret = dock.settings.connections["main"].secrets[0].get_secret_value()
    for post, body in zip(posts, bodies, strict=True):
        assert post.headers["webhook-id"] == body["id"]
        assert post.headers["content-type"] == "application/json"
        signed = standardwebhooks.Webhook(secret).sign(
            body["id"], _at(post.headers["webhook-timestamp"]), post.body.decode()
        )
        assert signed == post.headers["webhook-signature"]
    assert await dock.states() == ["applied"] * 3
    await dock.office.tell()
    assert receiver.all() == []


def _at(seconds: str) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(seconds), UTC)


async def test_orders_that_did_not_come_from_it_are_not_told(
    dock: Dock, receiver: Receiver
) -> None:
    await dock.made.post(
        "/api/orders/inbound", id="by-hand-1", supplier="x", reference="PO-1", location="WH-01",
        lines=[{"sku": "OAT", "quantity": 5}],
    )  # fmt: skip
    await dock.made.post("/api/receiving", id="session-2", order="by-hand-1")
    await dock.made.post("/api/receiving/session-2/receipts", id="receipt-99", sku="OAT")
    await dock.office.tell()
    assert receiver.all() == []
    assert await dock.states() == []


async def test_who_answers_that_it_is_wrong_gets_it_no_more_until_somebody_says_so(
    dock: Dock, receiver: Receiver
) -> None:
    receiver.answers = [(422, {}), (200, {})]
    await dock.receive(1)
    await dock.receive(2)
    await dock.office.tell()
    assert await dock.states() == ["dead", "applied"], "what is behind it is told at once"
    (dead, _) = await dock.office.messages(direction="out")
    assert (dead.reason, dead.tries) == ("refused", 1)
    assert "422" in str(dead.faults[0])
    await dock.made.database.write(lambda c: again.replay(c, [dead], ANNA))
    await dock.office.tell()
    assert await dock.states() == ["applied", "applied"]
    told = [json.loads(one.body)["id"] for one in receiver.all()]
    assert told == [dead.key, told[1], dead.key], "the same message under the same id"


async def test_what_is_told_again_in_vain_stays_dead_and_may_be_given_up(
    dock: Dock, receiver: Receiver
) -> None:
    receiver.answers = [(400, {})]
    await dock.receive(1)
    await dock.office.tell()
    for _ in range(2):
        (dead,) = await dock.office.messages(direction="out")
        assert dead.state == "dead"
        await dock.made.database.write(lambda c, d=dead: again.replay(c, [d], ANNA))  # type: ignore[misc]
        await dock.office.tell()
    (dead,) = await dock.office.messages(direction="out")
    assert (dead.state, dead.tries) == ("dead", 3)
    await dock.made.database.write(lambda c: again.discard(c, [dead], ANNA))
    assert await dock.states() == ["discarded"]
    left = await dock.made.database.read(lambda c: deliveries.dead(c, "erp_main"))
    assert left == []


async def test_who_is_busy_is_told_again_later(dock: Dock, receiver: Receiver) -> None:
    for number, status in enumerate((408, 425, 429, 500, 503), 1):
        receiver.answers = [(status, {"retry-after": "120"}), (status, {}), (200, {})]
        await dock.receive(1)
        assert await dock.office.tell() == 120, "as it asked"
        waits = (await dock.office.messages(direction="out"))[-1]
        assert (waits.state, waits.reason) == ("failed", "refused")
        dock.clock.pass_s(120)
        assert await dock.office.tell() == 2
        dock.clock.pass_s(2)
        await dock.office.tell()
        assert await dock.states() == ["applied"] * number
        assert len({one.body for one in receiver.all()}) == 1


async def test_after_so_many_times_it_is_put_aside(dock: Dock, receiver: Receiver) -> None:
    receiver.answers = [(500, {})]
    await dock.receive(1)
    for _ in range(3):
        await dock.office.tell()
        dock.clock.pass_s(60)
    (dead,) = await dock.office.messages(direction="out")
    assert (dead.state, dead.tries) == ("dead", 3)


async def test_what_cannot_be_mapped_waits_for_other_settings(
    dock: Dock, receiver: Receiver
) -> None:
    out = dock.settings.connections["main"].out
    document = out.documents["goods-receipt"]
    document.template["order"] = {"path": "data.supplier", "table": "units"}
    await dock.receive(1)
    await dock.office.tell()
    (dead,) = await dock.office.messages(direction="out")
    assert (dead.state, dead.reason) == ("dead", "unknown-value")
    assert "out.documents.goods-receipt: data.supplier: 'Acme Ltd' is not in" in str(dead.faults[0])
    document.template["order"] = "data.supplier"
    await dock.made.database.write(lambda c: again.replay(c, [dead], ANNA))
    await dock.office.tell()
    (post,) = receiver.all()
    assert json.loads(post.body)["order"] == "Acme Ltd"


async def test_a_connection_that_is_gone_is_told_nothing_and_goes_on_when_it_is_back(
    dock: Dock, receiver: Receiver
) -> None:
    gone = Office(dock.made.database, example("ours.toml", out=None), dock.made.tide, dock.clock)
    await gone.erp.begin()
    shown: Any = await dock.made.get("/subscriptions/erp_main")
    assert shown["status"] == "paused"
    await dock.receive(1)
    await dock.office.erp.begin()
    await dock.office.tell()
    assert len(receiver.all()) == 1


async def test_files_of_receipts_are_whole_and_have_their_message_s_name(
    tmp_path: Path, books_url: str
) -> None:
    settings = example("orders05.toml", folder=str(tmp_path / "sap"))
    async with opened(tmp_path, books_url, settings) as made:
        dock = Dock(made, settings, FakeClock(wall_us=1_700_000_000_000_000))
        await dock.open("sap")
        await dock.receive(100, lot="A")
        (tmp_path / "sap").mkdir(exist_ok=True)
        (tmp_path / "sap" / "outbox").write_text("in the way")
        await dock.office.tell()
        assert await dock.states() == ["failed"]
        (tmp_path / "sap" / "outbox").unlink()
        dock.clock.pass_s(60)
        await dock.office.tell()
        (file,) = (tmp_path / "sap" / "outbox").iterdir()
        (message,) = await dock.office.messages(direction="out")
        assert (file.name, message.origin) == (
            f"goods-receipt-{message.key}.csv", f"file {file.name}",
        )  # fmt: skip
        head, row = file.read_text().splitlines()
        assert head == "EBELN,EBELP,MATNR,CHARG,ERFMG,ERFME,BUDAT,XBLNR"
        assert row.startswith("4500007890,00010,ABC-12345,A,100,PCE,20")
        assert row.endswith(message.key)


async def test_what_a_sensor_found_is_told_as_well_and_once(dock: Dock, receiver: Receiver) -> None:
    await dock.made.put("/read-points/desk", kind="scan", location="WH-01", inferred="auto")
    gtin = "09521234000020"
    await dock.made.database.write(lambda c: packs.put_pack(c, gtin, "ABC-12345", 10))
    teller = ReceiptTeller(dock.made.database, dock.made.tide)
    await teller.step()
    await scanned(dock.made, 1, f"01{gtin}217")
    while await teller.step() is not None:
        pass
    await dock.receive(10, lot="A")
    await dock.office.tell()
    lines = [line for one in receiver.all() for line in json.loads(one.body)["lines"]]
    assert sum(line["quantity"] for line in lines) == 10, "hands confirmed what the scanner read"
    assert [(line["lot"], line["quantity"]) for line in lines] == [("", 10), ("", -10), ("A", 10)]


async def test_goods_issues_and_adjustments_are_told_in_the_same_way(
    tmp_path: Path, receiver: Receiver
) -> None:
    line = {"sku": "sku", "quantity": "quantity", "order": "event.data.reference"}
    documents = {
        "goods-issue": {
            "kinds": ["OrderShipped"], "template": {"lines": {"each": "data.lines", "item": line}},
        },
        "adjustment": {
            "kinds": ["StockAdjusted", "StockScrapped"],
            "template": {"sku": "data.sku", "quantity": "data.quantity", "kind": "kind"},
        },
    }  # fmt: skip
    settings = example("ours.toml", out={"url": receiver.url, "documents": documents})
    url = sqlite_books(tmp_path / "books.sqlite")
    async with opened(tmp_path, url, settings) as made:
        office = Office(made.database, settings, made.tide)
        await office.erp.begin()
        goods = {"sku": "ABC-12345", "quantity": 5}
        await made.post("/stock/receive", location="WH-01", **goods)
        await made.post(
            "/api/orders/outbound", id="order-001", customer="x", reference="SO-1",
            ship_to={"city": "x"}, warehouse="WH-01", lines=[{"sku": "ABC-12345", "quantity": 3}],
        )  # fmt: skip
        await made.post("/api/picking/tasks", orders=["order-001"])
        await made.post("/api/orders/outbound/order-001/ship", id="shipment-1")
        await made.post("/stock/scrap", sku="ABC-12345", location="WH-01", quantity=1, reason="x")
        await office.tell()
        told = [(one.headers["tallyport-document"], json.loads(one.body)) for one in receiver.all()]
        assert told == [
            ("goods-issue", {"lines": [{"sku": "ABC-12345", "quantity": 3, "order": "SO-1"}]}),
            ("adjustment", {"sku": "ABC-12345", "quantity": 1, "kind": "StockScrapped"}),
        ]
