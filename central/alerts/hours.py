"""When people may be told: hours of the day at the place, in its time zone. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from central.alerts.model import Hours
from central.database.moments import from_us, to_us

__all__ = ["open_from"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST = 60
"""Windows that follow one another without a gap; behind so many the rest is let go."""


def open_from(at_us: int, muted: Iterable[Hours], time_zone: str) -> int:
    """The first moment from ``at_us`` on (microseconds since 1970) that no window covers.

    Windows are wall-clock hours of ``time_zone`` (a name of the IANA database). Where that clock is
    put forward or back, a window ends by what the clock shows.
    """
    windows, place = tuple(muted), ZoneInfo(time_zone)
    moment = at_us
    for _ in range(_MOST):
        ends = [end for one in windows if (end := _end(one, moment, place)) is not None]
        if not ends:
            return moment
        moment = max(ends)
    return moment


def _end(window: Hours, at_us: int, place: ZoneInfo) -> int | None:
    """When the window that covers a moment ends; ``None`` when it covers it not."""
    here = from_us(at_us).astimezone(place)
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    # It may have begun today, or yesterday and go on over midnight.
    for begun in (here.date(), here.date() - timedelta(days=1)):
        if window.days and _DAYS[begun.weekday()] not in window.days:
            continue
        over = begun if end > start else begun + timedelta(days=1)
        first = to_us(datetime.combine(begun, start, place))
        last = to_us(datetime.combine(over, end, place))
        if first <= at_us < last:
            return last
    return None
