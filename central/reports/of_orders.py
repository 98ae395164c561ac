"""How orders were fulfilled: in full, in time, how late, and what waits for goods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from central.database.moments import to_us
from central.orders import facts
from central.orders.facts import LineFact
from central.reports.around import Around, share_of
from central.reports.model import Asked, Column, Report
from central.reservations import store as reservations
from central.reservations.model import Reservation

__all__ = ["REPORTS"]

_HOUR_US, _DAY_US = 3_600e6, 86_400e6
_PAGE = 1_000


class _Sums(msgspec.Struct):
    """What lines from one place came to."""

    orders: set[str] = set()
    lines: int = 0
    ordered: int = 0
    shipped: int = 0
    full: int = 0
    promised: int = 0
    kept: int = 0
    overdue: int = 0
    took: list[float] = []
    late: list[float] = []
    waiting: list[Reservation] = []

    def add(self, one: LineFact, now_us: int) -> None:
        """Count a line."""
        self.orders.add(one.order)
        self.lines += 1
        self.ordered += one.quantity
        self.shipped += min(one.shipped, one.quantity)
        is_full = one.shipped >= one.quantity
        self.full += is_full
        if is_full and one.left_us is not None:
            self.took.append((one.left_us - one.created_us) / _HOUR_US)
        if one.promised_us is None:
            return
        self.promised += 1
        if not is_full:
            self.overdue += one.promised_us <= now_us
        elif one.left_us is not None:
            self.late.append((one.left_us - one.promised_us) / _HOUR_US)
            self.kept += one.left_us <= one.promised_us

    def row(self, place: str, now_us: int) -> Sequence[Any]:
        """As the report's columns have it."""
        took, late = sorted(self.took), sorted(self.late)
        ages = sorted((now_us - one.created_us) / _DAY_US for one in self.waiting)
        return (
            place, len(self.orders), self.lines, self.ordered, self.shipped,
            self.shipped / self.ordered if self.ordered else None, self.full,
            self.promised, self.kept, self.kept / self.promised if self.promised else None,
            self.overdue,
            *(share_of(took, share) for share in (0.5, 0.9, 0.95)),
            *(share_of(late, share) for share in (0.5, 0.9, 0.95)),
            len(ages), sum(one.missing for one in self.waiting),
            share_of(ages, 0.5), ages[-1] if ages else None,
        )  # fmt: skip


def _rows(conn: Connection, asked: Asked, now: datetime) -> Iterable[Sequence[Any]]:
    around = Around(conn, _FULFILMENT, asked, now)
    now_us = to_us(now)
    sums: defaultdict[str, _Sums] = defaultdict(_Sums)
    for one in facts.lines_promised(conn, around.wanted()):
        if around.counts(one.warehouse, one.counts_us):
            sums[one.warehouse].add(one, now_us)
    for claim in _waiting(conn, asked):
        if asked.location is None or (claim.within and asked.location in around.path(claim.within)):
            sums[claim.within].waiting.append(claim)
    return [sums[place].row(place, now_us) for place in sorted(sums)]


def _waiting(conn: Connection, asked: Asked) -> Iterable[Reservation]:
    """What waits for goods now, of the items that are asked of."""
    after = ""
    while found := reservations.page(
        conn, sku=asked.sku, category=asked.category, missing=True, after=after, limit=_PAGE
    ):
        yield from found
        after = found[-1].id


_FULFILMENT = Report(
    name="fulfilment",
    title="Order fulfilment",
    means="Of the lines of outbound orders that were due in the period (without a promise: ordered "
    "in it; cancelled orders left out): how much of them left, how much of that in time and in "
    "full, how long it took, and how late it was. What waits for goods is told as it stands now, "
    "whatever the period. A line left when the last of it did.",
    columns=(
        Column("ordered_from", "text", "", "the warehouse, or the part of one, that orders name; "
               "empty: reservations of goods wherever they lie"),
        Column("orders", "integer", "orders", "how many the lines are of"),
        Column("lines", "integer", "lines", "how many there are"),
        Column("units_ordered", "integer", "units", "of these lines"),
        Column("units_shipped", "integer", "units", "of these, what left so far"),
        Column("fill_rate", "number", "", "units shipped of those ordered"),
        Column("lines_in_full", "integer", "lines", "of which all units left"),
        Column("lines_promised", "integer", "lines", "of orders that have a time they are due"),
        Column("lines_on_time_in_full", "integer", "lines", "of which all units left by then"),
        Column("on_time_in_full", "number", "", "share of the lines promised"),
        Column("lines_overdue", "integer", "lines", "past their time, with units still to leave"),
        Column("took_p50", "number", "h", "from the order until all had left, half of the lines"),
        Column("took_p90", "number", "h", "the same, 90 % of them"),
        Column("took_p95", "number", "h", "the same, 95 % of them"),
        Column("late_p50", "number", "h", "from when it was due until all had left, half of the "
               "lines promised that left in full; less than nothing: early"),
        Column("late_p90", "number", "h", "the same, 90 % of them"),
        Column("late_p95", "number", "h", "the same, 95 % of them"),
        Column("backorders", "integer", "reservations", "that wait for goods now"),
        Column("backorder_units", "integer", "units", "that they wait for"),
        Column("backorder_age_p50", "number", "days", "since they were made, half of them"),
        Column("backorder_age_most", "number", "days", "the oldest one"),
    ),
    gather=_rows,
)  # fmt: skip
REPORTS = (_FULFILMENT,)
