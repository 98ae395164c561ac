"""From the shipment to its delivery, over the files of a carrier."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from central.carriers.desk import CarrierDesk
from central.carriers.folder import FolderCarrier, Folders
from central.events import log as events
from tests.central.harness import Bench, bench

ORDERS = "/api/orders/outbound"


class Depot:
    """A bench with goods, and a carrier's folders."""

    def __init__(self, made: Bench, folder: Path) -> None:
        self.made = made
        self.folders = Folders(folder / "out", folder / "in", folder / "aside")
        self.folder = FolderCarrier(self.folders)
        self.desk = CarrierDesk(
            made.database, made.tide, {"parcels": self.folder}, look_every_s=1.0
        )

    async def order(self, name: str, *, partial: bool = False, quantity: int = 150) -> None:
        await self.made.post(
            ORDERS, id=name, customer="Jane Doe", ship_to={"city": "Leeds"}, warehouse="WH-01",
            reference="PO-7890", partial=partial,
            lines=[{"sku": "ABC-12345", "quantity": quantity}],
        )  # fmt: skip

    async def ship(self, order: str, shipment: str, carrier: str = "parcels") -> None:
        await self.made.post("/api/picking/tasks", orders=[order])
        await self.made.post(f"{ORDERS}/{order}/ship", id=shipment, carrier=carrier)

    async def receive(self, quantity: int) -> None:
        await self.made.post("/stock/receive", sku="ABC-12345", location="WH-01", quantity=quantity)

    def say(self, shipment: str, event: str, file: str = "said", **more: str) -> None:
        said = {"shipment": shipment, "tracking": "PX-1", "event": event} | more
        whole = json.dumps({"at": "2030-02-02T17:00:00Z"} | said)
        self.folders.tracking.mkdir(exist_ok=True)
        (self.folders.tracking / f"{file}.json").write_text(whole)

    async def stands(self, order: str) -> tuple[str, ...]:
        """The state of an order, and of its shipments."""
        whole: Any = await self.made.get(f"{ORDERS}/{order}")
        return whole["state"], *(one["state"] for one in whole["shipments"])

    def told(self) -> list[str]:
        found = self.made.database.read_now(lambda c: events.following(c, 0, 500))
        return [one.kind for one in found if one.kind in {"ShipmentTracked", "OrderDelivered"}]


@pytest.fixture
async def depot(tmp_path: Path, books_url: str) -> AsyncIterator[Depot]:
    async with bench(tmp_path, books_url) as made:
        await made.post("/warehouses", code="WH-01", name="Leeds")
        await made.post("/items", sku="ABC-12345", name="Wireless mouse")
        opened = Depot(made, tmp_path)
        await opened.receive(150)
        yield opened


async def test_a_shipment_is_told_once_and_tracked_until_it_is_delivered(depot: Depot) -> None:
    await depot.order("order-001")
    await depot.ship("order-001", "shipment-1")
    for _ in range(2):
        await depot.desk.step()
    (file,) = depot.folders.shipments.iterdir()
    told = json.loads(file.read_text())
    assert (told["order"], told["reference"]) == ("order-001", "PO-7890")
    assert told["lines"] == [{"line": "1", "sku": "ABC-12345", "quantity": 150}]
    assert depot.desk.counters == {"handed_over": 1}
    assert await depot.stands("order-001") == ("shipped", "handed-over")
    for event, state in (("in_transit", "in-transit"), ("failed", "failed")):
        depot.say("shipment-1", event)
        await depot.desk.step()
        assert await depot.stands("order-001") == ("shipped", state)
    depot.say("shipment-1", "delivered")
    depot.say("shipment-1", "delivered", "again")
    depot.say("shipment-1", "in_transit", "late", at="2030-02-02T18:00:00Z")
    await depot.desk.step()
    assert await depot.stands("order-001") == ("delivered", "delivered")
    assert depot.told() == ["ShipmentTracked"] * 3 + ["OrderDelivered"]
    assert list(depot.folders.tracking.iterdir()) == []
    whole: Any = await depot.made.get(f"{ORDERS}/order-001")
    assert whole["shipments"][0]["tracking"] == "PX-1"
    delivered: Any = await depot.made.get(f"{ORDERS}?state=delivered")
    assert [row["id"] for row in delivered["rows"]] == ["order-001"]


async def test_an_order_in_two_parts_is_delivered_with_the_second(depot: Depot) -> None:
    await depot.order("order-001", quantity=100)
    await depot.order("order-002", quantity=60, partial=True)
    await depot.ship("order-002", "shipment-1")
    await depot.made.post(f"{ORDERS}/order-001/cancel", status=200)
    await depot.ship("order-002", "shipment-2")
    assert await depot.stands("order-002") == ("shipped", "made", "made")
    for number, state in ((1, "partly-delivered"), (2, "delivered")):
        depot.say(f"shipment-{number}", "delivered")
        await depot.desk.step()
        assert (await depot.stands("order-002"))[0] == state
    assert depot.told() == ["ShipmentTracked", "ShipmentTracked", "OrderDelivered"]


async def test_what_is_not_the_carrier_s_is_refused_and_put_aside(depot: Depot) -> None:
    await depot.order("order-001")
    await depot.ship("order-001", "shipment-1", carrier="another")
    depot.say("shipment-1", "delivered", "one")
    depot.say("shipment-9", "delivered", "two")
    await depot.desk.step()
    assert await depot.stands("order-001") == ("shipped", "made")
    assert depot.desk.counters == {"refused": 2}
    whys = [one.read_text() for one in depot.folders.quarantine.glob("*.why")]
    assert sorted(whys) == [
        f"there is no shipment shipment-{number} with parcels\n" for number in (1, 9)
    ]


async def test_a_folder_that_is_away_is_tried_again(depot: Depot) -> None:
    await depot.order("order-001")
    await depot.ship("order-001", "shipment-1")
    depot.folders.shipments.write_text("in the way")
    await depot.desk.step()
    assert (depot.desk.counters["failed"], await depot.stands("order-001")) == (
        1, ("shipped", "made"),
    )  # fmt: skip
    depot.folders.shipments.unlink()
    await depot.desk.step()
    assert await depot.stands("order-001") == ("shipped", "handed-over")
