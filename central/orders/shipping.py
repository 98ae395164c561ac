"""Shipping: what is picked leaves, and what sensors saw leave already counts as shipped.

One physical event is one movement: what a portal or a scanner told of is on the ledger before
anybody says that the order is shipped, and is not posted again.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from central import schema
from central.catalogue.items import get_item
from central.documents import books
from central.events import log as events
from central.orders import store
from central.orders.claiming import claim_id
from central.orders.model import Line, NotPickedYet, Order, OrderError, WrongState, shipped_state
from central.orders.ordering import told_of
from central.reconcile.identity import derived_id
from central.reservations import ending
from central.reservations import store as reservations
from central.reservations.holdings import parts_of
from central.reservations.model import Part
from central.stock import ledger, serials
from central.stock.model import Movement

__all__ = ["Shipment", "Shipping", "completed", "get", "see", "ship", "shipments_of"]

_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Decoder(dict[str, int]).decode
_shipment = schema.shipment.c


class Shipping(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says leaves: all that is picked of an order. ``serials`` name the pieces of
    lines whose items are tracked by them, where these are not those that were brought for it.
    """

    id: str
    order: str
    event_time: datetime
    carrier: str = ""
    service: str = ""
    serials: dict[str, tuple[str, ...]] = {}
    by: str = ""


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """What left together: units by line. ``state`` is ``made``, ``handed-over`` (its
    carrier knows), ``in-transit``, ``failed`` or ``delivered``.
    """

    id: str
    order_id: str
    carrier: str
    service: str
    state: str
    lines: dict[str, int]
    tracking: str = ""
    shipped_us: int = 0
    changed_us: int = 0


def ship(conn: Connection, said: Shipping, *, at_us: int) -> tuple[Shipment, bool]:
    """Post what is picked and still there as leaving; the shipment, and whether it was known.

    Raises ``NoSuchOrder``, ``NotPickedYet``, ``WrongState``, ``OrderError``, what posting raises.
    """
    known = (
        conn.execute(select(schema.shipment).where(_shipment.id == said.id))
        .mappings()
        .one_or_none()
    )
    order = store.get(conn, said.order)
    if known is not None:
        if known["order_id"] != order.id:
            raise OrderError(f"shipment {said.id} is of order {known['order_id']}: use another id")
        return _of(known), True
    if order.state in {"new", "allocated", "cancelled"}:
        raise WrongState(f"the order is {order.state}: to ship it, let it go on a wave first")
    order = see(conn, order.id, at_us=at_us)
    movements = _leaving(conn, order, said)
    gone = Counter[str]()
    for line, one in movements:
        gone[line] += one.quantity
    unsaid = _unsaid(conn, order)
    if not movements and not +unsaid:
        raise NotPickedYet(f"nothing of order {order.id} is picked and still to be shipped")
    ledger.post(conn, [one for _, one in movements], record_us=at_us)
    for line, one in movements:
        ending.fulfil(
            conn, claim_id(order.id, line), one.quantity, prefer=one.source, lot=one.lot,
            at_us=at_us,
        )  # fmt: skip
    _left(conn, order, gone, at_us)
    return _keep(conn, said, +(gone + unsaid), at_us), False


def see(conn: Connection, name: str, *, at_us: int) -> Order:
    """Tick off what portals and scanners told of an order's goods since it was last looked at."""
    order = store.find(conn, [name])[name]
    document = books.get_document(conn, name).document
    seen = {
        str(one["line"]): _int(one["read_qty"]) + _int(one["inferred_qty"])
        for one in books.progress(document, books.notes_of(conn, name))
    }
    fresh: Counter[str] = Counter()
    changed = []
    for line in order.lines:
        units = min(seen.get(line.line, 0), line.quantity) - line.seen
        units = min(units, line.quantity - line.shipped)
        if units > 0:
            fresh[line.line] = units
            changed.append(msgspec.structs.replace(line, seen=line.seen + units))
    order = store.change_lines(conn, order, changed)
    held = {one.line: one for one in reservations.of_order(conn, name)}
    for line_name, units in fresh.items():
        if line_name in held and held[line_name].status == "open":
            ending.fulfil(conn, held[line_name].id, units, prefer=order.ship_from, at_us=at_us)
    return _left(conn, order, fresh, at_us) if fresh else order


def completed(conn: Connection, order: Order, at_us: int) -> Order:
    """An order of which all that is still asked for has left."""
    return _left(conn, order, Counter(), at_us)


