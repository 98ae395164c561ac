"""Which places the transaction that runs may touch and show: see ``central.access.behalf``.

The ends of the books (supplier, customer, ...) lie in no warehouse: goods may come from there and
go there for everybody who may touch the other end.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, func, select

from central import schema
from central.access import behalf
from central.stock.model import LocationKind, OutOfReach

__all__ = [
    "among", "at", "check", "check_edge", "check_read_point", "edges", "everywhere", "holds",
    "inside", "within",
]  # fmt: skip

_place, _point, _device = schema.location.c, schema.read_point.c, schema.device.c


def within(*columns: ColumnElement[str]) -> ColumnElement[bool] | None:
    """The condition that one of these columns names a place within reach; ``None`` where there
    is nothing to ask.
    """
    roots = behalf.roots()
    if roots is None:
        return None
    tree = select(_place.code).where(_place.code.in_(sorted(roots)))
    below = tree.cte(recursive=True)  # without a name: a question may have several
    child = schema.location.alias("child")
    below = below.union(select(child.c.code).join(below, child.c.parent == below.c.code))
    found: ColumnElement[bool] = columns[0].in_(select(below.c.code))
    for column in columns[1:]:
        found |= column.in_(select(below.c.code))
    return found


def at(column: ColumnElement[str]) -> ColumnElement[bool] | None:
    """The condition that this column names a read point whose place is within reach; ``None`` where
    there is nothing to ask.
    """
    granted = within(_point.location)
    if granted is None:
        return None
    newest = select(func.max(_point.id)).group_by(_point.code)
    return column.in_(select(_point.code).where(_point.id.in_(newest), granted))


def check_read_point(conn: Connection, code: str) -> None:
    """Raises ``OutOfReach`` for a read point that is not within reach, or that nobody knows: who
    was granted some places does not learn which.
    """
    granted = at(_point.code)
    if granted is None:
        return
    if conn.execute(select(_point.code).where(_point.code == code, granted)).first() is None:
        raise OutOfReach(f"read point {code} is none of the places that you were granted this for")


def edges(conn: Connection) -> frozenset[str] | None:
    """The edges all of whose devices stand within reach; ``None`` where there is nothing to ask.
    What is asked of an edge, and its settings, concern all of its devices.
    """
    granted = at(_device.read_point)
    if granted is None:
        return None
    placed = select(_device.edge).where(_device.read_point != "")
    here = conn.execute(placed.where(granted)).scalars().all()
    elsewhere = conn.execute(placed.where(~granted)).scalars().all()
    return frozenset(here) - frozenset(elsewhere)


def check_edge(conn: Connection, edge: str) -> None:
    """Raises ``OutOfReach`` for an edge that has devices elsewhere, or that nobody knows."""
    known = edges(conn)
    if known is not None and edge not in known:
        raise OutOfReach(
            f"not all devices of edge {edge} stand at the places that you were granted this for"
        )


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


def among(conn: Connection, codes: Iterable[str]) -> frozenset[str]:
    """Those of some places that lie within reach themselves."""
    wanted = frozenset(codes)
    granted = within(_place.code)
    if granted is None:
        return wanted
    query = select(_place.code).where(_place.code.in_(sorted(wanted)), granted)
    return frozenset(conn.execute(query).scalars())


def holds(conn: Connection, code: str) -> bool:
    """Whether a place itself lies within reach; of what is no place, none does."""
    granted = within(_place.code)
    if granted is None:
        return True
    return conn.execute(select(_place.code).where(_place.code == code, granted)).first() is not None


def check(conn: Connection, codes: Iterable[str]) -> None:
    """Raises ``OutOfReach`` where one of these places is not within reach. It does not say which:
    whoever asked of an order, by its id, is not to learn where that is.
    """
    if not all(inside(conn, code) for code in codes):
        raise OutOfReach("this lies outside the places that you were granted it for")


def everywhere(what: str) -> None:
    """Raises ``OutOfReach`` where ``what`` concerns more than the places that were granted."""
    if behalf.roots() is not None:
        raise OutOfReach(f"{what} is for those who were granted it everywhere")
