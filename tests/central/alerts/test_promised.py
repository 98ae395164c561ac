"""What is promised: reserved units, backorders, and orders past their time, on both engines."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Connection

from central.alerts import book
from central.catalogue.errors import NotValid
from central.database import cursors
from central.database.store import Database
from central.orders import cancelling, ordering
from central.orders.model import Line, Order
from central.receiving import orders as inbound
from central.receiving.model import Order as InboundOrder
from central.receiving.model import OrderLine
from central.reservations import ending
from central.reservations.model import Reservation
from central.reservations.reserving import Wish, reserve_each
from central.stock.model import StockError
from tests.central.alerts.stage import NOON_US, Stage

HOUR_US = 3_600_000_000


@pytest.fixture
def stage(database: Database) -> Stage:
    """On each engine in turn."""
    return Stage(database)


def reserve(stage: Stage, name: str, units: int, within: str = "shop") -> None:
    claim = Reservation(
        id=name, sku="NUT", quantity=units, held=0, status="open", within=within,
        created_us=NOON_US, changed_us=NOON_US,
    )  # fmt: skip
    wish = Wish(claim, backorder=True)
    (told,) = stage.write(lambda c: reserve_each(c, [wish], at_us=stage.clock.wall_us))
    assert not isinstance(told, StockError)


async def test_what_is_reserved_is_there_for_nobody_else(stage: Stage) -> None:
    stage.rule("few", "low", 10, sku="NUT", location="shop")
    stage.rule("bare", "low", 10, sku="NUT", of="on_hand")
    stage.move("supplier", "shelf", 12)
    await stage.look()
    reserve(stage, "r-1", 5)
    await stage.look()
    assert list(stage.open()) == ["7 of NUT in shop besides 5 that are reserved, minimum 10"]
    stage.write(lambda c: ending.release(c, ["r-1"], at_us=stage.clock.wall_us))
    await stage.look()
    assert stage.happened() == ["raised", "cleared"]


async def test_units_that_reservations_wait_for_are_told_where_they_wait(stage: Stage) -> None:
    stage.rule("owed", "backorder", 3, margin=2)
    stage.rule("owed in the shop", "backorder", 1, location="shop")
    stage.rule("none in the yard", "backorder", 1, location="yard")
    stage.move("supplier", "shelf", 2)
    reserve(stage, "r-1", 4, "hall")
    await stage.look()
    assert list(stage.open()) == ["reservations wait for 2 of NUT in shop"]
    reserve(stage, "r-2", 1, "")
    await stage.look()
    assert sorted(stage.open()) == [
        "reservations wait for 2 of NUT in shop",
        "reservations wait for 3 of NUT",
    ]
    stage.write(lambda c: ending.release(c, ["r-1"], at_us=stage.clock.wall_us))
    await stage.look()
    assert list(stage.open()) == ["reservations wait for 1 of NUT"], "not over by its margin"
    stage.write(lambda c: ending.release(c, ["r-2"], at_us=stage.clock.wall_us))
    await stage.look()
    assert not stage.open()
    with pytest.raises(NotValid, match="leave out each"):
        stage.rule("each", "backorder", 1, each=True)


async def test_orders_past_their_time_are_late_by_the_clock_of_their_place(stage: Stage) -> None:
    stage.rule("late", "late", 30, location="shop")
    stage.move("supplier", "shelf", 8)
    order = Order(
        id="so-1", customer="Jo", warehouse="shop", ship_from="shelf", due_us=NOON_US + HOUR_US,
        lines=(Line(line="1", sku="NUT", quantity=5),),
    )  # fmt: skip
    coming = InboundOrder(
        id="po-1", reference="PO 1", supplier="acme", location="hall",
        lines=(OrderLine(line="1", sku="BOLT", quantity=40),), expected_us=NOON_US,
    )  # fmt: skip
    stage.write(lambda c: ordering.take_each(c, [order], at_us=NOON_US))
    stage.write(lambda c: inbound.add_order(c, coming, stage.told()))
    await stage.after(1_800)
    assert list(stage.open()) == [
        "inbound order po-1 was expected by 2026-03-01 13:00 (Europe/Berlin): 40 units have not "
        "come"
    ]
    await stage.after(3_600)
    found = stage.open()
    assert "order so-1 is due by 2026-03-01 14:00 (Europe/Berlin): 5 units have not left" in found
    assert {one.location for one in found.values()} == {"shop", "hall"}
    stage.write(lambda c: cancelling.cancel(c, "so-1", at_us=stage.clock.wall_us))
    stage.write(lambda c: inbound.cancel(c, "po-1", stage.told()))
    await stage.after(30)
    assert not stage.open()


async def test_whoever_never_heard_of_reservations_looks_at_everything_once(stage: Stage) -> None:
    """A place that a release before kept: it did not follow events."""
    stage.rule("few", "low", 10, sku="NUT")
    stage.move("supplier", "shelf", 12)
    await stage.look()
    reserve(stage, "r-1", 5)
    stage.write(_forget_events)
    stage.watch = stage.new_watch()
    await stage.look()
    assert len(stage.database.read_now(lambda c: book.listing(c, states=["raised"]))) == 1


def _forget_events(conn: Connection) -> None:
    there = cursors.place(conn, "alerts")
    assert there is not None
    state = msgspec.json.decode(there.state or b"")
    del state["heard"]
    cursors.move(conn, "alerts", there.position, msgspec.json.encode(state))
