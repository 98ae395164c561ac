"""Hundreds of edges come back at once: how they spread, and what that does to broker and central.

A real Mosquitto is killed under all of them, each edge goes on hearing, the broker starts again
with empty state: they reconnect, and their backlogs arrive together. Then central is killed and
comes back to what was sent, and sent again, meanwhile. Last, the same edges wait without jitter:
the baseline. Every observation must be in central's database exactly once.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.herd.edges import Herd, peak
from benchmarks.machine import NotHere, describe
from benchmarks.servers.mosquitto import (
    MISSING,
    MosquittoProcess,
    find_mosquitto,
    start_mosquitto,
)
from gateway import logs
from gateway.mqtt import MqttClient, MqttSettings
from tallyport.demo.processes import Site

BATCH = 20
"""Observations per message: small ones, for it is messages that a storm is made of."""
LIMIT_S = MqttSettings(client_id="shipped").retry_limit_s
_SPARE_FILES = 300
_PATIENCE_S = 300.0
_QUEUE = "$SYS/broker/store/messages/count"
_DROPPED = "$SYS/broker/publish/messages/dropped"


class Return(NamedTuple):
    """How the edges came back: the broker's start, and seconds from there, in order."""

    began: float
    after_s: list[float]

    @property
    def last_s(self) -> float:
        """When the last one stood."""
        return self.after_s[-1]


class Burst(NamedTuple):
    """How a backlog of all of them went in, from the moment at which it could."""

    observations: int
    drained_s: float
    sends: float
    """Batches that the broker took for each that was needed."""


class Backlog:
    """So many batches more of each edge, and how they reach central."""

    def __init__(self, herd: Herd, batches: int) -> None:
        self._herd = herd
        self._batches = batches
        self._left = 0

    def hear(self) -> None:
        """Each edge hears its batches, while a server is away."""
        self._left = self._herd.left
        self._herd.observe(self._batches * BATCH)

    async def drained(self, since: float) -> Burst:
        """Wait until central has confirmed everything that every edge holds."""
        herd = self._herd
        await herd.all_hold(lambda edge: edge.uplink.backlog == 0, _PATIENCE_S)
        needed = self._batches * len(herd.edges)
        sends = (herd.left - self._left) / needed
        return Burst(needed * BATCH, time.monotonic() - since, sends)


class Peaks:
    """What the broker says of its queues, and the most memory of the two processes."""

    def __init__(self) -> None:
        self.queued = self.dropped = 0
        self.central_mib = self.broker_mib = self.idle_mib = 0.0

    async def listen(self, port: int) -> None:
        """Follow the broker's own figures until cancelled."""
        client = MqttClient(MqttSettings(port=port, client_id="herd.watcher"))
        await client.subscribe(_QUEUE)
        await client.subscribe(_DROPPED)
        async with asyncio.TaskGroup() as group:
            group.create_task(client.run())
            async for message in client.messages():
                count = int(message.payload)
                if message.topic == _QUEUE:
                    self.queued = max(self.queued, count)
                else:
                    self.dropped = max(self.dropped, count)
                message.ack()

    def weigh_idle(self, site: Site) -> None:
        """Look at central before anything happens."""
        self.idle_mib = peak_mib(site.central.pid)

    def weigh(self, broker: MosquittoProcess, site: Site) -> None:
        """Look at both processes before one of them ends."""
        self.broker_mib = max(self.broker_mib, peak_mib(broker.pid))
        self.central_mib = max(self.central_mib, peak_mib(site.central.pid))


class Told(NamedTuple):
    """All that was measured."""

    edges: int
    jittered: Return
    in_step: Return
    storm: Burst
    restart: Burst
    peaks: Peaks
    violations: list[str]


def run(*, edges: int = 500, batches: int = 10, seed: int = 1) -> dict[str, Any]:
    """Measure, and return the figures with their ratios, and the broken promises."""
    if find_mosquitto() is None:
        raise NotHere(MISSING)
    allow_files(edges + _SPARE_FILES)
    logs.configure("error")
    with tempfile.TemporaryDirectory(prefix="tallyport-herd-") as folder:
        told = asyncio.run(
            storm(
                Path(folder), edges=edges, batches=batches, seed=seed,
                broker_away_s=12.0, central_away_s=25.0,
            )
        )  # fmt: skip
    return {
        "bench": "herd",
        "machine": describe(),
        "figures": _figures(told),
        "violations": told.violations,
    }


async def storm(
    folder: Path,
    *,
    edges: int,
    batches: int,
    seed: int,
    broker_away_s: float,
    central_away_s: float,
) -> Told:
    """All of it; the servers stay away for so long."""
    lost: list[str] = []
    async with world(folder, edges=edges, seed=seed) as (broker, site, herd, peaks):
        peaks.weigh_idle(site)
        backlog = Backlog(herd, batches)
        jittered = await broker_dies(broker, herd, broker_away_s, meanwhile=backlog.hear)
        burst = await backlog.drained(jittered.began)
        peaks.weigh(broker, site)
        lost += missing(herd, "after the broker's crash")

        await site.central.kill()
        backlog.hear()
        await asyncio.sleep(central_away_s)  # how long it stays dead
        began = time.monotonic()
        await site.start_central()
        restart = await backlog.drained(began)
        peaks.weigh(broker, site)
        lost += missing(herd, "after central's crash")

        for edge in herd.edges:
            edge.in_step = True
        in_step = await broker_dies(broker, herd, broker_away_s)
    return Told(
        edges, jittered, in_step, burst, restart, peaks,
        [*lost, *late(jittered), *miscounted(folder, herd)],
    )  # fmt: skip


