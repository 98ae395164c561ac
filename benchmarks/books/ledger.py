"""Movements posted per second on large books, beside one transaction per move.

Both write to the same database in turn, every commit durable. Ours are posted in groups, as
central's writer does it for many clients: decided, sealed, balances brought up to date.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from benchmarks.books.document_style import DocumentStyle
from benchmarks.books.engines import books_url, wanted
from benchmarks.books.load import load, tell
from benchmarks.books.world import World, sized
from benchmarks.machine import describe
from central.database.store import Database
from central.stock import ledger
from central.stock.model import StockError

_GROUP = 500
_ROUNDS = 5
_OURS, _THEIRS = 5_000, 300
"""Movements in a round of each."""


def run(*, size: str = "small", engine: str = "all", seed: int = 1) -> dict[str, Any]:
    """Load, measure and compare. ``size`` is tiny, small, or full: 100,000 SKUs, a million balances
    and ten million movements, which take many minutes to load; ``engine`` is sqlite, postgresql,
    all.
    """
    books = sized(size)
    figures: dict[str, Any] = {}
    for name in wanted(engine):
        with books_url(name) as url, closing(Database(url)) as database:
            world = World(books, seed)
            took_s = load(database, world, tell)
            figures[f"{name}_load"] = _plain(books.movements / took_s, "movements/s")
            figures |= _posting(name, database, DocumentStyle(url), world)
    return {"bench": "ledger", "machine": describe(), "size": books._asdict(), "figures": figures}


def _posting(engine: str, database: Database, style: DocumentStyle, world: World) -> dict[str, Any]:
    try:
        style.prepare()
        numbers = itertools.count(world.size.movements)
        ours, theirs, cpu = [], [], []
        for _ in range(_ROUNDS):
            rate, cpu_us = _ours(database, world, numbers)
            ours.append(rate)
            cpu.append(cpu_us)
            theirs.append(_theirs(style, world, numbers))
    finally:
        style.close()
    rate, baseline = statistics.median(ours), statistics.median(theirs)
    return {
        f"{engine}_post": {
            "value": round(rate),
            "unit": "movements/s",
            "baseline": f"one transaction per move: {round(baseline)}/s",
            "ratio": round(rate / baseline, 1),
        },
        f"{engine}_cpu": _plain(statistics.median(cpu), "us of this process per movement"),
        f"{engine}_core": _plain(
            statistics.median(cpu) * rate / 1e4,
            "% of a core; near 100 this process bounds it, below that the disk and the engine do",
        ),
    }


def _ours(database: Database, world: World, numbers: Iterator[int]) -> tuple[float, float]:
    """Movements per second, and microseconds of CPU that one takes here."""
    moves = [world.movement(next(numbers)) for _ in range(_OURS)]
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(0, _OURS, _GROUP):
        group = moves[first : first + _GROUP]
        now_us = time.time_ns() // 1_000
        results = database.write_now(
            lambda c, group=group, now_us=now_us: ledger.post_each(c, group, record_us=now_us)  # type: ignore[misc]
        )
        refused = [one for one in results if isinstance(one, StockError)]
        assert not refused, refused[0]
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return _OURS / took, used / _OURS * 1e6


def _theirs(style: DocumentStyle, world: World, numbers: Iterator[int]) -> float:
    moves = [world.movement(next(numbers)) for _ in range(_THEIRS)]
    began = time.perf_counter()
    for one in moves:
        style.move(one)
    return _THEIRS / (time.perf_counter() - began)


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value), "unit": unit, "baseline": None, "ratio": None}
