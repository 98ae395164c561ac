"""Many fast readers on one agent: what it hears, what it loses, what it costs.

The readers are emulated in processes of their own (``benchmarks.readers.field``). The agent is
the real one, in one process: LLRP sessions, folding, journal, uplink through a real Mosquitto to
a stand-in for central that confirms every batch and adds up the reads in it. Lost is what the
readers delivered and the stand-in never got: it must be nought. CPU is user and system time of
the agent's whole process, from the kernel, from the first read until the stand-in has the last
one; so it holds on a busy machine too, where the agent sends later what it cannot send at once.

The baseline is sllurp taking apart the same traffic in this run, and doing nothing with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import NotHere, describe
from benchmarks.readers.field import Door
from benchmarks.readers.sink import Sink, sink
from benchmarks.servers.mosquitto import MISSING, find_mosquitto, start_mosquitto
from drivers.emulators.llrp_encode import ReportContent, tag_report
from gateway import logs
from tallyport.demo.processes import Process

SITE, EDGE = "bench", "edge-1"
_PATIENCE_S = 120.0
_PER_PROCESS = 4


class Told(NamedTuple):
    """What was measured. ``central_got`` counts reads; ``drained_s`` is how long after the last
    read central had everything that was durable.
    """

    offered: int
    delivered: int
    held: int
    central_got: int
    observations: int
    seconds: float
    drained_s: float
    cpu_s: float
    loop_s: float
    resident_mib: float
    field_cpu: float


def run(
    *,
    readers: int = 8,
    rate: int = 1_500,
    seconds: float = 30.0,
    standing: int = 100,
    passing: int = 60,
) -> dict[str, Any]:
    """Measure, and return the figures; reads that are lost break the promise."""
    if find_mosquitto() is None:
        raise NotHere(MISSING)
    logs.configure("error")
    with tempfile.TemporaryDirectory(prefix="tallyport-readers-") as folder:
        told = asyncio.run(measure(Path(folder), readers, rate, seconds, standing, passing))
    lost = told.delivered - told.central_got
    return {
        "bench": "readers",
        "machine": describe(),
        "figures": _figures(told, readers, rate, lost, sllurp_us(rate, standing, passing)),
        "violations": [f"{lost} reads were lost"] if lost else [],
    }


async def measure(  # noqa: PLR0917
    folder: Path, readers: int, rate: int, seconds: float, standing: int, passing: int
) -> Told:
    """One run in ``folder``."""
    broker = await asyncio.to_thread(start_mosquitto, folder, max_queued=100_000)
    try:
        async with contextlib.AsyncExitStack() as stack:
            central = await stack.enter_async_context(sink(broker.port, SITE, EDGE))
            fields = [
                await stack.enter_async_context(
                    _field(
                        first, min(_PER_PROCESS, readers - first), rate, seconds, standing, passing
                    )
                )
                for first in range(0, readers, _PER_PROCESS)
            ]
            ports = [port for field in fields for port in (await _heard(field))["ports"]]
            agent = _agent(folder, broker.port, ports)
            await agent.start()
            stack.push_async_callback(agent.kill)
            for field in fields:
                await _heard(field)
            return await _read(agent, fields, central, seconds)
    finally:
        await asyncio.to_thread(broker.kill)


async def _read(
    agent: Process, fields: list[asyncio.subprocess.Process], central: Sink, seconds: float
) -> Told:
    for field in fields:
        assert field.stdin is not None
        field.stdin.write(b"go\n")
    before, loop_before = _cpu_s(agent.pid), _loop_s(agent.pid)
    done = [asyncio.create_task(_heard(field)) for field in fields]
    resident_mib = 0.0
    while not all(one.done() for one in done):
        resident_mib = max(resident_mib, _resident_mib(agent.pid))
        await asyncio.sleep(0.2)
    results = [await one for one in done]
    began = time.monotonic()
    async with asyncio.timeout(_PATIENCE_S):
        await central.ends(central.has_all())
    drained_s = time.monotonic() - began
    cpu_s, loop_s = _cpu_s(agent.pid) - before, _loop_s(agent.pid) - loop_before
    await central.ends(agent.terminate(_PATIENCE_S))
    return Told(
        offered=sum(one["offered"] for one in results),
        delivered=sum(one["delivered"] for one in results),
        held=sum(one["held"] for one in results),
        central_got=sum(central.reads.values()),
        observations=central.observations,
        seconds=max(one["seconds"] for one in results),
        drained_s=drained_s,
        cpu_s=cpu_s,
        loop_s=loop_s,
        resident_mib=resident_mib,
        field_cpu=sum(one["cpu"] for one in results),
    )


@contextlib.asynccontextmanager
async def _field(  # noqa: PLR0917
    first: int, readers: int, rate: int, seconds: float, standing: int, passing: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    asked = {
        "first": first, "readers": readers, "rate": rate, "seconds": seconds,
        "standing": standing, "passing": passing,
    }  # fmt: skip
    words = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.readers.field", *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            async with asyncio.timeout(10):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


async def _heard(field: asyncio.subprocess.Process) -> dict[str, Any]:
    assert field.stdout is not None
    line = await field.stdout.readline()
    if not line:
        raise RuntimeError("the emulated readers ended too early")
    said: dict[str, Any] = json.loads(line)
    return said


def _agent(folder: Path, broker_port: int, ports: list[int]) -> Process:
    devices = "".join(
        f"""
