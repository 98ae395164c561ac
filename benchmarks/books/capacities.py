"""What a posting costs where a place around it has a capacity, beside asking the balances for it.

The same books as ``bench ledger``, with all warehouses within one site: a bin holds a thousandth of
the balances, a warehouse a tenth, the site all. One command is posted at a time, as for one client
who waits; the question that it would otherwise ask of the balances is timed beside it.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from benchmarks.books.engines import books_url, wanted
from benchmarks.books.load import load, tell
from benchmarks.books.world import WAREHOUSES, World, bin_code, sized, sku
from benchmarks.machine import describe
from central.catalogue.tree import Location, add_location, change_location
from central.database.bulk import BulkLookup
from central.database.store import Database
from central.stock import ledger, totals
from central.stock.model import Movement, StockError
from central.stock.rules import Rules

_SITE = "SITE"
_ROUNDS = 5
_EACH = 40
"""Commands in a round."""
_HELD = BulkLookup(
    "WITH RECURSIVE below(root, code) AS (SELECT k.code, k.code FROM {keys} "
    "UNION SELECT b.root, l.code FROM below b JOIN location l ON l.parent = b.code) "
    "SELECT b.root, h.sku, h.lot, sum(h.on_hand), max(i.unit_mg) FROM below b "
    "JOIN balance h ON h.location = b.code JOIN item i ON i.sku = h.sku "
    "WHERE h.on_hand > 0 GROUP BY b.root, h.sku, h.lot",
    (("code", "text"),),
)
"""How posting asked before there were totals."""
_PLACES = {"none": None, "bin": bin_code(0, 0), "warehouse": "WH-00", "site": _SITE}


def run(*, size: str = "small", engine: str = "all", seed: int = 1) -> dict[str, Any]:
    """Load, then post under no capacity, a bin's, a warehouse's and the site's. ``size`` is tiny,
    small or full (a million balances); ``engine`` is sqlite, postgresql, all.
    """
    books = sized(size)
    books = books._replace(movements=books.balances)  # one each: what lies there is what counts
    figures: dict[str, Any] = {}
    for name in wanted(engine):
        with books_url(name) as url, closing(Database(url)) as database:
            world = World(books, seed)
            load(database, world, tell)
            database.write_now(_within_one_site)
            numbers = itertools.count(books.movements)
            for place, code in _PLACES.items():
                figures |= _under(f"{name}_{place}", database, numbers, code)
    return {"bench": "capacities", "machine": describe(), "size": books._asdict(),
            "figures": figures}  # fmt: skip


def _within_one_site(conn: Connection) -> None:
    add_location(conn, Location(code=_SITE, name="All warehouses"))
    for warehouse in range(WAREHOUSES):
        change_location(conn, f"WH-{warehouse:02d}", {"parent": _SITE})


def _under(
    name: str, database: Database, numbers: Iterator[int], code: str | None
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if code is not None:
        limits = Rules(max_units=2**52, max_mass_mg=2**52, max_volume_mm3=2**52)
        began = time.perf_counter()
        database.write_now(lambda c: change_location(c, code, {"rules": limits}))
        figures[f"{name}_count"] = _figure(time.perf_counter() - began)
    took, asking = [], []
    for _ in range(_ROUNDS):
        took.append(_posted_s(database, numbers))
        if code is not None:
            began = time.perf_counter()
            database.read_now(lambda c: _asked(c, code))
            asking.append(time.perf_counter() - began)
    if code is not None:
        wrong = database.read_now(totals.check)
        assert not wrong, wrong[0]
        database.write_now(lambda c: change_location(c, code, {"rules": Rules()}))
    return figures | {f"{name}_post": _figure(statistics.median(took), asking)}


def _posted_s(database: Database, numbers: Iterator[int]) -> float:
    """Seconds of one command, each in a transaction of its own, into the first bin."""
    moves = list(itertools.islice(_into_the_first_bin(numbers), _EACH))
    began = time.perf_counter()
    for one in moves:
        (result,) = database.write_now(
            lambda c, one=one: ledger.post_each(c, [one], record_us=time.time_ns() // 1_000)  # type: ignore[misc]
        )
        assert not isinstance(result, StockError), result
    return (time.perf_counter() - began) / len(moves)


def _into_the_first_bin(numbers: Iterator[int]) -> Iterator[Movement]:
    for number in numbers:
        yield Movement(
            id=f"{number:032x}", sku=sku(0), quantity=1, source="supplier",
            destination=bin_code(0, 0), biz_step="receiving", event_time=datetime.now(UTC),
        )  # fmt: skip


def _asked(conn: Connection, code: str) -> int:
    held = Counter[tuple[str, str]]()
    for _root, item, lot, units, _unit_mg in _HELD.run(conn, [(code,)]):
        held[item, lot] = int(units)
    return sum(held.values())


def _figure(took_s: float, asking_s: list[float] | None = None) -> dict[str, Any]:
    figure: dict[str, Any] = {"value": round(took_s * 1e3, 2), "unit": "ms"}
    if not asking_s:
        return figure | {"baseline": None, "ratio": None}
    asked = statistics.median(asking_s)
    return figure | {
        "baseline": f"asking the balances besides: {asked * 1e3:.1f} ms",
        "ratio": round((asked + took_s) / took_s, 1),
    }
