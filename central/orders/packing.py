"""Packing: what is picked goes into cartons, each with a number of its own (SSCC)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from central import schema
from central.database import cursors
from central.events import log as events
from central.orders import store
from central.orders.model import NotPickedYet, Order, OrderError, after
from central.orders.ordering import told_of
from central.reconcile.serials import of_unit
from central.stock.model import ConflictingRepeat
from gateway.gs1.keys import check_digit

__all__ = ["Carton", "Numbers", "Packed", "cartons_of", "find", "next_sscc", "pack", "sscc"]

_SERIAL = "sscc"
_encode = msgspec.json.Encoder().encode
_carton = schema.carton.c


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """Units of an order's line in a carton."""

    line: str
    quantity: int


_contents = msgspec.json.Decoder(tuple[Packed, ...]).decode


class Carton(msgspec.Struct, frozen=True, kw_only=True):
    """A carton and what is in it; ``shipment`` is the one that it left with."""

    sscc: str
    order_id: str
    contents: tuple[Packed, ...]
    shipment: str = ""


def sscc(company_prefix: str, extension: int, serial: int) -> str:
    """The number of a logistic unit (GS1 General Specifications, 2.2.1): an extension digit, the
    company's prefix, a serial number and a check digit, 18 in all. Pure.

    Raises ``OrderError`` when the prefix has no numbers left.
    """
    room = 16 - len(company_prefix)
    if serial >= 10**room:
        raise OrderError(
            f"all numbers of the company prefix {company_prefix} are given away: set another "
            "extension digit ([orders] sscc_extension)"
        )
    payload = f"{extension}{company_prefix}{serial:0{room}}"
    return payload + check_digit(payload)


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """Where a company's numbers come from: its GS1 prefix, and the digit before it."""

    company_prefix: str
    extension: int


def pack(  # noqa: PLR0917 (a command)
    conn: Connection,
    name: str,
    command: str,
    contents: Sequence[Packed],
    numbers: Numbers,
    at_us: int,
) -> tuple[Carton, bool]:
    """Put what is picked into a new carton; the same command again answers the first carton.

    Raises ``NotPickedYet``, ``NoSuchOrder``, ``WrongState``, ``OrderError``.
    """
    order = store.get(conn, name)
    query = select(schema.carton).where(_carton.command == command)
    row = conn.execute(query).mappings().one_or_none()
    if row is not None:
        before = _of(row)
        if (before.order_id, before.contents) != (name, tuple(contents)):
            raise ConflictingRepeat(f"{command} packed another carton: use a fresh id")
        return before, True
    order = _counted(conn, order, contents)
    carton = Carton(sscc=next_sscc(conn, numbers), order_id=name, contents=tuple(contents))
    conn.execute(
        insert(schema.carton).values(
            sscc=carton.sscc,
            command=command,
            order_id=name,
            contents=_encode(carton.contents).decode(),
            packed_us=at_us,
        )
    )
    events.record(conn, "CartonPacked", carton.sscc, _as_told(carton, order), at_us=at_us)
    if all(line.packed == line.picked for line in order.lines):
        order = store.change(conn, order, state=after(order.state, "pack"), at_us=at_us)
        events.record(conn, "OrderPacked", name, told_of(order), at_us=at_us)
    return carton, False


def _as_told(carton: Carton, order: Order) -> dict[str, object]:
    """A carton as events tell of it."""
    lines = {line.line: line for line in order.lines}
    return {
        "unit": of_unit(carton.sscc),
        "order": order.id,
        "reference": order.reference,
        "location": order.ship_from,
        "contents": [
            {"sku": lines[one.line].sku, "lot": lines[one.line].lot, "quantity": one.quantity}
            for one in carton.contents
        ],
    }


def cartons_of(conn: Connection, order: str) -> list[Carton]:
    """The cartons of an order, by number."""
    query = select(schema.carton).where(_carton.order_id == order).order_by(_carton.sscc)
    return [_of(row) for row in conn.execute(query).mappings()]


def find(conn: Connection, number: str) -> Carton | None:
    """The carton of this number, if there is one."""
    row = conn.execute(select(schema.carton).where(_carton.sscc == number)).mappings().one_or_none()
    return None if row is None else _of(row)


def _counted(conn: Connection, order: Order, contents: Sequence[Packed]) -> Order:
    lines = {line.line: line for line in order.lines}
    for one in contents:
        line = lines.get(one.line)
        if line is None:
            raise OrderError(f"order {order.id} has no line {one.line}")
        left = line.picked - line.packed
        if one.quantity > left:
            raise NotPickedYet(
                f"{left} of line {one.line} are picked and not packed, not {one.quantity}"
            )
        lines[one.line] = msgspec.structs.replace(line, packed=line.packed + one.quantity)
    return store.change_lines(conn, order, lines.values())


def next_sscc(conn: Connection, numbers: Numbers) -> str:
    """A number that no logistic unit has had yet. Raises ``OrderError`` where there is none."""
    if not numbers.company_prefix:
        raise OrderError(
            "cartons and pallets need numbers: set [orders] company_prefix in the settings"
        )
    place = cursors.place(conn, _SERIAL)
    serial = 0 if place is None else place.position
    cursors.move(conn, _SERIAL, serial + 1)
    return sscc(numbers.company_prefix, numbers.extension, serial)


def _of(row: RowMapping) -> Carton:
    return Carton(
        sscc=row["sscc"],
        order_id=row["order_id"],
        contents=_contents(row["contents"]),
        shipment=row["shipment"],
    )