def get(conn: Connection, name: str) -> Shipment | None:
    """The shipment of this id, or ``None``."""
    query = select(schema.shipment).where(_shipment.id == name)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _of(row)


def shipments_of(conn: Connection, order: str) -> list[Shipment]:
    """An order's shipments, oldest first."""
    query = select(schema.shipment).where(_shipment.order_id == order)
    rows = conn.execute(query.order_by(_shipment.shipped_us, _shipment.id)).mappings()
    return [_of(row) for row in rows]


def _leaving(conn: Connection, order: Order, said: Shipping) -> list[tuple[str, Movement]]:
    """What each line holds at the place that it ships from."""
    found = []
    holds = parts_of(conn, (claim_id(order.id, line.line) for line in order.lines))
    for line in order.lines:
        left = line.picked - line.shipped
        for part in holds.get(claim_id(order.id, line.line), []):
            units = min(left, part.units)
            if part.location != order.ship_from or units <= 0:
                continue
            left -= units
            movement = Movement(
                id=derived_id("shipped", said.id, line.line, part.lot),
                sku=line.sku,
                lot=part.lot,
                quantity=units,
                source=order.ship_from,
                destination="customer",
                biz_step="shipping",
                disposition="in_transit",
                event_time=said.event_time,
                serials=_pieces(conn, order, line, part, units, said),
                reference=order.id,
                actor=said.by,
            )
            found.append((line.line, movement))
    return found


def _pieces(  # noqa: PLR0917 (all that it depends on)
    conn: Connection, order: Order, line: Line, part: Part, units: int, said: Shipping
) -> tuple[str, ...]:
    """The pieces that leave, of an item that is tracked by serial numbers: those that somebody
    names, or that were brought for the order. Raises ``OrderError`` where these are not as many.
    """
    if get_item(conn, line.sku).tracking != "serial":
        return ()
    named = said.serials.get(line.line, ())
    if not named:
        named = serials.brought(conn, line.sku, part.lot, order.ship_from, order.id)
    else:
        there = serials.pieces_at(conn, line.sku, part.lot, order.ship_from)
        named = tuple(one for one in named if one in there)
    if len(named) != units:
        raise OrderError(
            f"{units} of {line.sku} leave for line {line.line}, and {len(named)} pieces are named: "
            "say in `serials` which ones"
        )
    return named


def _unsaid(conn: Connection, order: Order) -> Counter[str]:
    """Units that left and are on no shipment yet: portals saw them."""
    left = Counter({line.line: line.shipped for line in order.lines})
    for one in shipments_of(conn, order.id):
        left.subtract(one.lines)
    return +left


def _left(conn: Connection, order: Order, gone: Counter[str], at_us: int) -> Order:
    """Units of lines have left: count them, and say it when all have."""
    order = store.change_lines(conn, order, [_gone(line, gone[line.line]) for line in order.lines])
    store.note_left(conn, order.id, gone, at_us=at_us)
    state = shipped_state(order.state, order.lines)
    if state == order.state:
        return order
    order = store.change(conn, order, state=state, at_us=at_us)
    if state == "shipped":
        books.close_document(conn, order.id, at_us=at_us)
    kind = "OrderShipped" if state == "shipped" else "OrderPartlyShipped"
    events.record(conn, kind, order.id, told_of(order), at_us=at_us)
    return order


def _gone(line: Line, units: int) -> Line:
    """What left without having been picked counts as picked."""
    shipped = line.shipped + units
    return msgspec.structs.replace(line, shipped=shipped, picked=max(line.picked, shipped))


def _keep(conn: Connection, said: Shipping, lines: Counter[str], at_us: int) -> Shipment:
    made = Shipment(
        id=said.id,
        order_id=said.order,
        carrier=said.carrier,
        service=said.service,
        state="made",
        lines=dict(lines),
        shipped_us=at_us,
        changed_us=at_us,
    )
    row = msgspec.structs.asdict(made) | {"lines": _encode(made.lines).decode()}
    conn.execute(insert(schema.shipment).values(row))
    cartons = schema.carton.c
    mine = (cartons.order_id == said.order) & (cartons.shipment == "")
    conn.execute(update(schema.carton).where(mine).values(shipment=said.id))
    return made


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _of(row: RowMapping) -> Shipment:
    values = dict(row)
    return Shipment(**values | {"lines": _lines(values["lines"])})
