"""Couriers: in order, at least once, later and later, put aside at last; none waits for another."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.catalogue.places import Location, add_location
from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.events import deliveries, log, subscriptions
from central.events.courier import Courier, Road
from central.events.couriers import Couriers
from central.events.model import Subscription, Target, back_off_s
from central.stock import ledger
from gateway.link import Link
from gateway.mqtt_settings import NotConnected, PublishRefused
from tests.central.shop import moving, open_shop
from tests.fakes.clock import FakeClock

ANNA = Told(by="anna", at_us=1)


def refused(why: str) -> PublishRefused:
    return PublishRefused("tp/v1/events", 0x95, why)


class Broker:
    """Takes what it is given, unless a test says otherwise."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, object]]] = []
        self.refusals: dict[str, Exception] = {}
        self.before: Callable[[str], Awaitable[None]] | None = None

    async def publish(self, topic: str, payload: bytes, **_: object) -> bool:
        event = json.loads(payload)
        if self.before is not None:
            await self.before(event["subject"])
        if (refusal := self.refusals.get(event["id"]) or self.refusals.get("*")) is not None:
            raise refusal
        self.taken.append((topic, event))
        return True

    @property
    def ids(self) -> list[object]:
        return [event["id"] for _, event in self.taken]


class Post:
    """A road, and what stands at its end."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.broker = Broker()
        self.clock = FakeClock(wall_us=1_000_000_000)
        self.tide = Tide()
        link = cast("Link", self.broker)
        self.road = Road(
            database, link, self.tide, EventsSection(), clock=self.clock, jitter=lambda: 0.0
        )

    async def subscribe(self, **wanted: object) -> Subscription:
        mine = Subscription(id="", name="x", target=Target(kind="mqtt"), **wanted)  # type: ignore[arg-type]
        made, _ = await self.database.write(
            lambda c: subscriptions.add(c, mine, ANNA, from_beginning=True)
        )
        return made

    async def move(self, first: int, count: int, sku: str = "NUT", to: str = "dock") -> None:
        def work(conn: Connection) -> None:
            goods = [moving(n, "supplier", to, sku=sku) for n in range(first, first + count)]
            ledger.post(conn, goods, record_us=first)

        await self.database.write(work)
        self.tide.rise()

    async def standing(self, mine: Subscription) -> deliveries.Standing:
        return await self.database.read(lambda c: deliveries.standing(c, mine.id))

    async def dead(self, mine: Subscription) -> list[deliveries.Dead]:
        return await self.database.read(lambda c: deliveries.dead(c, mine.id))


@pytest.fixture
async def post(database: Database) -> Post:
    await database.write(open_shop)
    return Post(database)


async def test_all_is_told_in_order_and_once_where_nothing_goes_wrong(post: Post) -> None:
    mine = await post.subscribe()
    await post.move(1, 70)
    courier = Courier(post.road, mine)
    assert await courier.step() == 0.0, "there is more"
    assert await courier.step() > 0
    assert post.broker.ids == [f"movement-{n}" for n in range(1, 71)]
    topic, event = post.broker.taken[0]
    assert topic == "tp/v1/events/stock_updated/StockReceived"
    assert event["type"] == "tallyport.StockReceived.v1"
    again = Courier(post.road, mine)
    await again.step()
    assert len(post.broker.taken) == 70
    await post.move(100, 1)
    await again.step()
    assert post.broker.ids[70:] == ["movement-71"]
    assert (await post.standing(mine)).delivered == 71


async def test_who_dies_on_the_way_tells_some_again_and_misses_none(post: Post) -> None:
    mine = await post.subscribe()
    await post.move(1, 10)

    async def dies(_: str) -> None:
        if len(post.broker.taken) == 5:
            raise asyncio.CancelledError

    post.broker.before = dies
    with pytest.raises(asyncio.CancelledError):
        await Courier(post.road, mine).step()
    post.broker.before = None
    await Courier(post.road, mine).step()
    assert post.broker.ids == [f"movement-{n}" for n in (*range(1, 6), *range(1, 11))]


async def test_what_is_not_taken_holds_up_those_behind_it_and_is_put_aside(post: Post) -> None:
    mine = await post.subscribe(attempts=3)
    await post.move(1, 3)
    post.broker.refusals["movement-2"] = refused("too large")
    courier = Courier(post.road, mine)
    assert await courier.step() == pytest.approx(1.0)
    assert post.broker.ids == ["movement-1"]
    assert await courier.step() == pytest.approx(1.0), "not before it is time"
    assert (await post.standing(mine)).failures == 1
    post.clock.pass_s(1)
    assert await courier.step() == pytest.approx(2.0)
    await courier.close()
    courier = Courier(post.road, mine)  # a restart knows how often, and when
    assert await courier.step() == pytest.approx(2.0)
    post.clock.pass_s(2)
    await courier.step()
    assert post.broker.ids == ["movement-1", "movement-3"]
    (dead,) = await post.dead(mine)
    assert (dead.event, dead.kind, dead.state) == ("movement-2", "StockReceived", "kept")
    assert "too large" in dead.why
    assert post.road.counters == {"delivered": 2, "refused": 3, "dead": 1}


async def test_dead_letters_are_told_once_more_when_somebody_asks(post: Post) -> None:
    mine = await post.subscribe(attempts=1)
    await post.move(1, 3)
    for n in (1, 3):
        post.broker.refusals[f"movement-{n}"] = refused("no")
    courier = Courier(post.road, mine)
    await courier.step()
    assert [one.event for one in await post.dead(mine)] == ["movement-3", "movement-1"]
    del post.broker.refusals["movement-1"]
    assert await post.database.write(lambda c: deliveries.again(c, mine.id, None)) == 2
    await courier.step()
    assert post.broker.ids == ["movement-2", "movement-1"]
    (left,) = await post.dead(mine)
    assert (left.event, left.state) == ("movement-3", "kept")
    assert await post.database.write(lambda c: deliveries.again(c, mine.id, [left.id + 1])) == 0


async def test_where_nobody_answers_nothing_is_put_aside_however_long(post: Post) -> None:
    mine = await post.subscribe(attempts=2)
    await post.move(1, 2)
    post.broker.refusals["*"] = NotConnected("away")
    courier = Courier(post.road, mine)
    for _ in range(20):
        post.clock.pass_s(await courier.step())
    assert await post.dead(mine) == []
    assert "away" in (await post.standing(mine)).why
    post.broker.refusals.clear()
    await courier.step()
    assert post.broker.ids == ["movement-1", "movement-2"]
    assert post.road.counters["unreached"] == 20


async def test_only_what_is_asked_for_is_told(post: Post) -> None:
    def places(conn: Connection) -> None:
        add_location(conn, Location(code="bay", name="Bay", parent="hall"))
        log.record(conn, "OrderReserved", "o", {"lines": [{"sku": "BOLT"}]}, at_us=9_000)

    await post.database.write(places)
    mine = await post.subscribe(skus=("BOLT",), locations=("hall",), kinds=("stock_updated",))
    any_bolt = await post.subscribe(skus=("BOLT",))
    await post.move(1, 2, sku="NUT", to="bay")
    await post.move(11, 2, sku="BOLT", to="dock")
    await post.move(21, 2, sku="BOLT", to="bay")
    await Courier(post.road, mine).step()
    assert post.broker.ids == ["movement-5", "movement-6"]
    post.broker.taken.clear()
    await Courier(post.road, any_bolt).step()
    assert post.broker.ids == [*(f"movement-{n}" for n in (3, 4, 5, 6)), "event-1"]
    await post.database.write(lambda c: c.exec_driver_sql("DELETE FROM domain_event"))


async def test_a_slow_target_holds_up_nobody_else(post: Post) -> None:
    await post.subscribe(skus=("NUT",))
    await post.subscribe(skus=("BOLT",))
    await post.move(1, 1, sku="NUT")
    held, told = asyncio.Event(), asyncio.Event()

    async def slow(subject: str) -> None:
        if subject == "NUT":
            held.set()
            await asyncio.Event().wait()
        told.set()

    post.broker.before = slow
    running = asyncio.create_task(Couriers(post.road).run())
    await held.wait()
    await post.move(11, 1, sku="BOLT")
    await told.wait()
    late = asyncio.Event()

    async def count(_: str) -> None:
        if len(post.broker.taken) == 2:
            late.set()

    post.broker.before = count
    await post.subscribe()  # who subscribes while they run is told as well
    post.tide.rise()
    await late.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert post.broker.ids[:2] == ["movement-2", "movement-1"]


async def test_a_broker_that_the_settings_lost_is_waited_for(post: Post) -> None:
    lost = Subscription(id="", name="x", target=Target(kind="broker", broker="rabbit"))
    made, key = await post.database.write(
        lambda c: subscriptions.add(c, lost, ANNA, from_beginning=True)
    )
    assert key == ""
    await post.move(1, 1)
    await Courier(post.road, made).step()
    assert (await post.standing(made)).why == "the settings name no broker rabbit"
    assert await post.dead(made) == []


def test_waits_grow_up_to_an_hour_and_are_spread() -> None:
    waits = [back_off_s(n, 0.0) for n in range(1, 60)]
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == 3_600
    assert waits == sorted(waits)
    assert back_off_s(4, 1.0) == 4
