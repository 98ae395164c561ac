"""200 live screens on one central while stock moves: memory, CPU, and how late each one is.

Central runs as its own process, as a service manager would start it; the screens are real
connections of another process, and share the machine with it. Movements are posted over HTTP. The
baseline is the same number of pages that are fetched anew every second, on the same central:
rendered for each of them. Then some screens read nothing at all for a while: what they cost
central, and how fast they are brought up to date when they read again.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.machine import describe
from benchmarks.proc import cpu_s, resident_mib
from benchmarks.screens.paint import painted
from benchmarks.screens.shop import Shop
from tallyport.demo.processes import Site

_SETTLE_S = 3.0
_PATIENCE_S = 60.0


class Heard(NamedTuple):
    """What a crowd saw of ``posted`` movements (place on the ledger, when it was committed)."""

    posted: list[tuple[int, float]]
    told: dict[str, Any]
    cpu_share: float
    resident_mib: float


def run(
    *,
    clients: int = 200,
    deaf: int = 50,
    rate: float = 2.0,
    seconds: float = 15.0,
    paint: str = "yes",
) -> dict[str, Any]:
    """Start, watch, measure. ``rate`` movements a second; ``deaf`` screens that read nothing."""
    with tempfile.TemporaryDirectory(prefix="tallyport-screens-") as folder:
        figures = asyncio.run(
            _measure(Path(folder), clients, deaf, rate, seconds, with_paint=paint == "yes")
        )
    sizes = {"clients": clients, "deaf": deaf, "rate": rate, "seconds": seconds}
    return {"bench": "screens", "machine": describe(), "size": sizes, "figures": figures}


async def _measure(
    folder: Path, clients: int, deaf: int, rate: float, seconds: float, *, with_paint: bool
) -> dict[str, Any]:
    site = Site(folder, "")
    try:
        await site.start_central()
        shop = Shop(site.http_port)
        await shop.open()
        pid = site.central.pid
        await shop.get("/")
        await asyncio.sleep(_SETTLE_S)
        before = resident_mib(pid)
        live = await _watched(
            site, shop, {"how": "live", "clients": clients, "deaf": 0}, rate, seconds
        )
        stuck = await _watched(
            site, shop, {"how": "live", "clients": clients, "deaf": deaf}, rate, seconds
        )
        ask = {"how": "poll", "clients": clients, "deaf": 0, "path": "/"}
        polled = await _watched(site, shop, ask, rate, seconds)
        figures = _of_live(live, polled, before, clients, seconds)
        figures |= _of_deaf(stuck, live, deaf)
        if with_paint:
            figures |= await painted(site.url)
    finally:
        await site.kill()
    return figures


async def _watched(
    site: Site, shop: Shop, ask: dict[str, Any], rate: float, seconds: float
) -> Heard:
    pid = site.central.pid
    async with _crowd({**ask, "port": site.http_port}) as crowd:
        await asyncio.sleep(_SETTLE_S)
        used, began = cpu_s(pid), time.monotonic()
        posted = await _posted(shop, rate, seconds)
        share = (cpu_s(pid) - used) / (time.monotonic() - began)
        resident = resident_mib(pid)
        if ask["deaf"]:
            crowd.stdin.write(b"hear\n")  # type: ignore[union-attr]
        await asyncio.sleep(_SETTLE_S)
        told, _ = await crowd.communicate(b"\n")
    heard = json.loads(told)
    assert not heard["failed"], heard["failed"]
    return Heard(posted, heard, share, resident)


@asynccontextmanager
async def _crowd(ask: dict[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    crowd = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.screens.crowd", json.dumps(ask),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**26,
    )  # fmt: skip
    try:
        yield crowd
    finally:
        if crowd.returncode is None:
            crowd.kill()
            await crowd.wait()


async def _posted(shop: Shop, rate: float, seconds: float) -> list[tuple[int, float]]:
    """Post at a steady pace; the ledger's place of each, and when its commit was answered."""
    posted: list[tuple[int, float]] = []
    began = time.monotonic()
    for number in itertools.count():
        due = began + number / rate
        if due > began + seconds:
            return posted
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        seq = await shop.move()
        posted.append((seq, time.monotonic()))
    raise AssertionError("unreachable")


