"""Items that may be given in place of another one: in an order, one way, unit for unit.

That B may stand in for A does not let A stand in for B, nor C for A where C may for B. Nothing is
given in place of anything by this alone: an order or a reservation must allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection, delete, insert, select

from central import audit, schema
from central.catalogue.changes import Told
from central.catalogue.errors import NotValid
from central.catalogue.items import get_item

__all__ = ["MOST", "Substitute", "in_force", "list_substitutes", "set_substitutes"]

MOST = 20
_table = schema.item_substitute.c


class Substitute(msgspec.Struct, frozen=True, kw_only=True):
    """An item that may stand in for another, from one day to another (both of them, UTC's days)
    where these are told.
    """

    sku: str
    from_on: date | None = None
    until_on: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it may on a day."""
        return (self.from_on or on) <= on <= (self.until_on or on)


def set_substitutes(
    conn: Connection, sku: str, wanted: Sequence[Substitute], told: Told
) -> list[Substitute]:
    """Let exactly these stand in for an item, the first one first. Raises ``NotFound`` and
    ``NotValid``.
    """
    names = [one.sku for one in wanted]
    if len(set(names)) != len(names) or len(names) > MOST:
        raise NotValid(f"an item has at most {MOST} substitutes, each of them once")
    for one in wanted:
        if one.sku == sku:
            raise NotValid(f"{sku} cannot stand in for itself")
        if one.from_on and one.until_on and one.until_on < one.from_on:
            raise NotValid(f"{one.sku} cannot stand in until a day before it begins to")
    for name in (sku, *names):
        if get_item(conn, name).family:
            raise NotValid(f"{name} is a family, which has no stock: name its variants")
    before = list_substitutes(conn, sku)
    if before == list(wanted):
        return before
    conn.execute(delete(schema.item_substitute).where(_table.sku == sku))
    rows = [
        {"sku": sku, "place": place, "substitute": one.sku, "from_on": _day(one.from_on),
         "until_on": _day(one.until_on)}
        for place, one in enumerate(wanted)
    ]  # fmt: skip
    if rows:
        conn.execute(insert(schema.item_substitute), rows)
    was, now = ({"substitutes": msgspec.to_builtins(ones)} for ones in (before, list(wanted)))
    change = audit.Change(f"item {sku}", was, now)
    audit.record(conn, [change], actor=told.by, action="set substitutes", at_us=told.at_us)
    return list(wanted)


def list_substitutes(conn: Connection, sku: str) -> list[Substitute]:
    """What may stand in for an item, the first one first, whenever."""
    return _of(conn, [sku]).get(sku, [])


def in_force(conn: Connection, skus: Iterable[str], on: date) -> dict[str, list[str]]:
    """The items that may stand in for some on a day, by item, the first one first."""
    found = _of(conn, list(skus))
    return {sku: [one.sku for one in ones if one.holds(on)] for sku, ones in found.items()}


def _of(conn: Connection, skus: Sequence[str]) -> dict[str, list[Substitute]]:
    query = select(schema.item_substitute).where(_table.sku.in_(skus))
    found: dict[str, list[Substitute]] = {}
    for row in conn.execute(query.order_by(_table.sku, _table.place)):
        days = {"from_on": row.from_on, "until_on": row.until_on}
        one = msgspec.convert({"sku": row.substitute, **days}, Substitute)
        found.setdefault(row.sku, []).append(one)
    return found


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
