"""Webhooks over real HTTP: the official library takes the signatures; what answers mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network

import msgspec
import pytest
from sqlalchemy import Connection
from standardwebhooks.webhooks import Webhook as Official

from central.catalogue import changes
from central.catalogue.changes import Told
from central.catalogue.items import Item
from central.config import EventsSection
from central.database.store import Database
from central.database.tide import Tide
from central.events import deliveries, signing, subscriptions
from central.events.courier import Courier, Road
from central.events.model import Letter, NotTaken, Secret, Subscription, Target
from central.events.webhook import Webhook
from gateway.clock import SystemClock
from tests.fakes.clock import FakeClock
from tests.fakes.link import FakeLink
from tests.fakes.receiver import Receiver, receiving

LOOPBACK = (IPv4Network("127.0.0.0/8"),)
LETTER = Letter("movement-1", "StockMoved", "stock_updated", "NUT", b'{"id":"movement-1"}')
KEYS = tuple(Secret(key=signing.new_key()) for _ in range(2))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@asynccontextmanager
async def hook(url: str, **more: object) -> AsyncIterator[Webhook]:
    made = Webhook(url, lambda: KEYS, clock=SystemClock(), **{"allowed": LOOPBACK} | more)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.close()


async def test_it_arrives_signed_by_every_key(receiver: Receiver) -> None:
    async with hook(receiver.url) as target:
        await target.send(LETTER)
    (post,) = receiver.all()
    assert (post.path, post.body) == ("/hook?from=tallyport", LETTER.body)
    assert post.headers["content-type"].startswith("application/cloudevents+json")
    assert post.headers["host"] == receiver.url.split("/")[2]
    for key in KEYS:
        assert Official(key.key).verify(post.body, post.headers) == json.loads(LETTER.body)


@pytest.mark.parametrize(
    ("status", "headers", "gone", "wait_s"),
    [
        (500, {}, False, 0),
        (410, {}, True, 0),
        (503, {"retry-after": "120"}, False, 120),
        (429, {"retry-after": "999999"}, False, 3_600),
        (429, {"retry-after": "soon"}, False, 0),
        (302, {"location": "http://169.254.169.254/"}, False, 0),
    ],
)
async def test_what_is_no_success_is_not_taken(
    receiver: Receiver, status: int, headers: dict[str, str], gone: bool, wait_s: float
) -> None:
    receiver.answers = [(status, headers)]
    async with hook(receiver.url) as target:
        with pytest.raises(NotTaken, match=rf"{status} .*because") as refusal:
            await target.send(LETTER)
    said = refusal.value
    assert (said.reached, said.gone, said.wait_s) == (True, gone, wait_s)
    assert len(receiver.all()) == 1, "nothing is followed, nothing is tried twice"


async def test_who_is_not_there_is_not_reached(receiver: Receiver) -> None:
    async with hook("http://127.0.0.1:1/") as target:
        with pytest.raises(NotTaken, match="nobody answers") as refusal:
            await target.send(LETTER)
    assert not refusal.value.reached


async def test_nothing_within_is_asked_unless_it_is_allowed(receiver: Receiver) -> None:
    async with hook(receiver.url, allowed=()) as target:
        with pytest.raises(NotTaken, match=r"lies within: name its network in events\.webhook_"):
            await target.send(LETTER)
    named = receiver.url.replace("127.0.0.1", "localhost")
    async with hook(named, allowed=()) as target:
        with pytest.raises(NotTaken, match="lies within"):
            await target.send(LETTER)
    assert receiver.all() == []


async def test_a_target_that_is_gone_is_told_no_more(
    receiver: Receiver, database: Database
) -> None:
    """Unless somebody changed the subscription meanwhile: then his word holds."""
    clock = FakeClock(wall_us=10**15)
    settings = EventsSection(webhook_networks=("127.0.0.0/8",))  # type: ignore[arg-type]
    road = Road(database, FakeLink(), Tide(), settings, clock=clock, jitter=lambda: 0.0)
    told = Told(by="anna", at_us=10**15)
    wanted = Subscription(id="", name="x", target=Target(kind="webhook", url=receiver.url))
    made, first = await database.write(
        lambda c: subscriptions.add(c, wanted, told, from_beginning=True)
    )
    second = await database.write(lambda c: subscriptions.new_secret(c, made.id, told))
    await database.write(_one_item)
    receiver.answers = [(410, {})]
    await _step(road, made)
    stands = await database.read(lambda c: subscriptions.get(c, made.id))
    assert stands.status == "active"
    clock.pass_s(1)
    await _step(road, stands)
    gone = await database.read(lambda c: subscriptions.get(c, made.id))
    assert (gone.status, gone.why[:3]) == ("gone", "410")
    assert await database.read(subscriptions.active) == []
    assert [len(post.headers["webhook-signature"].split()) for post in receiver.all()] == [2, 2]
    back = await database.write(
        lambda c: subscriptions.change(c, msgspec.structs.replace(gone, status="active"), told)
    )
    receiver.answers = [(200, {})]
    clock.pass_s(24 * 3_600)
    await _step(road, back)
    (post,) = receiver.all()
    assert len(post.headers["webhook-signature"].split()) == 1, "the first key's day is over"
    assert (await database.read(lambda c: deliveries.standing(c, made.id))).delivered == 1
    assert first != second


async def _step(road: Road, subscription: Subscription) -> None:
    courier = Courier(road, subscription)
    await courier.step()
    await courier.close()


def _one_item(conn: Connection) -> None:
    changes.create(conn, Item(sku="NUT", name="Nut"), [], Told(by="anna", at_us=5))
