"""What a report is: a name, what may be asked, columns with units and meanings, rows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from central.database.moments import to_us

__all__ = ["FOREVER_US", "Asked", "Column", "Kind", "Period", "Report", "ReportRefused", "period"]

Kind = Literal["text", "integer", "number", "date", "moment"]
FOREVER_US = 2**62
"""Behind every moment that anybody means."""


class ReportRefused(Exception):
    """What was asked makes no sense; the text is a sentence for people."""

    status = 422


class Column(msgspec.Struct, frozen=True):
    """A column: what unit its values are in (empty: none), and what they mean."""

    name: str
    kind: Kind
    unit: str
    means: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked of: days from ``since`` to ``until``, both included, each as long as
    the warehouse's time zone has it; only what lies within ``location``; only a ``category`` or an
    item. Empty: all. Without ``until`` it goes up to now.
    """

    since: date | None = None
    until: date | None = None
    location: str | None = None
    category: str | None = None
    sku: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report: ``query`` is DuckDB's SQL over the views of ``central.reports.ground``; ``days``
    how many a period has that nobody gave. ``finish`` makes a row of the columns out of one of the
    query's. A report that is not of the extract has ``gather`` instead of a query, and one that is
    not ``by_item`` cannot be asked of items.
    """

    name: str
    title: str
    means: str
    columns: tuple[Column, ...]
    query: str = ""
    days: int = 30
    whole_days: bool = False
    by_item: bool = True
    finish: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    gather: Callable[[Connection, Asked, datetime], Iterable[Sequence[Any]]] | None = None


class Period(msgspec.Struct, frozen=True):
    """From ``from_us`` up to, without, ``until_us``: microseconds since 1970 UTC."""

    from_us: int
    until_us: int


def period(asked: Asked, report: Report, zone: str, now: datetime) -> Period:
    """The days that are asked, in a time zone. Raises ``ReportRefused``.

    A report of ``whole_days`` leaves out today, which has not ended; another one that is not told
    until when takes everything in, even what clocks that run ahead say of tomorrow.
    """
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    last = asked.until or today
    if report.whole_days and last >= today:
        last = today - timedelta(days=1)
    first = asked.since or last - timedelta(days=report.days - 1)
    if first > last and (asked.since or today) > (asked.until or today):
        raise ReportRefused(f"from {asked.since} is behind to {asked.until or today}")
    open_end = asked.until is None and not report.whole_days
    until_us = FOREVER_US if open_end else _midnight(last + timedelta(days=1), here)
    return Period(min(_midnight(first, here), until_us), until_us)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return to_us(datetime(day.year, day.month, day.day, tzinfo=zone))
