"""An order that leaves: how each line stands, what holds it up, and what happened so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.orders import packing, picking, shipping, store
from central.orders.claiming import claim_id
from central.orders.model import OPEN, Order
from central.orders.shipping import Shipment
from central.reservations import store as reservations
from central.reservations.holdings import parts_of
from central.returns import store as returns
from central.stock import queries
from central.web.views import open_orders
from central.web.views.stock import item_names, location_names

__all__ = ["Happened", "Line", "Supply", "facts", "moved"]

MOST_MOVES = 60
_pick, _moved = schema.pick.c, schema.movement.c
_DONE = {
    "shipped": "All of it has left.", "partly-delivered": "Part of it was delivered.",
    "delivered": "It was delivered.", "cancelled": "It was cancelled: nothing of it leaves.",
}  # fmt: skip


class Supply(NamedTuple):
    """An inbound order that brings what is missing."""

    order: str
    units: int
    due_us: int | None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it stands; ``parts`` say where its units are set aside, ``supply`` what is to come
    of an item that nobody has.
    """

    line: str
    sku: str
    name: str
    lot: str
    quantity: int
    reserved: int
    missing: int
    picked: int
    packed: int
    shipped: int
    seen: int
    substituted: int
    stands_in_for: str
    parts: tuple[tuple[str, str, int], ...]
    supply: tuple[Supply, ...]


class Happened(NamedTuple):
    """One thing of an order's history; ``href`` opens it."""

    at_us: int
    icon: str
    says: str
    more: str = ""
    href: str = ""


def facts(conn: Connection, name: str, *, now_us: int) -> dict[str, Any]:
    """Raises ``NoSuchOrder``, ``OutOfReach``."""
    order = store.get(conn, name)
    lines = _lines(conn, order, now_us)
    picks = _picks(conn, name)
    cartons = packing.cartons_of(conn, name)
    shipments = shipping.shipments_of(conn, name)
    codes = {code for one in lines for _, code, _ in one.parts} | {order.warehouse, order.ship_from}
    codes |= {one.location for one in picks}
    return {
        "order": order,
        "lines": lines,
        "picks": picks,
        "cartons": cartons,
        "shipments": shipments,
        "returns": returns.of_order(conn, name),
        "places_of": location_names(conn, codes),
        "holds": _holds(order, lines, picks),
        "late": order.state in OPEN and order.due_us is not None and order.due_us <= now_us,
        "history": _history(conn, order, lines, picks, shipments),
        "unpacked": {one.line: one.picked - one.packed for one in lines if one.picked > one.packed},
        "to_ship": sum(one.picked - one.shipped for one in lines),
    }


def moved(
    conn: Connection, reference: str, skus: Iterable[str], since_us: int
) -> Sequence[Happened]:
    """Movements that name an order (``reference``) since it was made, the newest first."""
    wanted = sorted(set(skus))
    query = select(
        _moved.id, _moved.sku, _moved.quantity, _moved.source, _moved.destination,
        _moved.event_us, _moved.origin,
    ).where(
        _moved.sku.in_(wanted), _moved.reference == reference,
        _moved.seq >= queries.first_seq_since(conn, since_us),
    )  # fmt: skip
    return [
        Happened(
            row.event_us, "next", f"{row.quantity} {row.sku}: {row.source} → {row.destination}",
            f"movement, told by {row.origin}", f"/screen/movements/{row.id}",
        )
        for row in conn.execute(query.order_by(_moved.seq.desc()).limit(MOST_MOVES))
    ]  # fmt: skip


