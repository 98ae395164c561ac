"""The whole road on this machine: from the LLRP socket to the committed ledger.

An emulated reader hands over pallets' worth of reads as fast as the edge takes them; the real
edge folds, keeps and sends them over MQTT to a real central, which commits, judges and posts.
The clock stops when central has judged the last of them. CPU is what the two processes used
(user and system, from the kernel), so it holds on a shared machine better than the rate does.
The baseline is what one fixed reader can deliver at most: 1,500 reads/s.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.portal_scene import dock_antennas
from drivers.readings import TagRead
from gateway.gs1 import sgtin96_hex
from tallyport.demo.books import open_catalogue
from tallyport.demo.client import Api
from tallyport.demo.goods import CASES, COMPANY_PREFIX_DIGITS
from tallyport.demo.processes import Site
from tallyport.demo.run import until
from tallyport.demo.settings import reader_toml

READER_READS_S = 1_500
PASSES = 10
TAGS = 2_000
READS_PER_TAG = 4
LOT = 200


def run() -> dict[str, Any]:
    """Measure, and return the figures with their ratios."""
    with tempfile.TemporaryDirectory(prefix="tallyport-bench-") as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> dict[str, Any]:
    reader = EmulatedReader(antennas=4)
    site = Site(folder, reader_toml(await reader.start(), dock_antennas()))
    api = Api(site.url)
    try:
        await site.start_central()
        await open_catalogue(api)
        await site.edge.start()
        async with asyncio.timeout(60):
            await reader.wait_inventorying()
        cpu = {process.name: _cpu_s(process.pid) for process in (site.edge, site.central)}
        began = time.monotonic()
        for number in range(PASSES):
            await _one_pass(reader, number)
        sent = PASSES * TAGS * READS_PER_TAG

        async def arrived() -> bool:
            road = await api.get("/road")
            return bool(road["reads"] >= sent and road["judge_lag"] == 0)

        await until(arrived, 300, f"not all of {sent} reads arrived", site)
        took_s = time.monotonic() - began
        road = await api.get("/road")
        used = {p.name: _cpu_s(p.pid) - cpu[p.name] for p in (site.edge, site.central)}
        await site.stop()
    finally:
        await site.kill()
        await reader.stop()
    return {
        "bench": "line",
        "machine": describe(),
        "figures": _figures(sent, road["observations"], took_s, used),
    }


async def _one_pass(reader: EmulatedReader, number: int) -> None:
    """Every tag is heard by an outer antenna first and by an inner one later: nearly every read
    becomes an observation of its own, so that folding cannot make the figure look better.
    """
    good = CASES[number % len(CASES)]
    epcs = [
        sgtin96_hex(good.case_gtin, COMPANY_PREFIX_DIGITS, number * TAGS + n, filter=2)
        for n in range(TAGS)
    ]
    lot: list[TagRead] = []
    for turn in range(READS_PER_TAG):
        late = turn / READS_PER_TAG
        for index, epc in enumerate(epcs):
            now_us = time.time_ns() // 1000
            antenna = (1 if late < 0.5 else 3) + index % 2
            rssi = -40.0 - 40.0 * abs(late - (0.35 if antenna < 3 else 0.65))
            lot.append(
                TagRead(
                    epc=epc,
                    epc_bits=96,
                    antenna=antenna,
                    peak_rssi_dbm=round(rssi),
                    first_seen_us=now_us,
                    last_seen_us=now_us,
                    phase_rad=(index * 0.1 + late * 50) % 6.28,
                    doppler_hz=2.0,
                    channel=1 + turn % 50,
                )
            )
            if len(lot) >= LOT:
                await reader.report(lot)
                lot = []
    await reader.report(lot)


def _figures(
    reads: int, observations: int, took_s: float, used: dict[str, float]
) -> dict[str, dict[str, Any]]:
    whole = sum(used.values())
    plain = {"baseline": None, "ratio": None}
    return {
        "reads_per_s": {
            "value": reads / took_s,
            "unit": "reads/s",
            "baseline": f"one reader at {READER_READS_S} reads/s",
            "ratio": reads / took_s / READER_READS_S,
        },
        "observations_per_s": {
            "value": observations / took_s,
            "unit": "observations/s",
            **plain,
        },
        "cpu_per_observation": {"value": 1e6 * whole / observations, "unit": "us", **plain},
        "edge_cpu_per_read": {"value": 1e6 * used["edge"] / reads, "unit": "us", **plain},
        "central_cpu_per_observation": {
            "value": 1e6 * used["central"] / observations,
            "unit": "us",
            **plain,
        },
    }


def _cpu_s(pid: int) -> float:
    """User and system time of a process so far, from /proc (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
