"""How right the sensors are, by read point: the figures of ``/kpis`` as a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from central.access import reach
from central.catalogue import places, tree
from central.database.moments import from_us, to_us
from central.insight.kpi import DAY_US, Tally
from central.insight.kpi_book import MOST_DAYS, KpiBook
from central.reports.model import Asked, Column, Report, ReportRefused

__all__ = ["REPORTS"]

_MOST_BELOW = 100_000


def _rows(conn: Connection, asked: Asked, now: datetime) -> Iterable[Sequence[Any]]:
    today = now.astimezone(UTC).date()
    first = asked.since or today - timedelta(days=MOST_DAYS - 1)
    if first < today - timedelta(days=MOST_DAYS - 1):
        raise ReportRefused(
            f"sensors' figures go back {MOST_DAYS} days: ask from "
            f"{today - timedelta(days=MOST_DAYS - 1)} on"
        )
    kept = KpiBook()
    found = kept.window(conn, now_us=to_us(now), days=MOST_DAYS)
    while kept.catching_up:
        found = kept.window(conn, now_us=to_us(now), days=MOST_DAYS)
    here = _here(conn, asked.location)
    sums: dict[str, Tally] = {}
    for (point, day), tally in found.tallies.items():
        if _in(day, first, asked.until or today) and (here is None or point in here):
            sums.setdefault(point, Tally()).merge(tally)
    return [_row(point, sums[point]) for point in sorted(sums)]


def _here(conn: Connection, location: str | None) -> set[str] | None:
    """The read points of a location and what lies below it; ``None``: all."""
    if location is None:
        reach.everywhere("how right all sensors are")
        return None
    tree.get_location(conn, location)
    below = {
        one.location.code for one in tree.list_locations(conn, under=location, limit=_MOST_BELOW)
    }
    return {one.code for one in places.list_read_points(conn) if one.location in below}


def _in(day: int, first: date, last: date) -> bool:
    return first <= from_us(day * DAY_US).date() <= last


def _row(point: str, tally: Tally) -> Sequence[Any]:
    return (
        point, tally.auto_posted, tally.asked, tally.resolved, tally.corrected, tally.overruled,
        tally.auto_post_precision.value, tally.review_rate.value, tally.overturn_rate.value,
        tally.delays.quantile(0.5), tally.delays.quantile(0.95),
    )  # fmt: skip


REPORTS = (
    Report(
        name="sensor-accuracy",
        title="Sensor accuracy",
        means="What was posted unasked, reviewed and overturned at each read point, as `/kpis` "
        "counts it: of the last 31 days (UTC) at most. A movement that nobody corrected counts as "
        "right.",
        columns=(
            Column("read_point", "text", "", "where it was sensed"),
            Column("posted", "integer", "movements", "posted without asking anybody"),
            Column("asked", "integer", "reviews", "opened for people"),
            Column("resolved", "integer", "reviews", "of these, answered"),
            Column("corrected", "integer", "movements", "of those posted, taken back later"),
            Column("overruled", "integer", "reviews", "answered otherwise than by the best guess"),
            Column("precision", "number", "", "share of those posted that nobody corrected"),
            Column("review_rate", "number", "", "share of decisions that people were asked for"),
            Column("overturn_rate", "number", "", "share of decisions that people found wrong"),
            Column("delay_p50", "number", "s", "from the event to the ledger, half of them"),
            Column("delay_p95", "number", "s", "the same, 95 % of them"),
        ),
        days=MOST_DAYS,
        by_item=False,
        gather=_rows,
    ),
)
