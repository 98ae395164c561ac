"""Movements posted per second on large books, beside one transaction per move.

Both write to the same database in turn, every commit durable. Ours are posted in groups, as
central's writer does it for many clients: decided, sealed, balances brought up to date. They are
held against the bare style of one transaction per move (``document_style``), which checks nothing,
and against this ledger itself with a transaction for each movement. How many times faster groups
are hangs on the disk: one move pays for a whole commit, a group for one together. So a bare commit
is measured beside them.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import Connection

from benchmarks.books.document_style import DocumentStyle
from benchmarks.books.engines import books_url, wanted
from benchmarks.books.load import load, tell
from benchmarks.books.world import World, sized
from benchmarks.machine import describe
from benchmarks.proc import cpu_s
from central.database.store import Database
from central.stock import ledger
from central.stock.model import StockError

_GROUP = ledger.AT_ONCE
_ROUNDS = 5
_OURS, _THEIRS = 12_000, 300
"""Movements in a round of each."""
_COMMITS = 100
_SOUGHT = 20
"""So many times the baseline is what is asked for."""


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
        server = database.write_now(_server)
        numbers = itertools.count(world.size.movements)
        rounds = [_round(database, style, server, world, numbers) for _ in range(_ROUNDS)]
    finally:
        style.close()
    rate, baseline, alone, cpu_us, server_us, commit_us = map(
        statistics.median, zip(*rounds, strict=True)
    )
    figures = {
        f"{engine}_post": {
            "value": round(rate),
            "unit": "movements/s",
            "baseline": f"one transaction per move: {round(baseline)}/s",
            "ratio": round(rate / baseline, 1),
        },
        f"{engine}_grouped": {
            "value": round(rate),
            "unit": "movements/s",
            "baseline": f"this ledger, one transaction per movement: {round(alone)}/s",
            "ratio": round(rate / alone, 1),
        },
        f"{engine}_cpu": _plain(cpu_us, "us of this process per movement"),
        f"{engine}_core": _plain(
            cpu_us * rate / 1e4,
            "% of a core; near 100 this process bounds it, below that the disk and the engine do",
        ),
        f"{engine}_commit": _plain(
            commit_us, "us that a transaction of one number takes here: hardly more than the disk"
        ),
        f"{engine}_twenty": _plain(
            max(0.0, _SOUGHT * 1e6 / rate - 1e6 / baseline + commit_us),
            f"us that a commit takes on a disk where the ratio is {_SOUGHT}, all else as here",
        ),
    }
    if server:
        figures[f"{engine}_server_cpu"] = _plain(server_us, "us of the server per movement")
    return figures


class _Round(NamedTuple):
    """Movements per second of ours, of the baseline and of ours one by one; microseconds of CPU of
    ours (here, at the server) per movement and the microseconds of a bare commit.
    """

    rate: float
    baseline: float
    alone: float
    cpu_us: float
    server_us: float
    commit_us: float


def _round(
    database: Database,
    style: DocumentStyle,
    server: int,
    world: World,
    numbers: Iterator[int],
) -> _Round:
    before_s = cpu_s(server) if server else 0.0
    rate, cpu_us = _ours(database, world, numbers, _OURS, _GROUP)
    server_s = cpu_s(server) - before_s if server else 0.0
    baseline = _theirs(style, world, numbers)
    alone, _ = _ours(database, world, numbers, _THEIRS, 1)
    return _Round(rate, baseline, alone, cpu_us, server_s / _OURS * 1e6, _commit_us(style))


def _server(conn: Connection) -> int:
    """The process that serves us; 0 where the engine is a part of this one."""
    if conn.dialect.name == "sqlite":
        return 0
    return int(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def _commit_us(style: DocumentStyle) -> float:
    began = time.perf_counter()
    for _ in range(_COMMITS):
        style.commit()
    return (time.perf_counter() - began) / _COMMITS * 1e6


def _ours(
    database: Database, world: World, numbers: Iterator[int], many: int, at_once: int
) -> tuple[float, float]:
    """Movements per second, and microseconds of CPU that one takes here."""
    moves = [world.movement(next(numbers)) for _ in range(many)]
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(0, many, at_once):
        group = moves[first : first + at_once]
        now_us = time.time_ns() // 1_000
        results = database.write_now(
            lambda c, group=group, now_us=now_us: ledger.post_each(c, group, record_us=now_us)  # type: ignore[misc]
        )
        refused = [one for one in results if isinstance(one, StockError)]
        assert not refused, refused[0]
    took, used = time.perf_counter() - began, time.process_time() - cpu
    return many / took, used / many * 1e6


def _theirs(style: DocumentStyle, world: World, numbers: Iterator[int]) -> float:
    moves = [world.movement(next(numbers)) for _ in range(_THEIRS)]
    began = time.perf_counter()
    for one in moves:
        style.move(one)
    return _THEIRS / (time.perf_counter() - began)


def _plain(value: float, unit: str) -> dict[str, Any]:
    return {"value": round(value), "unit": unit, "baseline": None, "ratio": None}
