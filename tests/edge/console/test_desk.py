"""Asks at the edge's desk, with real devices behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from drivers.readings import TagRead
from edge.commands.top import ask as edge_top
from edge.config import PageSection
from edge.now import EdgeNow
from edge.status import draw
from gateway.console import Ask, Told, new_id
from gateway.gs1 import sgtin96_hex
from tests.edge.console.bench import Site, ask, site
from tests.edge.waiting import until
from tests.fakes.pictures import drawn

GTIN = "04012345678901"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as ready:
        yield ready


async def first(made: Site, asked: Ask, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first picture that shows what is waited for."""
    async with asyncio.timeout(30):
        async for told in made.desk.follow(asked.id):
            if told.progress is not None and holds(told.progress):
                return told.progress
    raise AssertionError(f"it ended before: {told}")


def watching(made: Site, **arguments: Any) -> Ask:
    asked = Ask(id=new_id(), op="watch", arguments=arguments)
    made.desk.start(asked)
    return asked


async def test_a_reader_shows_its_antennas_and_what_the_tags_are(made: Site) -> None:
    asked = watching(made, device="dock", every_ms=50)
    await first(made, asked, lambda one: True)
    epc = sgtin96_hex(GTIN, 7, 42)
    for antenna, level in ((1, -45.0), (2, -61.5)):
        read = TagRead(epc=epc, epc_bits=96, antenna=antenna, peak_rssi_dbm=level, count=3)
        await made.reader.report([read])
    shown = await first(made, asked, lambda one: one.get("tags", {}).get("reads") == 6)
    by_antenna = {one["antenna"]: one for one in shown["tags"]["antennas"]}
    assert by_antenna[1]["peak_rssi_dbm"] == -45.0
    assert by_antenna[2]["peak_rssi_dbm"] == pytest.approx(-61.5, abs=0.5)
    assert by_antenna[1]["reads_per_s"] == 3
    (tag,) = shown["tags"]["tags"]
    assert (tag["epc"], tag["key"], tag["value"], tag["serial"]) == (epc, "GTIN", GTIN, "42")
    assert (tag["count"], tag["antenna"]) == (6, 2)
    assert shown["device"]["antennas"][0]["side"] == "outside"


async def test_a_scale_shows_its_weight_and_that_it_moves(made: Site) -> None:
    asked = watching(made, device="plate", every_ms=50)
    still = await first(
        made, asked, lambda one: one.get("weight", {}).get("stable") and "weight" in one
    )
    assert abs(float(still["weight"]["value"]) - 1250.0) < 1
    assert still["weight"]["unit"] == "g"
    made.scale.set_load_mg(2_000_000)
    moving = await first(made, asked, lambda one: one["weight"]["stable"] is False)
    assert any(stable is False for _, _, stable in moving["weight"]["trace"])
    settled = await first(
        made,
        asked,
        lambda one: one["weight"]["stable"] and abs(float(one["weight"]["gross"]) - 2000) < 1,
    )
    assert len(settled["weight"]["trace"]) >= 2


async def test_a_scanner_shows_what_was_scanned(made: Site) -> None:
    asked = watching(made, device="gun", every_ms=50)
    await first(made, asked, lambda one: one["device"]["state"] != "")
    await until(lambda: made.agent.fleet.supervisors["gun"].health.state == "running")
    await made.scanner.scan(f"01{GTIN}10LOT7")
    shown = await first(made, asked, lambda one: bool(one.get("scans")))
    assert (shown["scans"][0]["gtin"], shown["scans"][0]["lot"]) == (GTIN, "LOT7")


async def test_cancelling_ends_it_and_is_told(made: Site) -> None:
    asked = watching(made, device="dock")
    await first(made, asked, lambda one: True)
    made.desk.cancel(asked.id)
    words = [told async for told in made.desk.follow(asked.id)]
    assert words[-1].state == "cancelled"
    assert not made.agent.fleet.supervisors["dock"]._listeners


