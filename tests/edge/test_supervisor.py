"""A device that fails is tried again, told about, and never silences the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from drivers.driver import Driver, Emit
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import CodeScan, DeviceEvent, TagRead
from edge.backoff import Backoff
from edge.fold import Folder, FoldSettings
from edge.fold.moments import moment
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.contract import (
    CodeScanned,
    DeviceDescribed,
    DeviceHealth,
    GateWindow,
    Observation,
    TagSighting,
)
from tests.edge.waiting import until
from tests.fakes.clock import FakeClock

Life = Callable[[Emit], object]


class Scripted:
    """A driver that lives one life of a list; the last one repeats."""

    lives: list[Life]

    def __init__(self, life: Life) -> None:
        self._life = life

    async def run(self, emit: Emit) -> None:
        result = self._life(emit)
        if asyncio.iscoroutine(result):
            await result

    def counters(self) -> Mapping[str, int]:
        return {"frames": 1}


def builder(*lives: Life) -> Callable[[], Driver]:
    left = list(lives)
    return lambda: Scripted(left.pop(0) if len(left) > 1 else left[0])


def raising(error: Exception) -> Life:
    def life(_emit: Emit) -> NoReturn:
        raise error

    return life


async def scanning(emit: Emit) -> None:
    await emit([DeviceEvent(name="connected", detail="a scanner")])
    await emit([CodeScan(data="1")])
    await asyncio.Event().wait()


@asynccontextmanager
async def supervised(
    build: Callable[[], Driver], *, time: WallTime | None = None, health_every_s: float = 600
) -> AsyncIterator[tuple[list[Observation], Supervisor]]:
    kept: list[Observation] = []

    async def keep(observations: Sequence[Observation]) -> None:
        kept.extend(observations)

    supervisor = Supervisor(
        "gun",
        "desk",
        build_driver=build,
        build_folder=lambda: Folder("gun", "desk", FoldSettings()),
        describe=lambda at: DeviceDescribed(
            device="gun", read_point="desk", event_time=moment(at), driver="scanner"
        ),
        keep=keep,
        time_source=time or WallTime(),
        backoff=Backoff(first_s=0.01, most_s=0.01, least_s=0.0),
        health_every_s=health_every_s,
    )
    running = asyncio.create_task(supervisor.run())
    try:
        yield kept, supervisor
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def states(kept: list[Observation]) -> list[str]:
    return [one.state for one in kept if isinstance(one, DeviceHealth)]


async def test_a_device_that_comes_back_is_told_once_each_way() -> None:
    away = raising(DeviceUnavailable("no port", hint="plug it in"))
    async with supervised(builder(away, away, away, scanning)) as (kept, supervisor):
        await until(lambda: any(isinstance(one, CodeScanned) for one in kept))
        assert isinstance(kept[0], DeviceDescribed)
        assert states(kept) == ["starting", "retrying", "running"]
        (retrying,) = (o for o in kept if isinstance(o, DeviceHealth) and o.state == "retrying")
        assert (retrying.cause, retrying.hint) == ("no port", "plug it in")
        assert supervisor.counters()["failures"] == 3
        assert supervisor.counters()["frames"] == 4, "counters of all lives add up"
    assert states(kept)[-1] == "stopped"


async def test_a_refused_device_is_not_tried_again_but_still_told() -> None:
    lives = builder(raising(DeviceRefused("power outside the table")))
    async with supervised(lives, health_every_s=0.01) as (kept, supervisor):
        await until(lambda: states(kept).count("refused") >= 3)
        assert supervisor.counters()["starts"] == 1


@pytest.mark.parametrize("fault", [raising(ZeroDivisionError("x")), lambda _emit: None])
async def test_a_fault_in_a_driver_is_told_and_the_device_tried_again(fault: Life) -> None:
    async with supervised(builder(fault, scanning)) as (kept, supervisor):
        await until(lambda: "running" in states(kept))
        assert supervisor.counters()["faults"] == 1
        (told,) = (o for o in kept if isinstance(o, DeviceHealth) and o.state == "retrying")
        assert "driver" in told.cause


async def test_what_was_heard_is_folded_out_when_it_ends() -> None:
    async def reading(emit: Emit) -> None:
        await emit([TagRead(epc="30AA", epc_bits=96, antenna=1, count=3)])
        await asyncio.Event().wait()

    async with supervised(builder(reading)) as (kept, _supervisor):
        await until(lambda: "running" in states(kept))
    assert [one.count for one in kept if isinstance(one, TagSighting)] == [3]
    assert any(isinstance(one, GateWindow) for one in kept)


async def test_a_step_of_the_edges_clock_ends_what_is_being_folded() -> None:
    clock = FakeClock()
    time = WallTime(clock)
    emitted: list[Emit] = []

    async def reading(emit: Emit) -> None:
        emitted.append(emit)
        await emit([TagRead(epc="30AA", epc_bits=96, antenna=1)])
        await asyncio.Event().wait()

    async with supervised(builder(reading), time=time) as (kept, _supervisor):
        await until(lambda: "running" in states(kept))
        assert not any(isinstance(one, TagSighting) for one in kept)
        clock.wall_us -= 3_600 * 10**6  # an hour back: no window may wait an hour for its end
        await until(lambda: any(isinstance(one, GateWindow) for one in kept))
        assert any(isinstance(one, TagSighting) for one in kept)


def test_time_never_goes_back_by_a_slew_and_a_step_is_counted() -> None:
    clock = FakeClock(wall_us=10**15)
    time = WallTime(clock)
    first = time.now_us()
    clock.wall_us -= 100_000
    assert time.now_us() == first
    assert time.steps == 0
    clock.wall_us += 10**9
    assert time.now_us() > first
    clock.wall_us -= 10**9
    assert time.steps == 1
    assert time.now_us() < first + 10**6
    assert time.steps == 2
