"""The edge's journal against SQLite (WAL, synchronous = FULL) doing the same durable work.

Both append the same observation bodies in groups, each group synced to disk before the next
begins; both then read everything back in lots of 200, as the uplink does. Rounds alternate,
so that a busy machine disturbs both alike; the median round counts.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from edge.journal import Journal, JournalLimits

GROUPS = (20, 100, 500)
ROWS = 20_000
ROUNDS = 3
BODY = (
    b'{"kind":"tag_sighting","device":"dock-1-reader","read_point":"dock-1",'
    b'"event_time":"2026-01-31T08:00:00.123456Z","epc":"30340C0E441D6FC0000F4240",'
    b'"antenna":1,"count":3,"peak_rssi_dbm":-51.0,"mean_rssi_dbm":-52.3,"phase_rad":1.234}'
)
Append = Callable[[Sequence[bytes]], object]


def run() -> dict[str, Any]:
    """Measure, and return the figures with their ratios."""
    figures: dict[str, Any] = {}
    for group in GROUPS:
        ours, theirs, waits = [], [], []
        for _ in range(ROUNDS):
            rate, latencies = _journal(group)
            ours.append(rate)
            waits += latencies
            theirs.append(_sqlite(group))
        _figure(figures, f"append_{group}", statistics.median(ours), statistics.median(theirs))
        waits.sort()
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            figures[f"commit_{group}_{name}"] = {
                "value": 1000 * waits[int(share * (len(waits) - 1))],
                "unit": "ms",
                "baseline": None,
                "ratio": None,
            }
    return {"bench": "journal", "machine": describe(), "figures": figures}


def _figure(figures: dict[str, Any], name: str, ours: float, theirs: float) -> None:
    figures[name] = {
        "value": ours,
        "unit": "observations/s",
        "baseline": "SQLite WAL FULL",
        "ratio": ours / theirs,
    }


def _rate(append: Append, group: int, latencies: list[float]) -> float:
    bodies = [BODY] * group
    rows = min(ROWS, group * 200)
    begin = time.perf_counter()
    for _ in range(rows // group):
        before = time.perf_counter()
        append(bodies)
        latencies.append(time.perf_counter() - before)
    return rows / (time.perf_counter() - begin)


def _journal(group: int) -> tuple[float, list[float]]:
    latencies: list[float] = []
    with tempfile.TemporaryDirectory(prefix="tallyport-bench-") as folder:
        journal = Journal.open(Path(folder), JournalLimits())
        rate = _rate(journal.append, group, latencies)
        journal.close()
    return rate, latencies


def _sqlite(group: int) -> float:
    with tempfile.TemporaryDirectory(prefix="tallyport-bench-") as folder:
        path = Path(folder) / "journal.sqlite"
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("CREATE TABLE ev(seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")

            def append(bodies: Sequence[bytes]) -> None:
                database.execute("BEGIN IMMEDIATE")
                database.executemany("INSERT INTO ev(body) VALUES (?)", [(b,) for b in bodies])
                database.execute("COMMIT")

            return _rate(append, group, [])
