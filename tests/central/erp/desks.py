"""A warehouse with connected programs, for the tests of them."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.erp import intake, messages
from central.erp.config import ErpConnection, ErpSection
from central.erp.messages import Message, Wanted
from central.erp.part import Erp
from central.erp.target import KIND
from central.events import subscriptions
from central.events.courier import Courier, Road
from central.receiving import orders
from central.receiving.model import Order
from gateway.clock import SystemClock
from gateway.link import Link
from tests.central.harness import Bench, bench
from tests.fakes.clock import FakeClock

EXAMPLES = Path(__file__).parents[3] / "examples" / "erp"
GTIN = "09521234000013"
NOWHERE = cast("Link", None)
LOOPBACK = EventsSection(webhook_networks=("127.0.0.0/8",), webhook_timeout_s=2)


def example(name: str, **changes: Any) -> ErpSection:
    """The settings of an example, its one connection changed."""
    told = tomllib.loads((EXAMPLES / name).read_text())["erp"]
    (connection,) = told["connections"].values()
    for key, value in changes.items():
        if value is None:
            connection.pop(key, None)
        elif isinstance(value, dict) and key in connection:
            connection[key] = {**connection[key], **value}
        else:
            connection[key] = value
    return ErpSection.model_validate(told)


def key_of(raw: bytes, connection: ErpConnection) -> str:
    """The id of a message of a connection."""
    assert connection.purchase_orders is not None
    return intake.key_of(raw, connection.purchase_orders, None)


class Office:
    """What runs for connected programs, over some books; ``clock`` is the couriers'."""

    def __init__(
        self, database: Database, settings: ErpSection, tide: Tide, clock: FakeClock | None = None
    ) -> None:
        self.database = database
        self.clock = clock or SystemClock()
        self.erp = Erp(database, tide, settings, LOOPBACK, clock=self.clock)
        self.road = Road(
            database, NOWHERE, tide, LOOPBACK, clock=self.clock, jitter=lambda: 0.0,
            others={KIND: self.erp.targets},
        )  # fmt: skip

    async def tell(self) -> float:
        """Tell all that can be told now; how long until there may be more."""
        (mine,) = await self.database.read(subscriptions.active)
        courier = Courier(self.road, mine)
        try:
            while not (rest_s := await courier.step()):
                pass
        finally:
            await courier.close()
        return rest_s

    async def messages(self, **wanted: Any) -> list[Message]:
        """Oldest first."""
        found = await self.database.read(lambda c: messages.listing(c, Wanted(**wanted)))
        return found[::-1]

    async def order(self, name: str) -> Order:
        """An order of the books."""
        return await self.database.read(lambda c: orders.get_order(c, name))

    async def listed(self) -> list[str]:
        """The ids of all orders."""
        found = await self.database.read(orders.list_orders)
        return [one.id for one in found]


@asynccontextmanager
async def opened(folder: Path, books_url: str, settings: ErpSection) -> AsyncIterator[Bench]:
    """A bench with the goods that the examples order."""
    async with bench(folder, books_url, erp=settings) as made:
        await made.post("/warehouses", code="WH-01", name="Hamburg")
        await made.post("/items", sku="ABC-12345", name="Wireless mouse")
        await made.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": GTIN, "quantity": 6}])
        yield made
