"""How soon a technician sees what a device says, and what the page costs its edge.

A real edge and a real central run, with an emulated reader, scale and scanner. Codes are scanned,
and each is awaited in the stream of server-sent events that the live page reads: on the edge's own
page, and at central's page of the same device. Meanwhile browsers' streams of the reader and the
scale are open, and the reader hears ``rate`` reads a second. The edge's resident memory is told
before its page was first called, and its greatest while it is in use.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.machine import describe
from benchmarks.proc import cpu_s, resident_mib
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.emulators.portal_scene import dock_antennas
from drivers.emulators.scanner import EmulatedScanner
from drivers.readings import TagRead
from tallyport.demo.processes import Site
from tallyport.demo.settings import plate_toml, reader_toml, scanner_toml

_PATIENCE_S = 60.0
_EDGE_LIMIT_MS, _CENTRAL_LIMIT_MS, _LIMIT_MIB = 250, 1_000, 160


def run(*, scans: int = 100, rate: int = 200, streams: int = 4) -> dict[str, Any]:
    """Measure, and return the figures with their ratios."""
    with tempfile.TemporaryDirectory(prefix="tallyport-console-") as folder:
        figures = asyncio.run(_measured(Path(folder), scans, rate, streams))
    return {"bench": "console", "machine": describe(), "figures": figures}


async def _measured(folder: Path, scans: int, rate: int, streams: int) -> dict[str, Any]:
    reader, scale, scanner = EmulatedReader(antennas=4), EmulatedScale(), EmulatedScanner()
    scale.set_load_mg(1_250_000)
    devices = "\n".join(
        (
            reader_toml(await reader.start(), dock_antennas()),
            plate_toml(1, await scale.start()),
            scanner_toml(await scanner.start()),
        )
    )
    site = Site(folder, devices)
    try:
        await site.start_central()
        await site.edge.start()
        async with asyncio.timeout(_PATIENCE_S):
            await reader.wait_inventorying()
        return await _with(site, reader, scanner, scans=scans, rate=rate, streams=streams)
    finally:
        await site.kill()
        await reader.stop()
        await scale.stop()
        await scanner.stop()


async def _with(
    site: Site, reader: EmulatedReader, scanner: EmulatedScanner, *, scans: int, rate: int,
    streams: int,
) -> dict[str, Any]:  # fmt: skip
    edge, name = await _known(site.url)
    talking = asyncio.create_task(_talk(reader, rate))
    await asyncio.sleep(5.0)  # its memory grows with its first batches, whoever looks
    idle_mib = resident_mib(site.edge.pid)
    at_edge, at_central = site.page_url, f"{site.url}/devices/{edge}"
    looking = [
        asyncio.create_task(_look(at_edge, device))
        for _ in range(streams // 2)
        for device in ("dock-1-reader", name["scale"])
    ]
    peak = _Peak(site.edge.pid)
    watching = asyncio.create_task(peak.run())
    cpu_before_s, began = cpu_s(site.edge.pid), time.monotonic()
    edge_ms = await _latencies(at_edge, name["scanner"], scanner, scans)
    load = (cpu_s(site.edge.pid) - cpu_before_s) / (time.monotonic() - began)
    central_ms = await _latencies(at_central, name["scanner"], scanner, scans)
    for task in (talking, watching, *looking):
        task.cancel()
    await asyncio.gather(talking, watching, *looking, return_exceptions=True)
    return {
        **_told("edge_page", edge_ms, _EDGE_LIMIT_MS),
        **_told("central_page", central_ms, _CENTRAL_LIMIT_MS),
        "edge_resident_before": _memory(idle_mib),
        "edge_resident_in_use": _memory(peak.mib),
        "edge_cpu_in_use": {
            "value": round(load, 3), "unit": "of a core", "baseline": None, "ratio": None,
        },
    }  # fmt: skip


class _Peak:
    """The most memory of a process while ``run`` runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.mib = 0.0

    async def run(self) -> None:
        while True:
            self.mib = max(self.mib, resident_mib(self._pid))
            await asyncio.sleep(0.2)


async def _known(url: str) -> tuple[str, dict[str, str]]:
    """The edge's name and those of its scale and scanner, once all of them run."""
    async with httpx.AsyncClient(base_url=url) as http, asyncio.timeout(_PATIENCE_S):
        while True:
            rows = (await http.get("/devices")).json()["rows"]
            running = {row["driver"]: row["device"] for row in rows if row["state"] == "running"}
            if {"llrp", "mt-sics", "scanner"} <= running.keys():
                edge = next(row["edge"] for row in rows)
                return edge, {"scale": running["mt-sics"], "scanner": running["scanner"]}
            await asyncio.sleep(0.2)


async def _talk(reader: EmulatedReader, rate: int) -> None:
    """Forty tags lie before the antennas."""
    chance, lot = random.Random(7), max(1, rate // 20)
    while True:
        await reader.report(
            [
                TagRead(
                    epc=f"30FEED{chance.randrange(40):018X}", epc_bits=96,
                    antenna=chance.randint(1, 4), peak_rssi_dbm=float(chance.randint(-70, -40)),
                )
                for _ in range(lot)
            ]
        )  # fmt: skip
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _stream(url: str, device: str) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of the stream that a device's page reads."""
    async with httpx.AsyncClient(timeout=None) as http:
        asked = await http.post(f"{url}/ask/watch", json={"device": device, "every_ms": 100})
        asked.raise_for_status()
        async with http.stream("GET", f"{url}/ask/{asked.json()['id']}/live") as answer:
            yield answer.aiter_lines()


async def _look(url: str, device: str) -> None:
    async with _stream(url, device) as lines, aclosing(lines) as all_lines:  # type: ignore[type-var]
        async for _ in all_lines:
            continue


async def _latencies(url: str, device: str, scanner: EmulatedScanner, scans: int) -> list[float]:
    """Milliseconds from each scan to its line in the stream."""
    chance, took_ms = random.Random(11), []
    async with _stream(url, device) as lines:
        async with asyncio.timeout(_PATIENCE_S):
            await _line_with(lines, '"progress"')
        for number in range(scans):
            await asyncio.sleep(0.1 + 0.3 * chance.random())  # anywhere between two pictures
            code, began = f"SCAN-{number:06d}", time.monotonic()
            await scanner.scan(code)
            async with asyncio.timeout(_PATIENCE_S):
                await _line_with(lines, json.dumps(code))
            took_ms.append(1_000 * (time.monotonic() - began))
    return took_ms


async def _line_with(lines: AsyncIterator[str], text: str) -> None:
    async for line in lines:
        if text in line:
            return
    raise ConnectionError("the stream ended")


def _told(name: str, took_ms: list[float], limit_ms: int) -> dict[str, Any]:
    ordered = sorted(took_ms)
    found = {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))],
        "most": ordered[-1],
    }
    return {
        f"{name}_{key}": {
            "value": round(value, 1), "unit": "ms", "baseline": f"{limit_ms} ms promised",
            "ratio": round(value / limit_ms, 3),
        }
        for key, value in found.items()
    }  # fmt: skip


def _memory(mib: float) -> dict[str, Any]:
    return {
        "value": round(mib, 1), "unit": "MiB", "baseline": f"{_LIMIT_MIB} MiB promised",
        "ratio": round(mib / _LIMIT_MIB, 3),
    }  # fmt: skip