def _lines(conn: Connection, order: Order, now_us: int) -> list[Line]:
    held = {one.line: one for one in reservations.of_order(conn, order.id)}
    parts = parts_of(conn, (claim_id(order.id, one.line) for one in order.lines))
    names = item_names(conn, {one.sku for one in order.lines})
    found = []
    for one in order.lines:
        mine = held.get(one.line)
        missing = mine.missing if mine is not None else 0
        supply = _supply(conn, one.sku, now_us) if missing else ()
        found.append(Line(
            line=one.line, sku=one.sku, name=names.get(one.sku, one.sku), lot=one.lot,
            quantity=one.quantity, reserved=mine.held if mine is not None else 0, missing=missing,
            picked=one.picked, packed=one.packed, shipped=one.shipped, seen=one.seen,
            substituted=one.substituted, stands_in_for=order.stands_in_for(one),
            parts=tuple((part.lot, part.location, part.units)
                        for part in parts.get(claim_id(order.id, one.line), ())),
            supply=tuple(supply),
        ))  # fmt: skip
    return found


def _supply(conn: Connection, sku: str, now_us: int) -> list[Supply]:
    found = open_orders.inbound(conn, now_us=now_us, sku=sku)
    return [Supply(one.id, one.open, one.due_us) for one in found[:3]]


def _picks(conn: Connection, order: str) -> list[picking.Pick]:
    query = select(schema.pick).where(_pick.order_id == order, _pick.state != "void")
    rows = conn.execute(query.order_by(_pick.location, _pick.id)).mappings()
    return [picking.Pick(**row) for row in rows]


def _holds(order: Order, lines: Sequence[Line], picks: Sequence[picking.Pick]) -> str:
    """What holds an order up, in one sentence."""
    if order.state in _DONE:
        return _DONE[order.state]
    open_picks = sum(one.state == "open" for one in picks)
    missing = [one for one in lines if one.missing]
    if missing:
        return _waits(order, missing)
    if order.state == "allocated":
        return "Everything is set aside. Let it go to be picked."
    if open_picks:
        many = "1 pick is" if open_picks == 1 else f"{open_picks} picks are"
        return f"It is on wave {order.wave}: {many} to be brought."
    if any(one.picked > one.shipped for one in lines):
        packed = all(one.packed >= one.picked for one in lines)
        return "It is packed, and can be shipped." if packed else (
            "Everything was brought. Pack it into cartons, or ship it as it is."
        )  # fmt: skip
    return "Nothing of it is picked yet."


def _waits(order: Order, missing: Sequence[Line]) -> str:
    first = missing[0]
    units = sum(one.missing for one in missing)
    what = f"{units} units of {first.sku}" if len(missing) == 1 else (
        f"{units} units of {len(missing)} items"
    )  # fmt: skip
    some = any(one.reserved for one in missing) or len(missing) < len(order.lines)
    rest = " What is there may leave before." if order.partial and some else ""
    if not first.supply:
        return f"It waits for {what}, and nothing of {first.sku} is on order.{rest}"
    return f"It waits for {what}. {first.supply[0].order} is to bring {first.sku}.{rest}"


def _history(
    conn: Connection,
    order: Order,
    lines: Sequence[Line],
    picks: Sequence[picking.Pick],
    shipments: Sequence[Shipment],
) -> list[Happened]:
    names: Mapping[str, str] = {one.sku: one.name for one in lines}
    found = [
        Happened(order.created_us, "plus", "Taken", f"by {order.actor}" if order.actor else "")
    ]
    found += [
        Happened(
            one.done_us, "check", f"{one.picked} of {one.quantity} {names.get(one.sku, one.sku)}",
            f"brought from {one.location} by {one.done_by}"
            + (f", {one.reason}" if one.reason else ""),
        )
        for one in picks if one.done_us is not None
    ]  # fmt: skip
    for one in shipments:
        by = " ".join(filter(None, (one.carrier, one.service))) or "no carrier named"
        found.append(Happened(one.shipped_us, "out", f"Shipment {one.id}", by))
        if one.state != "made":
            more = f"tracking {one.tracking}" if one.tracking else by
            found.append(Happened(one.changed_us, "clock", f"Shipment {one.id}: {one.state}", more))
    found += moved(conn, order.id, names, order.created_us)
    return sorted(found, key=lambda one: -one.at_us)
