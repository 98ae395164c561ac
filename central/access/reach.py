"""Which places the transaction that runs may touch and show: see ``central.access.behalf``.

The ends of the books (supplier, customer, ...) lie in no warehouse: goods may come from there and
go there for everybody who may touch the other end.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, select

from central import schema
from central.access import behalf
from central.stock.model import LocationKind, OutOfReach

__all__ = ["check", "everywhere", "inside", "within"]

_place = schema.location.c


def within(*columns: ColumnElement[str]) -> ColumnElement[bool] | None:
    """The condition that one of these columns names a place within reach; ``None`` where there
    is nothing to ask.
    """
    roots = behalf.roots()
    if roots is None:
        return None
    tree = select(_place.code).where(_place.code.in_(sorted(roots)))
    below = tree.cte("reach", recursive=True)
    child = schema.location.alias("child")
    below = below.union(select(child.c.code).join(below, child.c.parent == below.c.code))
    found: ColumnElement[bool] = columns[0].in_(select(below.c.code))
    for column in columns[1:]:
        found |= column.in_(select(below.c.code))
    return found


def inside(conn: Connection, code: str) -> bool:
    """Whether a place is within reach. What is not there is: whoever looks for it says so."""
    roots = behalf.roots()
    if roots is None or code in roots:
        return True
    upwards = select(_place.code, _place.parent, _place.kind).where(_place.code == code)
    up = upwards.cte("up", recursive=True)
    parent = schema.location.alias("parent")
    columns = (parent.c.code, parent.c.parent, parent.c.kind)
    up = up.union(select(*columns).join(up, parent.c.code == up.c.parent))
    found = conn.execute(select(up.c.code, up.c.kind)).all()
    return any(row.code in roots or row.kind != LocationKind.INTERNAL for row in found) or not found


def check(conn: Connection, codes: Iterable[str]) -> None:
    """Raises ``OutOfReach`` for the first of these places that is not within reach."""
    for code in codes:
        if not inside(conn, code):
            raise OutOfReach(f"{code} lies outside the places that you were granted this for")


def everywhere(what: str) -> None:
    """Raises ``OutOfReach`` where ``what`` concerns more than the places that were granted."""
    if behalf.roots() is not None:
        raise OutOfReach(f"{what} is for those who were granted it everywhere")