@asynccontextmanager
async def world(
    folder: Path, *, edges: int, seed: int
) -> AsyncIterator[tuple[MosquittoProcess, Site, Herd, Peaks]]:
    """Broker, central and edges, all connected; everything is ended afterwards."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(64))
    broker = await asyncio.to_thread(start_mosquitto, folder, max_queued=20_000)
    await asyncio.to_thread(broker.stop)
    with broker.config.open("a") as config:
        config.write("sys_interval 1\n")
    await asyncio.to_thread(broker.start)
    site = Site(folder, "", broker_port=broker.port)
    herd, peaks = Herd(edges, broker.port, seed=seed, batch=BATCH), Peaks()
    listening = asyncio.create_task(peaks.listen(broker.port))
    try:
        await site.start_central()
        herd.start()
        left = await herd.all_hold(lambda edge: edge.client.is_connected, _PATIENCE_S)
        if left:
            raise RuntimeError(f"{len(left)} of {edges} edges never connected")
        yield broker, site, herd, peaks
        await site.stop()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await herd.stop()
        await site.kill()
        await asyncio.to_thread(broker.kill)


async def broker_dies(
    broker: MosquittoProcess,
    herd: Herd,
    away_s: float,
    *,
    meanwhile: Callable[[], None] = lambda: None,
) -> Return:
    """Kill the broker, start it again with empty state, and wait until every edge stands."""
    await asyncio.to_thread(broker.kill)
    meanwhile()
    await asyncio.sleep(away_s)  # how long it stays dead
    began = time.monotonic()
    await asyncio.to_thread(broker.start)
    await herd.all_hold(lambda edge: edge.connects[-1] > began, _PATIENCE_S)
    return Return(began, [at - began for at in herd.connected_since(began)])


def missing(herd: Herd, when: str) -> list[str]:
    """Edges that central has not confirmed everything to."""
    left = [edge.name for edge in herd.edges if edge.uplink.backlog]
    return [f"{len(left)} edges were not confirmed everything {when}: {left[:3]}"] if left else []


def late(jittered: Return) -> list[str]:
    """Twice the limit of the waits leaves room for a busy machine."""
    if jittered.last_s <= 2 * LIMIT_S:
        return []
    return [f"the last edge was back after {jittered.last_s:.1f} s, not {LIMIT_S:.0f} s"]


def miscounted(folder: Path, herd: Herd) -> list[str]:
    """What central's database has of each edge, against what the edge heard."""
    with contextlib.closing(sqlite3.connect(folder / "central" / "central.sqlite")) as books:
        rows = books.execute(
            "SELECT edge, count(*), count(DISTINCT seq) FROM observation GROUP BY edge"
        ).fetchall()
    stored = {edge: (count, distinct) for edge, count, distinct in rows}
    wrong = []
    for edge in herd.edges:
        heard = edge.journal.chapters[0].last_seq
        if stored.get(edge.name, (0, 0)) != (heard, heard):
            wrong.append(f"{edge.name} heard {heard}, central has {stored.get(edge.name)}")
    return wrong


def allow_files(needed: int) -> None:
    """Let this process, and the broker that it starts, open enough. Raises ``NotHere``."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise NotHere(f"{needed} open files are needed and {hard} allowed: ulimit -Hn {needed}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def peak_mib(pid: int) -> float:
    """The most memory that a process has had resident, from /proc (proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1_024


def _figures(told: Told) -> dict[str, dict[str, Any]]:
    plain = {"baseline": None, "ratio": None}
    peaks = told.peaks

    def back(came: Return) -> dict[str, Any]:
        limit = f"waits of at most {LIMIT_S:.0f} s"
        return {
            "value": came.last_s,
            "unit": "s",
            "baseline": limit,
            "ratio": came.last_s / LIMIT_S,
        }

    def rush(window_s: float) -> dict[str, Any]:
        spread, stepped = (peak(one.after_s, window_s) for one in (told.jittered, told.in_step))
        unit = f"in {window_s:g} s"
        return {
            "value": spread,
            "unit": unit,
            "baseline": f"{stepped}, in step",
            "ratio": spread / stepped,
        }

    def drained(one: Burst) -> dict[str, Any]:
        return {"value": one.drained_s, "unit": "s", **plain}

    def sends(one: Burst) -> dict[str, Any]:
        return {"value": one.sends, "unit": "sends", "baseline": "1 a batch", "ratio": one.sends}

    return {
        "edges": {"value": told.edges, "unit": "edges", **plain},
        "all_back": back(told.jittered),
        "all_back_in_step": back(told.in_step),
        "connects_peak_1s": rush(1.0),
        "connects_peak_100ms": rush(0.1),
        "backlog": {"value": told.storm.observations, "unit": "observations", **plain},
        "backlog_drained": drained(told.storm),
        "backlog_sends": sends(told.storm),
        "restart_drained": drained(told.restart),
        "restart_sends": sends(told.restart),
        "broker_queue_peak": {"value": peaks.queued, "unit": "messages", **plain},
        "broker_dropped": {"value": peaks.dropped, "unit": "messages", **plain},
        "broker_resident_peak": {"value": peaks.broker_mib, "unit": "MiB", **plain},
        "central_resident_peak": {
            "value": peaks.central_mib,
            "unit": "MiB",
            "baseline": f"{peaks.idle_mib:.0f} MiB before",
            "ratio": peaks.central_mib / peaks.idle_mib,
        },
    }
