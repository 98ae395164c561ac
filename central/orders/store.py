"""Outbound orders as they are kept: found, listed, written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, delete, select, text, update

from central import schema
from central.access import reach
from central.database import keyset
from central.database.bulk import BulkInsert, BulkLookup
from central.natural import natural
from central.orders.model import OPEN, Line, NoSuchOrder, Order
from central.orders.revising import Revised

__all__ = [
    "add_lines", "change", "change_lines", "find", "get", "insert", "note_left", "overdue", "page",
    "revise",
]  # fmt: skip

_LINE = Line.__struct_fields__
_OWN = tuple(name for name in Order.__struct_fields__ if name != "lines")
_ASKED = (
    "customer", "ship_to", "ship_from", "priority", "due_us", "partial", "reference",
    "substitution",
)  # fmt: skip
"""What of an order may be changed, beside its lines."""
_KINDS = {"priority": "int", "partial": "bool"} | dict.fromkeys(
    ("due_us", "created_us", "changed_us"), "bigint"
)
_INSERT = BulkInsert("outbound_order", [(name, _KINDS.get(name, "text")) for name in _OWN])
_INSERT_LINE = BulkInsert(
    "outbound_line",
    (("order_id", "text"), ("line", "text"), ("sku", "text"), ("lot", "text"),
     ("quantity", "bigint"), ("substitution", "text"), ("substituted", "bigint"),
     ("substituted_for", "text")),
)  # fmt: skip
_FOUND = BulkLookup(
    f"SELECT {', '.join('o.' + name for name in _OWN)} "  # noqa: S608 (our own words)
    "FROM {keys} JOIN outbound_order o ON o.id = k.id",
    (("id", "text"),),
)
_LINES = BulkLookup(
    f"SELECT l.order_id, {', '.join('l.' + name for name in _LINE)} "  # noqa: S608 (as above)
    "FROM {keys} JOIN outbound_line l ON l.order_id = k.id",
    (("id", "text"),),
)
_CHANGE_LINE = text(
    "UPDATE outbound_line SET picked = :picked, packed = :packed, shipped = :shipped, "
    "seen = :seen, quantity = :quantity, substituted = :substituted, sku = :sku, lot = :lot, "
    "substitution = :substitution "
    "WHERE order_id = :order AND line = :line"
)
_order = schema.outbound_order.c
_line = schema.outbound_line.c
_encode = msgspec.json.Encoder(order="sorted").encode
_ship_to = msgspec.json.Decoder(dict[str, str]).decode


def find(conn: Connection, ids: Iterable[str]) -> dict[str, Order]:
    """The orders of these ids that there are, by id."""
    keys = [(one,) for one in dict.fromkeys(ids)]
    rows = _FOUND.run(conn, keys)
    return _whole(conn, [dict(zip(_OWN, row, strict=True)) for row in rows])


def get(conn: Connection, name: str) -> Order:
    """The order of this id. Raises ``NoSuchOrder``, ``OutOfReach``."""
    found = find(conn, [name]).get(name)
    if found is None:
        raise NoSuchOrder(f"there is no outbound order {name}")
    reach.check(conn, [found.warehouse])
    return found


def page(
    conn: Connection,
    *,
    states: Sequence[str] = (),
    customer: str | None = None,
    wave: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Order]:
    """Orders by id, those behind ``after``; in one of ``states``, or in any."""
    query = keyset.ascending(select(schema.outbound_order), (_order.id,), (after,), limit)
    if states:
        query = query.where(_order.state.in_(states))
    for column, value in ((_order.customer, customer), (_order.wave, wave)):
        if value is not None:
            query = query.where(column == value)
    within = reach.within(_order.warehouse)
    if within is not None:
        query = query.where(within)
    return list(_whole(conn, conn.execute(query).mappings().all()).values())


def overdue(conn: Connection, now_us: int) -> list[Order]:
    """Orders of which something is still to leave, past the time it was promised for."""
    query = select(schema.outbound_order).where(_order.state.in_(OPEN), _order.due_us <= now_us)
    rows = conn.execute(query.order_by(_order.due_us, _order.id)).mappings().all()
    return list(_whole(conn, rows).values())


def insert(conn: Connection, made: Sequence[Order]) -> None:
    """Keep new ones."""
    rows = []
    for one in made:
        own = {name: getattr(one, name) for name in _OWN}
        rows.append(tuple((own | {"ship_to": _encode(one.ship_to).decode()}).values()))
    _INSERT.run(conn, rows)
    _INSERT_LINE.run(conn, [_line_row(one.id, line) for one in made for line in one.lines])


def add_lines(conn: Connection, order: Order, lines: Sequence[Line]) -> Order:
    """Some more lines of an order."""
    _INSERT_LINE.run(conn, [_line_row(order.id, line) for line in lines])
    return msgspec.structs.replace(order, lines=(*order.lines, *lines))


def _line_row(order: str, line: Line) -> tuple[object, ...]:
    asked = (order, line.line, line.sku, line.lot, line.quantity)
    return (*asked, line.substitution, line.substituted, line.substituted_for)


def change(conn: Connection, order: Order, *, at_us: int, **changes: str) -> Order:
    """Another ``state`` or ``wave``."""
    values = {**changes, "changed_us": at_us}
    conn.execute(update(schema.outbound_order).where(_order.id == order.id).values(values))
    return msgspec.structs.replace(order, **values)


def change_lines(conn: Connection, order: Order, lines: Iterable[Line]) -> Order:
    """What became of some lines."""
    changed = {line.line: line for line in lines}
    if changed:
        conn.execute(
            _CHANGE_LINE,
            [{"order": order.id, **msgspec.structs.asdict(line)} for line in changed.values()],
        )
    return msgspec.structs.replace(
        order, lines=tuple(changed.get(line.line, line) for line in order.lines)
    )


def revise(conn: Connection, there: Order, wanted: Order, revised: Revised, *, at_us: int) -> Order:
    """What is asked for now: ``wanted``, with these lines."""
    values = {name: getattr(wanted, name) for name in _ASKED} | {"changed_us": at_us}
    row = values | {"ship_to": _encode(wanted.ship_to).decode()}
    conn.execute(update(schema.outbound_order).where(_order.id == there.id).values(row))
    gone = [line.line for line in revised.dropped]
    mine = (_line.order_id == there.id) & _line.line.in_(gone)
    conn.execute(delete(schema.outbound_line).where(mine))
    names = {line.line for line in there.lines}
    changed = msgspec.structs.replace(
        there, lines=tuple(line for line in revised.lines if line.line in names), **values
    )
    changed = change_lines(conn, changed, changed.lines)
    changed = add_lines(conn, changed, [one for one in revised.lines if one.line not in names])
    return get(conn, changed.id)


def note_left(conn: Connection, order: str, lines: Iterable[str], *, at_us: int) -> None:
    """When units of some lines last left."""
    for line in lines:
        mine = (_line.order_id == order) & (_line.line == line)
        conn.execute(update(schema.outbound_line).where(mine).values(left_us=at_us))


def _whole(
    conn: Connection, rows: Sequence[RowMapping] | Sequence[dict[str, Any]]
) -> dict[str, Order]:
    lines: dict[str, list[Line]] = {}
    for order, *values in _LINES.run(conn, [(row["id"],) for row in rows]):
        lines.setdefault(order, []).append(Line(**dict(zip(_LINE, values, strict=True))))
    return {row["id"]: _of(row, lines.get(row["id"], [])) for row in rows}


def _of(row: RowMapping | dict[str, Any], lines: Sequence[Line]) -> Order:
    values = {name: row[name] for name in _OWN}
    own = {"ship_to": _ship_to(row["ship_to"]), "partial": bool(row["partial"])}
    return Order(lines=tuple(sorted(lines, key=lambda one: natural(one.line))), **values | own)
