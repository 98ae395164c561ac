"""Kill -9 in the middle of the flow: restarted, the ledger equals the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.fakes.mosquitto import start_mosquitto
from tests.line.storm import Storm, assert_right

# One at a time: each of them runs a whole site in real time.
pytestmark = [pytest.mark.line, pytest.mark.xdist_group("line"), pytest.mark.timeout(300)]
Kill = Callable[[], Awaitable[None]]


async def weather(storm: Storm, kill: Kill, times: int) -> None:
    """``times`` kills at moments drawn from the seed, while the world goes on."""
    for _ in range(times):
        await asyncio.sleep(storm.chance.uniform(4.0, 9.0))
        await kill()


async def run(storm: Storm, kill: Kill, *, seconds: float = 28.0, times: int = 2) -> None:
    playing = asyncio.create_task(storm.play(seconds))
    try:
        await weather(storm, kill, times)
        await playing
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    assert_right(storm, await storm.finish())


@pytest.fixture
async def storm(tmp_path: Path) -> AsyncIterator[Storm]:
    storm = Storm(tmp_path, seed=11)
    try:
        await storm.start()
        yield storm
    finally:
        await storm.abandon()


async def test_the_edge_dies(storm: Storm) -> None:
    await run(storm, storm.kill_edge)


async def test_central_and_its_broker_die(storm: Storm) -> None:
    await run(storm, storm.kill_central)


async def test_what_is_scanned_once_a_new_edge_listens_is_counted(storm: Storm) -> None:
    """However much the dead one had said of itself on its way there."""

    async def says_more() -> bool:
        return await storm.scanner_running() > before

    async with storm.edge_away():
        before = await storm.scanner_running()
        await storm.until(says_more, "the edge says nothing of its health")
        await storm.demo.site.edge.kill()
        await storm.demo.site.edge.start()
    await storm.demo.world.scan()
    await storm.edge_will_die()  # when it is counted
    assert storm.demo.world.scans.total() == 1


@pytest.mark.mosquitto
async def test_the_broker_dies_and_forgets_everything(tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    broker = start_mosquitto(tmp_path / "broker")
    port = broker.port
    storm = Storm(tmp_path / "site", seed=12, broker_port=port)

    async def kill_broker() -> None:
        nonlocal broker
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(storm.chance.uniform(0.2, 1.5))  # how long it stays dead
        broker = start_mosquitto(tmp_path / "broker", port=port)

    try:
        await storm.start()
        await run(storm, kill_broker)
    finally:
        await storm.abandon()
        broker.stop()


async def test_everything_dies_in_turn(tmp_path: Path) -> None:
    storm = Storm(tmp_path, seed=13)
    try:
        await storm.start()
        turns = iter([storm.kill_central, storm.kill_edge, storm.kill_central])

        async def kill_next() -> None:
            await next(turns)()

        await run(storm, kill_next, seconds=36.0, times=3)
    finally:
        await storm.abandon()
