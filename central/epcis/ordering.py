"""Events by the time of the event or of its record, and no more of them than somebody asks for
(EPCIS 2.0, 8.2.7.1: ``orderBy``, ``orderDirection``, ``eventCountLimit``, ``maxEventCount``).

The books are read in the order of their records. What is asked for the latest first is looked for
in spans of time that go back, wider and wider while little is found, and narrower where much is.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from central.epcis import query
from central.epcis.model import Order, Wanted
from central.epcis.names import Names
from central.epcis.query import Place, Told, TooMuch

__all__ = ["MOST", "Reached", "check_count", "ordered"]

MOST = 2_000
"""Events that are put in order at a time."""
_DAY_US = 86_400 * 1_000_000
_STEP = 16
"""How much wider, or narrower, the next span is."""
_WIDEST_US = 200 * 365 * _DAY_US
_BEGIN = Place(0, 0, 0)


class Reached(NamedTuple):
    """How far a reader of ordered events is: the time of the last event (microseconds since 1970),
    how many of that time he has, and how many of all.
    """

    at_us: int
    same: int
    given: int


def ordered(
    conn: Connection,
    wanted: Wanted,
    names: Names,
    *,
    after: Reached | None,
    limit: int,
    now_us: int,
) -> tuple[list[dict[str, Any]], Reached | None]:
    """At most ``limit`` of the events that are wanted, and from where on there are more. Raises
    ``TooMuch`` for more than ``MOST`` where these would have to be ordered at once.
    """
    order = wanted.order
    assert order is not None, "only what is to be ordered comes here"
    given = 0 if after is None else after.given
    if order.at_most is not None:
        limit = min(limit, order.at_most - given)
    if limit <= 0:
        return [], None
    seen = 0 if after is None else after.same
    if after is not None:
        wanted = _behind(wanted, order, after.at_us)
    search = _latest if order.descending else _earliest
    found = search(conn, wanted, names, seen + limit + 1, now_us)[seen:]
    some = found[:limit]
    given += len(some)
    if len(found) <= limit or given == order.at_most:
        return [one.event for one in some], None
    last_us = _time(order)(some[-1])
    same = sum(_time(order)(one) == last_us for one in some)
    if after is not None and after.at_us == last_us:
        same += after.same
    return [one.event for one in some], Reached(last_us, same, given)


def check_count(conn: Connection, wanted: Wanted, names: Names) -> None:
    """Raises ``TooMuch`` where more is found than is to be (``maxEventCount``)."""
    most = wanted.most
    if most is None:
        return
    allowed = min(most, MOST)
    _, more = query.look(conn, wanted, names, after=_BEGIN, limit=allowed)
    if more is not None:
        raise TooMuch(
            f"there are more than {allowed} such events (maxEventCount {most}, and no more than "
            f"{MOST} are counted): ask for fewer, or leave maxEventCount out and read pages"
        )


def _behind(wanted: Wanted, order: Order, at_us: int) -> Wanted:
    """From a time on, with those of that same time."""
    since, until = _bounds(wanted, order)
    if order.descending:
        return _within(wanted, order, since, at_us + 1)
    return _within(wanted, order, at_us, until)


def _earliest(conn: Connection, wanted: Wanted, names: Names, need: int, now_us: int) -> list[Told]:
    del now_us
    order = wanted.order
    assert order is not None
    if order.by == "recordTime":
        return query.look(conn, wanted, names, after=_BEGIN, limit=need)[0]
    found, more = query.look(conn, wanted, names, after=_BEGIN, limit=MOST)
    if more is not None:
        raise TooMuch(
            f"more than {MOST} events would have to be put in order: say which by GE_eventTime and "
            "LT_eventTime, or order by recordTime"
        )
    return sorted(found, key=_time(order))


def _latest(conn: Connection, wanted: Wanted, names: Names, need: int, now_us: int) -> list[Told]:
    """At least ``need`` of the latest, or all."""
    order = wanted.order
    assert order is not None
    floor, until = _bounds(wanted, order)
    found, width = list[Told](), _DAY_US
    while True:
        top = now_us if until is None else min(until, now_us)
        since = None if width > _WIDEST_US else top - width
        if floor is not None:
            since = floor if since is None else max(since, floor)
        span = _within(wanted, order, since, until)
        some, more = query.look(conn, span, names, after=_BEGIN, limit=MOST)
        if more is not None:
            if width == 1:
                raise TooMuch(
                    f"more than {MOST} of the events have one {order.by}: they are not put in "
                    "order; leave orderBy out, and read pages"
                )
            width = max(1, (width if since is None else min(width, top - since)) // _STEP)
            continue
        found += sorted(some, key=_time(order), reverse=True)
        if len(found) >= need or since == floor:
            return found
        until, width = since, width * _STEP


def _time(order: Order) -> attrgetter[int]:
    return attrgetter("event_us" if order.by == "eventTime" else "record_us")


def _bounds(wanted: Wanted, order: Order) -> tuple[int | None, int | None]:
    if order.by == "eventTime":
        return wanted.ge_event_us, wanted.lt_event_us
    return wanted.ge_record_us, wanted.lt_record_us


def _within(wanted: Wanted, order: Order, since: int | None, until: int | None) -> Wanted:
    if order.by == "eventTime":
        return msgspec.structs.replace(wanted, ge_event_us=since, lt_event_us=until)
    return msgspec.structs.replace(wanted, ge_record_us=since, lt_record_us=until)