async def test_an_id_is_run_once(made: Site) -> None:
    asked = watching(made, device="dock", ttl_s=1)
    made.desk.start(asked)
    assert made.desk.counters["asks"] == 1
    words = [told async for told in made.desk.follow(asked.id)]
    assert words[-1].state == "done"
    made.desk.start(asked)
    assert made.desk.newest(asked.id) == words[-1], "its last word, told again"


async def test_what_nobody_wants_any_more_is_ended(made: Site) -> None:
    asked = Ask(id=new_id(), op="watch", arguments={"device": "dock"}, lease_s=1)
    made.desk.start(asked)
    async with asyncio.timeout(30):
        words = [told async for told in made.desk.follow(asked.id)]
    assert words[-1].state == "cancelled"
    assert made.desk.counters["asks_abandoned"] == 1


@pytest.mark.parametrize(
    ("op", "arguments", "code"),
    [
        ("no.such", {}, "unknown-operation"),
        ("watch", {"every_ms": "often"}, "bad-arguments"),
        ("watch", {"device": "ghost"}, "no-such-device"),
    ],
)
async def test_what_cannot_be_asked_is_told_with_what_to_do(
    made: Site, op: str, arguments: dict[str, Any], code: str
) -> None:
    told = await ask(made.desk, op, **arguments)
    assert told.state == "failed"
    assert told.error is not None
    assert told.error.code == code


async def test_devices_that_need_somebody_come_first(tmp_path: Path) -> None:
    away = {"name": "yard", "driver": "llrp", "read_point": "y", "host": "127.0.0.1", "port": 9}
    async with site(tmp_path, devices=[away]) as made:
        yard = made.agent.fleet.supervisors["yard"]
        await until(lambda: yard.health.state == "retrying")
        told = await ask(made.desk, "devices")
        assert told.result is not None
        rows = told.result["devices"]
        assert rows[0]["name"] == "yard"
        assert rows[0]["cause"]
        assert rows[0]["hint"]
        starts = yard.counters()["starts"]
        assert (await ask(made.desk, "retry", device="yard")).state == "done"
        await until(lambda: yard.counters()["starts"] > starts)


async def test_more_than_it_can_do_at_once_is_refused(made: Site) -> None:
    asks = [watching(made, device="dock") for _ in range(33)]
    told: Told | None = made.desk.newest(asks[-1].id)
    assert told is not None
    assert told.error is not None
    assert told.error.code == "busy"


async def test_a_held_device_says_by_what_and_since_when(made: Site) -> None:
    supervisor = made.agent.fleet.supervisors["gun"]
    await until(lambda: supervisor.health.state == "running")
    asked = Ask(id=new_id(), op="test_read", arguments={"device": "gun", "seconds": 60})
    before_us = made.agent._time.now_us()
    made.desk.start(asked)
    await until(lambda: supervisor.health.state == "held")

    def top() -> EdgeNow:
        return edge_top(PageSection(port=int(httpx.URL(made.url).port or 0)))

    now = await asyncio.to_thread(top)
    (gun,) = [one for one in now.devices if one.name == "gun"]
    assert (gun.state, gun.cause) == ("held", "In use for a test read.")
    assert 0 <= gun.for_s * 1e6 <= made.agent._time.now_us() - before_us
    shown = "\n".join(drawn(lambda width, height: draw(now, width, height), 120, 20))
    assert re.search(r"gun +held \d+ s .*In use for a test read\. It goes on by itself", shown)
    (row,) = [
        one
        for one in (await ask(made.desk, "devices")).result["devices"]  # type: ignore[index]
        if one["name"] == "gun"
    ]
    assert (row["state"], row["level"]) == ("held", "warn")
    assert row["since_us"] >= before_us
    made.desk.cancel(asked.id)
    await until(lambda: supervisor.health.state == "running")