[[devices]]
name = "reader-{n}"
driver = "llrp"
read_point = "dock-{n}"
host = "127.0.0.1"
port = {port}
"""
        for n, port in enumerate(ports, start=1)
    )
    config = folder / "edge.toml"
    config.write_text(
        f"""\
[edge]
name = "{EDGE}"
site = "{SITE}"
data_dir = "{folder / "edge"}"
drain_s = {_PATIENCE_S:.0f}

[mqtt]
port = {broker_port}
{devices}"""
    )
    return Process("edge", ["edge", "run", "--config", str(config)], folder / "edge.log")


def _cpu_s(pid: int, task: str = "") -> float:
    """User and system time so far, from /proc (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}{task}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _loop_s(pid: int) -> float:
    """Of its first thread alone, which is the one with the event loop."""
    return _cpu_s(pid, f"/task/{pid}")


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def sllurp_us(rate: int, standing: int, passing: int) -> float:
    """CPU microseconds in which sllurp takes one read of this traffic apart, best of five."""
    content = ReportContent(impinj_phase=True, impinj_rssi=True, impinj_doppler=True)
    door = Door(0, standing, passing)
    reads = [read for lot in range(50) for read in door.reads(rate // 50, lot / 50, lot * 20_000)]
    messages = [tag_report([read], content, number) for number, read in enumerate(reads)]
    message_class = import_module("sllurp.llrp").LLRPMessage
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for message in messages:
            message_class(msgbytes=message)
        best = min(best, time.process_time() - began)
    return 1e6 * best / len(messages)


def _figures(told: Told, readers: int, rate: int, lost: int, theirs_us: float) -> dict[str, Any]:
    plain = {"baseline": None, "ratio": None}
    asked, cores = readers * rate, os.cpu_count() or 1
    heard_s = told.central_got / told.seconds
    cpu = told.cpu_s / told.seconds
    ours_us = 1e6 * told.cpu_s / told.central_got
    return {
        "readers": {"value": readers, "unit": "", **plain},
        "offered": {"value": told.offered / told.seconds, "unit": "reads/s", **plain},
        "heard": {
            "value": heard_s,
            "unit": "reads/s",
            "baseline": f"{readers} readers at {rate} reads/s",
            "ratio": heard_s / asked,
        },
        "lost": {"value": lost, "unit": "reads", **plain},
        "observations": {"value": told.observations / told.seconds, "unit": "1/s", **plain},
        "agent_cpu": {
            "value": 100 * cpu,
            "unit": "% of a core",
            "baseline": f"{100 * cores} % here",
            "ratio": cpu / cores,
        },
        "agent_event_loop": {
            "value": 100 * told.loop_s / told.seconds,
            "unit": "% of a core",
            **plain,
        },
        "sent_after": {"value": told.drained_s, "unit": "s", **plain},
        "agent_cpu_per_read": {
            "value": ours_us,
            "unit": "us",
            "baseline": f"sllurp's decoding alone, {theirs_us:.1f} us",
            "ratio": ours_us / theirs_us,
        },
        "agent_resident": {
            "value": told.resident_mib,
            "unit": "MiB",
            "baseline": "160 MiB promised",
            "ratio": told.resident_mib / 160,
        },
        "emulators_cpu": {"value": 100 * told.field_cpu, "unit": "% of a core", **plain},
    }
