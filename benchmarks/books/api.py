"""Central's HTTP API over large books: 200 clients at once that look stock up and reserve it, and
programs that hand in orders by the hundred.

Central runs as its own process, as a service manager would start it, on books that were loaded
from a seed. The clients share the machine with it. The baseline is what the same process needs
to say that it is alive: the cost of HTTP and of the web framework alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.books.engines import books_url, wanted
from benchmarks.books.http_load import Ask, Outcome, Request, hammer
from benchmarks.books.load import load, tell
from benchmarks.books.world import BINS, WAREHOUSES, Size, World, bin_code, sized, sku
from benchmarks.machine import describe
from benchmarks.proc import cpu_s
from central.database import cursors
from central.database.store import Database
from central.insight.follow import LedgerSource, cursor_of
from central.insight.series_duckdb import DuckDBSeries
from central.stock import queries
from tallyport.demo.processes import Site

_ALIVE = "GET /healthz"
_BULK, _SHOPS = 200, 8
"""Orders in one request of the bulk route, and how many programs send such."""
_BOUND = "% of a core: near 100 its one process bounds it, below that the disk and the clients do"
_PAGES = {
    "items_by_stock": "/screen/items?sort=most",
    "items_by_movement": "/screen/items?sort=moved",
    "items_searched": "/screen/items?q=category-07",
    "places": "/screen/places",
    "found": "/screen/find?q=item",
    "not_found": "/screen/find?q=nothing-of-the-kind",
}
"""Pages that look at all items or places; one person asks."""
_LOOK_S, _RESTING = 1.0, 0.05
"""How often is looked whether central rests, and the share of a core it may use then."""


def run(
    *,
    size: str = "small",
    engine: str = "sqlite",
    clients: int = 200,
    seconds: float = 8.0,
    every_s: float = 1.0,
    seed: int = 1,
) -> dict[str, Any]:
    """Load, start, ask and measure: once each client at once after every answer, once a request
    per client ``every_s`` seconds: 12,000 a minute, where 10,000 are promised.
    """
    books = sized(size)
    figures: dict[str, Any] = {}
    for name in wanted(engine):
        with books_url(name) as url:
            with closing(Database(url)) as database:
                load(database, World(books, seed), tell)
            hours = _Hours(clients, seconds, every_s)
            found = asyncio.run(_measure(url, _asked(books, seed), hours))
            figures |= {f"{name}_{key}": value for key, value in found.items()}
    return {"bench": "api", "machine": describe(), "size": books._asdict(), "figures": figures}


class _Hours(NamedTuple):
    """How many ask, for how long, and how often each in the paced run."""

    clients: int
    seconds: float
    every_s: float


async def _measure(url: str, asked: dict[str, tuple[Ask, int]], hours: _Hours) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tallyport-api-") as folder:
        site = Site(Path(folder), "", database_url=url)
        await _charted(Path(folder) / "central" / "series.duckdb", url)
        try:
            await site.start_central()
            await _idle(site.central.pid)
            for pace, every_s in (("flat_out", 0.0), ("paced", hours.every_s)):
                base = 0.0
                for name, (ask, most) in asked.items():
                    used = cpu_s(site.central.pid)
                    outcome = await hammer(
                        site.http_port,
                        ask,
                        clients=min(most, hours.clients),
                        seconds=hours.seconds,
                        every_s=every_s,
                    )
                    used = cpu_s(site.central.pid) - used
                    base = base or outcome.rate
                    figures |= _figures(f"{pace}_{name}", outcome, used, base)
                    if name == "bulk":
                        orders = _plain(_BULK * outcome.rate, "orders/s")
                        figures[f"{pace}_bulk_orders"] = orders
        finally:
            await site.kill()
    return figures


async def _charted(path: Path, url: str) -> None:
    """The charts stand where the books do, as if central had drawn each movement as it was posted:
    drawing millions of them at once takes longer than all that is measured here.
    """
    path.parent.mkdir(parents=True)
    store = DuckDBSeries(path)
    await store.open()
    await store.close()
    with closing(Database(url)) as database:
        name = cursor_of("duckdb", LedgerSource.name)
        await database.write(lambda c: cursors.move(c, name, queries.last_seq(c)))


def _asked(size: Size, seed: int) -> dict[str, tuple[Ask, int]]:
    """What is asked, and by how many at most."""
    draw = random.Random(seed)
    numbers = itertools.count()

    def one_sku() -> str:
        return sku(draw.randrange(size.skus))

    def one_bin() -> str:
        return bin_code(draw.randrange(WAREHOUSES), draw.randrange(BINS))

    def reservation(sku: str) -> Request:
        body = {"id": f"bench-{next(numbers):08}", "sku": sku, "quantity": 1, "backorder": True}
        return Request("POST", "/reservations", json.dumps(body).encode())

    def orders() -> Request:
        made = [_order(next(numbers), [one_sku(), one_sku()]) for _ in range(_BULK)]
        body = json.dumps({"orders": made}).encode()
        return Request("POST", "/api/orders/outbound/bulk", body)

    every = 10**9
    return {
        "alive": (lambda _: Request("GET", "/healthz"), every),
        "stock": (lambda _: Request("GET", f"/stock/{one_sku()}"), every),
        "inventory": (lambda _: Request("GET", f"/api/inventory?sku={one_sku()}"), every),
        "location": (
            lambda _: Request("GET", f"/api/locations/{one_bin()}/inventory?limit=50"),
            every,
        ),
        "reserve": (lambda _: reservation(one_sku()), every),
        "reserve_hot": (lambda _: reservation(sku(0)), every),
        "bulk": (lambda _: orders(), _SHOPS),
        **{
            f"page_{name}": ((lambda _, path=path: Request("GET", path)), 1)  # type: ignore[misc]
            for name, path in _PAGES.items()
        },
    }


def _order(number: int, skus: list[str]) -> dict[str, object]:
    return {
        "id": f"bench-order-{number}",
        "customer": "Jane Doe",
        "ship_to": {"city": "Leeds"},
        "warehouse": f"WH-{number % WAREHOUSES:02d}",
        "lines": [{"sku": one, "quantity": 1} for one in skus],
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
            "ratio": round(outcome.rate / base, 4),
        },
        **{f"{name}_p{share}": _plain(outcome.at(share / 100), "ms") for share in (50, 99)},
        f"{name}_cpu": _plain(used_s / answers * 1e6, "us of central per answer"),
        f"{name}_core": _plain(1e2 * used_s / outcome.took_s, _BOUND),
    }


async def _idle(pid: int) -> None:
    """Until central has taken note of the loaded history and rests."""
    before = cpu_s(pid)
    while True:
        await asyncio.sleep(_LOOK_S)
        now = cpu_s(pid)
        if now - before < _RESTING * _LOOK_S:
            return
        before = now


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit, "baseline": None, "ratio": None}