# ---- figures ---------------------------------------------------------------------------------
def _of_live(
    live: Heard, polled: Heard, before: float, clients: int, seconds: float
) -> dict[str, Any]:
    late, late_polled = _latencies(live), _polled_latencies(polled)
    grown = (live.resident_mib - before) * 1_024 / clients
    sent = sum(one["bytes"] for one in live.told["clients"]) / clients
    fetched = sum(one["bytes"] for one in polled.told["clients"]) / clients
    figures = {
        f"late_p{percent}": _against(
            _at(late, percent), _at(late_polled, percent), "ms", "a page fetched every second"
        )
        for percent in (50, 95, 99)
    }
    figures |= {
        "cpu": _against(
            100 * live.cpu_share, 100 * polled.cpu_share, "% of a core", "fetched every second"
        ),
        "sent_per_client": _against(
            sent / 1_024 / seconds, fetched / 1_024 / seconds, "KiB/s", "fetched every second"
        ),
        "resident_before": _plain(before, "MiB"),
        "resident_with_clients": _against(
            live.resident_mib, polled.resident_mib, "MiB", "fetched every second"
        ),
        "memory_per_client": _plain(grown, "KiB"),
    }
    return figures


def _of_deaf(stuck: Heard, live: Heard, deaf: int) -> dict[str, Any]:
    """What screens cost that read nothing, and when they were up to date again."""
    if not deaf:
        return {}
    silent = stuck.told["clients"][-deaf:]
    newest = stuck.posted[-1][0]
    again = stuck.told["heard_again_s"]
    caught = [next((at_s for seq, at_s in one["seen"] if seq >= newest), None) for one in silent]
    assert None not in caught, "a screen that read again was not brought up to date"
    behind = [1e3 * (at_s - again) for at_s in caught if at_s is not None]
    messages = median(one["messages"] for one in stuck.told["clients"][:-deaf])
    return {
        "deaf_memory_each": _plain((stuck.resident_mib - live.resident_mib) * 1_024 / deaf, "KiB"),
        "deaf_messages": _against(
            median(one["messages"] for one in silent), messages, "messages", "to who reads"
        ),
        "deaf_up_to_date_p95": _plain(_at(sorted(behind), 95), "ms"),
        "late_p95_beside_deaf": _against(
            _at(_latencies(stuck, skip=deaf), 95), _at(_latencies(live), 95), "ms", "without them"
        ),
    }


def _latencies(heard: Heard, skip: int = 0) -> list[float]:
    """Of each movement at each screen: from the commit's answer to the message, in ms, sorted."""
    clients = heard.told["clients"]
    late = []
    for one in clients[: len(clients) - skip]:
        seqs = [seq for seq, _ in one["seen"]]
        for seq, at_s in heard.posted:
            found = bisect_left(seqs, seq)
            assert found < len(seqs), f"a screen was never told of movement {seq}"
            late.append(max(0.0, 1e3 * (one["seen"][found][1] - at_s)))
    return sorted(late)


def _polled_latencies(heard: Heard) -> list[float]:
    """Until the first page was there that was asked for after the commit."""
    late = []
    for one in heard.told["clients"]:
        for _, at_s in heard.posted:
            had = next((had for asked, had in one["seen"] if asked >= at_s), None)
            if had is not None:
                late.append(1e3 * (had - at_s))
    return sorted(late)


def _at(ordered: list[float], percent: int) -> float:
    return ordered[int(percent / 100 * (len(ordered) - 1))]


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit, "baseline": None, "ratio": None}


def _against(value: float, base: float, unit: str, baseline: str) -> dict[str, Any]:
    ratio = round(value / base, 4) if base else None
    said = f"{baseline}: {base:.1f} {unit}"
    return {"value": round(value, 1), "unit": unit, "baseline": said, "ratio": ratio}
