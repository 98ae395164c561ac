"""Reservations of one hot item on large books, beside ``SELECT ... FOR UPDATE``.

Both want single units of it, twice as many as there are, on the same database in turn, every
commit durable: ours as central takes them, from 200 clients at once in groups, with the events
that tell of them; the baseline over its connections, which is where it is fastest. What either
gave away is counted in the books afterwards: more than there is would end the benchmark.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from benchmarks.books.engines import books_url, wanted
from benchmarks.books.load import load, tell
from benchmarks.books.lock_style import LockStyle
from benchmarks.books.world import World, bin_code, sized, sku
from benchmarks.machine import describe
from central.database.grouped import Grouped
from central.database.store import Database
from central.reservations.model import NotAvailable, Reservation
from central.reservations.reserving import Reserved, Wish, reserve_each
from central.stock import ledger
from central.stock.model import Movement

_ROUNDS = 3
_LOCKING = 20
"""Connections of the baseline: more only wait for each other."""
_SPREAD = 10_000


class _Burst(NamedTuple):
    rate: float
    p99_ms: float
    given: int
    cpu_us: float


def run(
    *,
    size: str = "small",
    engine: str = "all",
    clients: int = 200,
    requests: int = 4_000,
    seed: int = 1,
) -> dict[str, Any]:
    """Load, measure and compare. ``size`` is tiny, small, or full: 100,000 SKUs, a million balances
    and ten million movements, which take many minutes to load; ``engine`` is sqlite, postgresql,
    all. There are half as many units as ``requests``.
    """
    books = sized(size)
    figures: dict[str, Any] = {}
    for name in wanted(engine):
        with books_url(name) as url, closing(Database(url)) as database:
            load(database, World(books, seed), tell)
            figures |= _hot(name, database, LockStyle(url), clients, requests)
            names = [sku(number) for number in range(min(_SPREAD, books.skus))]
            spread = asyncio.run(_ours(database, names, len(names), "spread", clients))
            figures |= _figures(f"{name}_spread", spread)
    return {"bench": "reserve", "machine": describe(), "size": books._asdict(), "figures": figures}


def _hot(
    engine: str, database: Database, style: LockStyle, clients: int, requests: int
) -> dict[str, Any]:
    style.prepare()
    units = requests // 2
    ours, theirs = [], []
    for number in range(_ROUNDS):
        hot = f"HOT-{number}"
        _receive(database, hot, units)
        burst = asyncio.run(_ours(database, [hot], requests, hot, clients))
        _sound(database, hot, burst.given, units)
        ours.append(burst)
        theirs.append(style.burst(hot, units, requests, _LOCKING)[0])
    best = sorted(ours)[len(ours) // 2]
    baseline = statistics.median(theirs)
    return {
        f"{engine}_hot": {
            "value": round(best.rate),
            "unit": "requests/s",
            "baseline": f"SELECT ... FOR UPDATE: {round(baseline)}/s",
            "ratio": round(best.rate / baseline, 1),
        },
        **_figures(f"{engine}_hot", best),
        f"{engine}_oversold": _plain(
            sum(max(0, one.given - units) for one in ours), "units, of all rounds"
        ),
    }


async def _ours(
    database: Database, skus: list[str], requests: int, name: str, clients: int
) -> _Burst:
    """So many requests for single units, item after item."""
    desk: Grouped[Wish, Reserved] = Grouped(
        database.write, lambda c, wishes: reserve_each(c, wishes, at_us=time.time_ns() // 1_000)
    )
    numbers = iter(range(requests))
    latencies_s: list[float] = []
    given = 0

    async def client() -> None:
        nonlocal given
        for number in numbers:
            claim = Reservation(id=f"{name}-{number}", sku=skus[number % len(skus)], quantity=1)
            asked = time.perf_counter()
            try:
                got = await desk.do(Wish(claim))
                given += got.reservation.held
            except NotAvailable:
                pass  # half of those who ask for the hot item
            latencies_s.append(time.perf_counter() - asked)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    took_s, used_s = time.perf_counter() - began, time.process_time() - cpu
    worst = sorted(latencies_s)[int(0.99 * (requests - 1))]
    return _Burst(requests / took_s, 1e3 * worst, given, used_s / requests * 1e6)


def _receive(database: Database, hot: str, units: int) -> None:
    """The hot item, in ten bins."""
    bins = [bin_code(0, place) for place in range(10)]
    moves = [
        Movement(
            id=f"{hot}-{place}",
            sku=hot,
            quantity=units // len(bins),
            source="supplier",
            destination=place,
            biz_step="receiving",
            event_time=datetime.now(UTC),
        )
        for place in bins
    ]
    new_item = text("INSERT INTO item (sku, name, category, created_us) VALUES (:sku, :sku, '', 1)")
    now_us = time.time_ns() // 1_000
    database.write_now(lambda c: c.execute(new_item, {"sku": hot}))
    database.write_now(lambda c: ledger.post(c, moves, record_us=now_us))


def _sound(database: Database, hot: str, given: int, units: int) -> None:
    """Raises ``RuntimeError`` unless what was given is what is set aside, and no place has less."""
    said = text(
        "SELECT sum(r.units), sum(CASE WHEN r.units > b.on_hand THEN 1 ELSE 0 END) "
        "FROM reserved r JOIN balance b ON b.sku = r.sku AND b.lot = r.lot "
        "AND b.location = r.location AND b.status = 'available' WHERE r.sku = :sku"
    )
    aside, over = database.read_now(lambda c: c.execute(said, {"sku": hot}).one())
    if aside != given or over or given != units:
        raise RuntimeError(f"{given} of {units} were given, {aside} are set aside, {over} too many")


def _figures(name: str, burst: _Burst) -> dict[str, Any]:
    return {
        f"{name}_rate": _plain(burst.rate, "requests/s"),
        f"{name}_p99": _plain(burst.p99_ms, "ms"),
        f"{name}_cpu": _plain(burst.cpu_us, "us of this process per request"),
    }


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value), "unit": unit, "baseline": None, "ratio": None}
