"""``watch``: what a device shows, live; without a device, the list of all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from drivers.readings import Reading
from edge.console.bench import Bench
from edge.console.devices import listed, row
from edge.console.operation import Operation, Tell
from edge.console.sights import Sight

__all__ = ["WATCH", "WatchArguments"]

_IDLE_S = 0.5
"""A picture so often though nothing came: rates fall, and who looks sees that we live."""


class WatchArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``device`` is one of them, or none for the list of all. A picture at most ``every_ms``."""

    device: str | None = None
    every_ms: Annotated[int, msgspec.Meta(ge=50, le=5_000)] = 100
    ttl_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 3_600


async def watch(bench: Bench, asked: WatchArguments, tell: Tell) -> dict[str, Any]:
    """Tell pictures until it is cancelled or ``ttl_s`` is over."""
    try:
        async with asyncio.timeout(asked.ttl_s):
            if asked.device is None:
                await _all(bench, asked, tell)
            else:
                bench.device(asked.device)
                await _one(bench, asked.device, asked.every_ms / 1_000, tell)
    except TimeoutError:
        return {"why": f"it was asked for {asked.ttl_s:g} s"}
    return {"why": "the device is no longer in the settings"}


async def _all(bench: Bench, asked: WatchArguments, tell: Tell) -> None:
    every_s = max(asked.every_ms / 1_000, _IDLE_S)
    before: dict[str, int] = {}
    while True:
        rows = listed(bench)
        for one in rows:
            readings = one["counters"].get("readings", 0)
            was = before.get(one["name"], readings)
            before[one["name"]] = readings
            one["readings_per_s"] = round((readings - was) / every_s, 1)
        tell({"at_us": bench.time.now_us(), "devices": rows})
        await asyncio.sleep(every_s)


async def _one(bench: Bench, name: str, gap_s: float, tell: Tell) -> None:
    """Listen to whoever runs the device now: a change of the settings makes it another one."""
    sight, news = Sight(), asyncio.Event()

    def hear(at_us: int, readings: Sequence[Reading]) -> None:
        sight.feed(at_us, readings)
        news.set()

    while (supervisor := bench.supervisors.get(name)) is not None:
        with supervisor.listen(hear):
            while bench.supervisors.get(name) is supervisor:
                now_us = bench.time.now_us()
                shown = row(bench, bench.device(name), supervisor)
                tell({"at_us": now_us, "device": shown, **sight.picture(now_us)})
                await _until_worth_it(news, gap_s)


async def _until_worth_it(news: asyncio.Event, gap_s: float) -> None:
    """At least the gap, then until something was heard, but not for long."""
    await asyncio.sleep(gap_s)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, _IDLE_S - gap_s)):
            await news.wait()
    news.clear()


WATCH = Operation(WatchArguments, watch)
