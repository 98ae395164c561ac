"""Events by a field that users added (EPCIS 2.0, 8.2.7.1, ``orderBy``). Those that lack it come
behind all others, as they were recorded.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.epcis import ordering, query
from central.epcis.fields import Fields, scalars
from central.epcis.model import Added, Order, Wanted
from central.epcis.names import Names
from central.epcis.query import Place, Told, TooMuch
from central.epcis.values import Scalar, ranks

__all__ = ["Stood", "ordered"]

_BEGIN = Place(0, 0, 0)


class Stood(NamedTuple):
    """How far a reader is: whether he is among those that lack the field, the numbers of the last
    event that he has (``query.Place``), and how many he has of all.
    """

    lacking: bool
    ledger: int
    captured: int
    log: int
    given: int

    @property
    def place(self) -> Place:
        """Of the last event; among those that lack the field, how far he has read."""
        return Place(self.ledger, self.captured, self.log)


def ordered(
    conn: Connection, wanted: Wanted, names: Names, *, after: Stood | None, limit: int
) -> tuple[list[dict[str, object]], Stood | None]:
    """At most ``limit`` of the events that are wanted, and from where on there are more. Raises
    ``TooMuch`` where more than ``ordering.MOST`` have the field.
    """
    order = wanted.order
    assert order is not None, "only what is to be ordered comes here"
    given = 0 if after is None else after.given
    if order.at_most is not None:
        limit = min(limit, order.at_most - given)
    if limit <= 0:
        return [], None
    some, more = _page(conn, wanted, names, after, limit, given)
    if more is not None and more.given == order.at_most:
        more = None
    return [one.event for one in some], more


def _page(  # noqa: PLR0917 (a question, and how far its reader is)
    conn: Connection, wanted: Wanted, names: Names, after: Stood | None, limit: int, given: int
) -> tuple[list[Told], Stood | None]:
    some, behind = list[Told](), _BEGIN
    if after is not None and after.lacking:
        behind = after.place
    else:
        some = _behind(_having(conn, wanted, names), after)
        if len(some) > limit:
            some = some[:limit]
            return some, Stood(False, *some[-1].place, given + limit)
    room = limit - len(some)
    if room == 0:
        lacks, _ = query.look(conn, _asking(wanted, "LACKS"), names, after=behind, limit=1)
        return some, Stood(True, *behind, given + limit) if lacks else None
    lacks, more = query.look(conn, _asking(wanted, "LACKS"), names, after=behind, limit=room)
    some += lacks
    return some, None if more is None else Stood(True, *more, given + len(some))


def _having(conn: Connection, wanted: Wanted, names: Names) -> list[Told]:
    """All that have the field, in the order that is asked for; of one value as recorded."""
    order = wanted.order
    assert order is not None
    having, most = _asking(wanted, "EXISTS"), ordering.MOST
    found, more = query.look(conn, having, names, after=_BEGIN, limit=most)
    if more is not None:
        raise TooMuch(
            f"more than {most} events have {order.by}, and would have to be put in order: ask for "
            "fewer by GE_eventTime and LT_eventTime, or by GE_ and LT_ of the field itself"
        )
    valued = [(one, value) for one in found if (value := _value(one, order)) is not None]
    keys = ranks([value for _, value in valued])
    numbered = sorted(range(len(valued)), key=keys.__getitem__, reverse=order.descending)
    blank = [one for one in found if _value(one, order) is None]
    return [valued[number][0] for number in numbered] + blank


def _value(told: Told, order: Order) -> Scalar | None:
    """The first one that the field has; ``None`` where it has none, but other fields within."""
    there = Fields(told.event).named(order.by)
    return next((one for value in there for one in scalars(value)), None)


def _behind(found: list[Told], after: Stood | None) -> list[Told]:
    if after is None:
        return found
    places = [one.place for one in found]
    last = places.index(after.place) + 1 if after.place in places else after.given
    return found[last:]


def _asking(wanted: Wanted, how: str) -> Wanted:
    """Those of the events that have the field of their order, or that lack it."""
    order = wanted.order
    assert order is not None
    one = msgspec.convert({"how": how, "name": order.by}, Added)
    return msgspec.structs.replace(wanted, order=None, added=(*wanted.added, one))
