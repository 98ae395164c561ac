"""Central asks an edge over a real broker, ours and Mosquitto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from drivers.readings import TagRead
from gateway import topics
from gateway.console import Ask, Told, new_id
from gateway.console_codec import encode
from tests.central.console.site import Both, both
from tests.edge.console.bench import ask
from tests.edge.waiting import until
from tests.fakes.brokers import Broker, Embedded, Mosquitto
from tests.fakes.mosquitto import MISSING, find_mosquitto, start_mosquitto


@pytest.fixture(
    params=[
        "embedded",
        pytest.param(
            "mosquitto",
            marks=[
                pytest.mark.mosquitto,
                pytest.mark.skipif(find_mosquitto() is None, reason=MISSING),
            ],
        ),
    ]
)
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Broker]:
    if request.param == "mosquitto":
        process = start_mosquitto(tmp_path)
        yield Mosquitto(process)
        process.stop()
        return
    own = Embedded()
    await own.start_again()
    yield own
    await own.stop()


@pytest.fixture
async def made(tmp_path: Path, broker: Broker) -> AsyncIterator[Both]:
    async with both(tmp_path, broker) as ready:
        yield ready


async def test_the_list_of_an_edge_comes_to_central(made: Both) -> None:
    told = await ask(made.central.services.consoles.desk("pi"), "devices")  # type: ignore[arg-type]
    assert told.result is not None
    assert {one["name"] for one in told.result["devices"]} == {"dock", "plate", "gun"}


async def test_what_a_reader_hears_shows_at_central_until_nobody_looks(made: Both) -> None:
    desk = made.central.services.consoles.desk("pi")
    asked = Ask(id=new_id(), op="watch", arguments={"device": "dock"}, lease_s=1)
    desk.start(asked)
    words = desk.follow(asked.id)
    async with asyncio.timeout(30):
        async for told in words:
            if told.progress is not None:
                break
        await made.edge.reader.report([TagRead(epc="AB" * 12, epc_bits=96, antenna=1)] * 4)
        async for told in words:
            if told.progress and told.progress.get("tags", {}).get("reads") == 4:
                break
    assert told.progress is not None
    assert told.progress["tags"]["tags"][0]["epc"] == "AB" * 12
    assert made.edge.desk.counters["asks"] == 1, "the lease was renewed, not the ask repeated"
    await words.aclose()  # type: ignore[attr-defined]
    await until(lambda: made.edge.desk.newest(asked.id).state == "cancelled")  # type: ignore[union-attr]
    assert not made.edge.agent.fleet.supervisors["dock"]._listeners


async def test_cancelling_reaches_the_edge(made: Both) -> None:
    desk = made.central.services.consoles.desk("pi")
    asked = Ask(id=new_id(), op="watch", arguments={"device": "dock"})
    desk.start(asked)
    words: list[Told] = []
    async with asyncio.timeout(30):
        async for told in desk.follow(asked.id):
            words.append(told)
            if told.progress is not None:
                desk.cancel(asked.id)
    assert words[-1].state == "cancelled"


async def test_trouble_at_the_edge_is_told_with_what_to_do(made: Both) -> None:
    told = await ask(made.central.services.consoles.desk("pi"), "watch", device="ghost")  # type: ignore[arg-type]
    assert told.error is not None
    assert told.error.code == "no-such-device"
    assert "dock" in told.error.text


async def test_an_edge_that_is_away_is_told_and_not_waited_for(made: Both) -> None:
    consoles = made.central.services.consoles
    consoles.heard_of("s", "gone")
    desk = consoles.desk("gone")
    desk._answer_s = 0.2  # type: ignore[attr-defined]
    told = await ask(desk, "devices")  # type: ignore[arg-type]
    assert told.error is not None
    assert told.error.code in {"edge-away", "edge-silent"}  # not every broker says that none heard
    assert told.error.hint


async def test_a_retained_ask_and_one_that_makes_no_sense_are_not_carried_out(made: Both) -> None:
    ask_id = new_id()
    stale = encode(Ask(id=ask_id, op="retry", arguments={"device": "dock"}))
    starts = made.edge.agent.fleet.supervisors["dock"].counters()["starts"]
    for topic, payload in (
        (topics.asked("s", "pi", "retry", new_id()), stale),
        (topics.asked("s", "pi", "retry", ask_id), b"\xff"),
    ):
        await made.client.publish(topic, payload)
    await until(lambda: made.edge.agent.console.counters["asks_unreadable"] == 2)
    made.edge.agent.console._remote.take(
        topics.asked("s", "pi", "retry", ask_id), stale, retained=True
    )
    assert made.edge.desk.counters["asks"] == 0
    assert made.edge.agent.fleet.supervisors["dock"].counters()["starts"] == starts


async def test_who_had_something_changed_is_in_the_audit_and_secrets_are_not(made: Both) -> None:
    answer = await made.central.http.post(
        "/devices/pi/do/retry", json={"device": "dock", "password": "CANARY-1"}
    )
    assert answer.status_code == 202
    rows = await made.central.database.read(
        lambda c: c.execute(text("SELECT actor, action, subject, after FROM audit")).all()
    )
    (row,) = [row for row in rows if row.action == "ask an edge"]
    assert (row.actor, row.subject) == ("api", "device pi/dock")
    assert '"op":"retry"' in row.after
    assert "CANARY" not in row.after
    ask_id = answer.json()["id"]
    desk = made.central.services.consoles.desk("pi")
    await until(lambda: (told := desk.newest(ask_id)) is not None and told.is_final)
    assert (await made.central.http.post("/devices/pi/ask/retry", json={})).status_code == 405


async def test_the_list_of_all_is_a_page_for_browsers_and_json_for_programs(made: Both) -> None:
    listing = await made.central.http.get("/devices")
    assert listing.headers["content-type"].startswith("application/json")
    page = await made.central.http.get("/devices", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert (await made.central.http.get("/devices/nowhere")).status_code == 404
