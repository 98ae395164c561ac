"""Central's HTTP API over large books: 200 clients at once that look stock up.

Central runs as its own process, as a service manager would start it, on books that were loaded
from a seed. The clients share the machine with it. The baseline is what the same process needs
to say that it is alive: the cost of HTTP and of the web framework alone.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.books.engines import books_url, wanted
from benchmarks.books.http_load import Ask, Outcome, Request, hammer
from benchmarks.books.load import load, tell
from benchmarks.books.world import BINS, FULL, SMALL, WAREHOUSES, Size, World, bin_code, sku
from benchmarks.machine import describe
from central.store import Database
from tallyport.demo.processes import Site

_ALIVE = "GET /healthz"


def run(
    *,
    full: str = "no",
    engine: str = "sqlite",
    clients: int = 200,
    seconds: float = 8.0,
    every_s: float = 0.5,
    seed: int = 1,
) -> dict[str, Any]:
    """Load, start, ask and measure: once each client at once after every answer, once a request
    per client ``every_s`` seconds, which is what many people do.
    """
    size = FULL if full == "yes" else SMALL
    figures: dict[str, Any] = {}
    for name in wanted(engine):
        with books_url(name) as url:
            with closing(Database(url)) as database:
                load(database, World(size, seed), tell)
            hours = _Hours(clients, seconds, every_s)
            found = asyncio.run(_measure(url, _asked(size, seed), hours))
            figures |= {f"{name}_{key}": value for key, value in found.items()}
    return {"bench": "api", "machine": describe(), "size": size._asdict(), "figures": figures}


class _Hours(NamedTuple):
    """How many ask, for how long, and how often each in the paced run."""

    clients: int
    seconds: float
    every_s: float


async def _measure(url: str, asked: dict[str, Ask], hours: _Hours) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tallyport-api-") as folder:
        site = Site(Path(folder), "", database_url=url)
        try:
            await site.start_central()
            for pace, every_s in (("flat_out", 0.0), ("paced", hours.every_s)):
                base = 0.0
                for name, ask in asked.items():
                    used = _cpu_s(site.central.pid)
                    outcome = await hammer(
                        site.http_port,
                        ask,
                        clients=hours.clients,
                        seconds=hours.seconds,
                        every_s=every_s,
                    )
                    used = _cpu_s(site.central.pid) - used
                    base = base or outcome.rate
                    figures |= _figures(f"{pace}_{name}", outcome, used, base)
        finally:
            await site.kill()
    return figures


def _asked(size: Size, seed: int) -> dict[str, Ask]:
    draw = random.Random(seed)

    def one_sku() -> str:
        return sku(draw.randrange(size.skus))

    def one_bin() -> str:
        return bin_code(draw.randrange(WAREHOUSES), draw.randrange(BINS))

    return {
        "alive": lambda _: Request("GET", "/healthz"),
        "stock": lambda _: Request("GET", f"/stock/{one_sku()}"),
        "inventory": lambda _: Request("GET", f"/api/inventory?sku={one_sku()}"),
        "location": lambda _: Request("GET", f"/api/locations/{one_bin()}/inventory?limit=50"),
    }


def _figures(name: str, outcome: Outcome, used_s: float, base: float) -> dict[str, Any]:
    wrong = {status: n for status, n in outcome.statuses.items() if status >= 400}
    assert not wrong, f"{name}: answers {wrong}"
    answers = len(outcome.latencies_s)
    return {
        f"{name}_rate": {
            "value": round(outcome.rate),
            "unit": "answers/s",
            "baseline": _ALIVE,
            "ratio": round(outcome.rate / base, 2),
        },
        **{f"{name}_p{share}": _plain(outcome.at(share / 100), "ms") for share in (50, 99)},
        f"{name}_cpu": _plain(used_s / answers * 1e6, "us of central per answer"),
    }


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit, "baseline": None, "ratio": None}


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far, its threads' included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
