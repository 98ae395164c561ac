"""Loads large books by the ledger's own rows and seals, past its decisions: minutes, not hours.

What is loaded is sound: ``tallyport central verify`` finds nothing. A block has 500 rows, as a
busy central seals them.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from sqlalchemy import Connection

from benchmarks.books.world import BINS, WAREHOUSES, World, bin_code, sku
from central.database import statistics
from central.database.bulk import BulkInsert
from central.database.store import Database
from central.stock import chain, projection, rows

T = TypeVar("T")
_BLOCK = 500
_COMMIT = 50_000
_MOVEMENTS = BulkInsert("movement", rows.COLUMNS)
_ITEMS = BulkInsert(
    "item",
    (("sku", "text"), ("name", "text"), ("category", "text"), ("created_us", "bigint")),
)
_LOCATIONS = BulkInsert(
    "location",
    (("code", "text"), ("name", "text"), ("parent", "text"), ("created_us", "bigint")),
)
Told = Callable[[int, int], None]


def load(database: Database, world: World, told: Told = lambda _done, _of: None) -> float:
    """Fill migrated, empty books; ``told`` hears how many movements are in. Seconds it took."""
    began = time.monotonic()
    database.write_now(lambda c: _ground(c, world.size.skus))
    done = 0
    now_us = time.time_ns() // 1_000
    for part in _lots(enumerate(world.movements(), 1), _COMMIT):
        lines = [rows.to_row(seq, one, now_us, 0) for seq, one in part]
        database.write_now(lambda c, lines=lines: _post(c, lines))  # type: ignore[misc]
        done += len(lines)
        told(done, world.size.movements)
    database.write_now(projection.rebuild_balances)
    database.write_now(statistics.refresh)
    return time.monotonic() - began


def _ground(conn: Connection, skus: int) -> None:
    codes: list[tuple[str, str | None]] = [(f"WH-{w:02d}", None) for w in range(WAREHOUSES)]
    codes += [(bin_code(w, b), f"WH-{w:02d}") for w in range(WAREHOUSES) for b in range(BINS)]
    _LOCATIONS.run(conn, [(code, code, parent, 1) for code, parent in codes])
    for part in _lots(range(skus), 10_000):
        _ITEMS.run(conn, [(sku(one), f"Item {one}", f"category-{one % 40:02d}", 1) for one in part])


def _post(conn: Connection, lines: list[tuple[object, ...]]) -> None:
    for block in _lots(lines, _BLOCK):
        _MOVEMENTS.run(conn, block)
        chain.seal(conn, block)


def _lots(of: Iterable[T], size: int) -> Iterator[list[T]]:
    every = iter(of)
    while lot := list(itertools.islice(every, size)):
        yield lot


def tell(done: int, of: int) -> None:
    """Say on a terminal how far loading is."""
    if sys.stderr.isatty():
        print(f"\rloading {done:,} of {of:,} movements", end="", file=sys.stderr, flush=True)
