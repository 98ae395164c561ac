"""What would come of an order that another program sent: looked up in the books, nothing changed.

Its units become the item's smallest ones, everything that is wrong is found at once.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

import msgspec
from pydantic import ValidationError
from sqlalchemy import Connection

from central.api.receiving.bodies import InboundOrderBody
from central.catalogue import packs
from central.catalogue.errors import CatalogueError, NotFound
from central.catalogue.items import get_item
from central.catalogue.tree import get_location
from central.erp.config import Orders
from central.erp.fields import Fault, Wrong
from central.erp.mapping import MappedLine, MappedOrder
from central.receiving import orders
from central.receiving.changing import misfits
from central.receiving.model import InboundError, Order
from central.reconcile.identity import derived_id
from central.reconcile.verdict import Pack

__all__ = ["Plan", "Verdict", "order_id", "plan"]

Verdict = Literal["created", "changed", "unchanged", "cancelled", "overtaken", "refused"]
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_MICRO = Decimal("0.000001")
_MOST_UNITS = 2**31


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done for an order: ``order`` is what is wanted of the books, ``verdict`` what
    that comes to, ``faults`` why it is refused.
    """

    id: str
    reference: str
    verdict: Verdict
    order: Order | None = None
    faults: tuple[Fault, ...] = ()


def order_id(connection: str, wanted: MappedOrder) -> str:
    """What an order is called here: as it says, or by the connection and its reference."""
    if wanted.id is not None:
        return wanted.id
    plain = f"{connection}-{wanted.reference}"
    return plain if _PLAIN.fullmatch(plain) else derived_id("erp", connection, wanted.reference)


def plan(conn: Connection, connection: str, reading: Orders, wanted: MappedOrder) -> Plan:
    """What would come of it. Reads only."""
    name = order_id(connection, wanted)
    there = orders.find_order(conn, name)
    if there is not None and there.is_return:
        fault = Fault(kind="not-valid", place=wanted.place, what=f"{name} is a return here")
        return Plan(id=name, reference=wanted.reference, verdict="refused", faults=(fault,))
    if wanted.cancelled:
        return _cancelling(conn, name, there, reading, wanted)
    faults: list[Fault] = []
    order = _order(conn, name, reading, wanted, faults)
    verdict: Verdict = "created"
    if order is not None and there is not None:
        try:
            changes = orders.content(there) != orders.content(order)
            verdict = "changed" if changes else "unchanged"
            wrong = misfits(conn, there, order) if changes or there.status == "cancelled" else []
        except CatalogueError as error:
            wrong = [str(error)]
        faults += [Fault(kind="not-changeable", place=wanted.place, what=one) for one in wrong]
    if faults or order is None:
        return Plan(id=name, reference=wanted.reference, verdict="refused", faults=tuple(faults))
    return Plan(id=name, reference=wanted.reference, verdict=verdict, order=order)


def _cancelling(
    conn: Connection, name: str, there: Order | None, reading: Orders, wanted: MappedOrder
) -> Plan:
    place = _place(wanted.place, reading.order, "reference")
    fault = Fault(kind="unknown-order", place=place, what=f"there is no order {name} to cancel")
    if there is not None:
        try:
            orders.check_cancel(conn, there)
            return Plan(id=name, reference=wanted.reference, verdict="cancelled")
        except InboundError as error:
            fault = Fault(kind="not-changeable", place=place, what=str(error))
    return Plan(id=name, reference=wanted.reference, verdict="refused", faults=(fault,))


def _order(
    conn: Connection, name: str, reading: Orders, wanted: MappedOrder, faults: list[Fault]
) -> Order | None:
    """The order in our units; ``None`` where something is wrong with it."""
    lines = [_line(conn, reading, one, faults) for one in wanted.lines]
    try:
        get_location(conn, wanted.location)
    except NotFound as error:
        place = _place(wanted.place, reading.order, "location")
        faults.append(Fault(kind="unknown-location", place=place, what=str(error)))
    if faults:
        return None
    said: dict[str, Any] = {
        "id": name,
        "supplier": wanted.supplier,
        "reference": wanted.reference,
        "location": wanted.location,
        "currency": wanted.currency,
        "expected_date": wanted.expected_date,
        "over_percent": wanted.over_percent,
        "lines": lines,
    }
    try:
        return InboundOrderBody.model_validate(said).order(None)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            faults.append(_of_body(one["loc"], one["msg"], reading, wanted))  # noqa: PERF401
    return None


def _line(
    conn: Connection, reading: Orders, line: MappedLine, faults: list[Fault]
) -> dict[str, object] | None:
    """A line in the item's smallest units."""
    field = "gtin" if line.gtin else "sku"
    try:
        pack = packs.known_pack(conn, line.gtin) if line.gtin else None
        sku = _item(conn, line, pack)
        field = "unit"
        units = _units(conn, sku, line.unit, pack)
        field = "quantity"
        made: dict[str, object] = {
            "line": line.line, "sku": sku, "quantity": _quantity(line, units), "lot": line.lot,
        }  # fmt: skip
        if line.unit_price is not None:
            field = "unit_price"
            made["unit_price"] = _price(line, units)
    except CatalogueError as error:
        kind = "unknown-item"
        faults.append(
            Fault(kind=kind, place=_place(line.place, reading.line, field), what=str(error))
        )
        return None
    except Wrong as wrong:
        faults.append(wrong.at(_place(line.place, reading.line, field)))
        return None
    return made


def _item(conn: Connection, line: MappedLine, pack: Pack | None) -> str:
    """The line's SKU. Raises ``Wrong``, ``NotFound``."""
    if pack is not None and line.sku not in {None, pack.sku}:
        raise Wrong("unknown-item", f"GTIN {line.gtin} stands for {pack.sku}, not {line.sku}")
    return get_item(conn, line.sku or (pack.sku if pack else "")).sku


def _quantity(line: MappedLine, units: int) -> int:
    """In the item's units. Raises ``Wrong``."""
    quantity = line.quantity * units
    if quantity != int(quantity) or not 1 <= quantity <= _MOST_UNITS:
        raise Wrong(
            "wrong-quantity",
            f"{line.quantity:f} times {units} is no number of units",
            "a whole number, at least 1",
        )
    return int(quantity)


def _units(conn: Connection, sku: str, unit: str | None, pack: Pack | None) -> int:
    """How many of the item's units one of the sender's is. Raises ``Wrong``."""
    if unit is None:
        return pack.quantity if pack else 1
    if unit == "each":
        return 1
    if unit.isdigit() and 0 < int(unit) <= _MOST_UNITS:
        return int(unit)
    if unit != "pack":
        raise Wrong(
            "unknown-unit", f"the unit {unit!r} is not known: give the field a table of units",
            "each, pack, or a number of units",
        )  # fmt: skip
    if pack is not None:
        return pack.quantity
    known = sorted({one.quantity for one in packs.list_packs(conn, sku) if one.quantity > 1})
    if len(known) != 1:
        told = f"packs of {', '.join(map(str, known))}" if known else "no pack of more than one"
        raise Wrong("unknown-unit", f"{sku} has {told} in the catalogue: one is needed to know how "
                    "much a pack is", "a line with the pack's GTIN")  # fmt: skip
    return known[0]


def _price(line: MappedLine, units: int) -> Decimal:
    """Of one unit, to a millionth. Raises ``Wrong``."""
    assert line.unit_price is not None
    per = Decimal(1) if line.price_per is None else line.price_per
    if per <= 0:
        raise Wrong("not-a-number", f"a price is for more than {per:f}")
    return (line.unit_price / per / units).quantize(_MICRO)


def _of_body(loc: tuple[int | str, ...], what: str, reading: Orders, wanted: MappedOrder) -> Fault:
    """A mistake that our own rules for orders found, at the place in the message."""
    if len(loc) == 3 and loc[0] == "lines" and isinstance(loc[1], int):
        place = _place(wanted.lines[loc[1]].place, reading.line, str(loc[2]))
    elif loc and loc[0] != "lines":
        place = _place(wanted.place, reading.order, str(loc[0]))
    else:
        place = wanted.place
    return Fault(kind="not-valid", place=place, what=what)


def _place(place: str, of: object, name: str) -> str:
    field = getattr(of, name, None)
    if field is None:
        return place
    return f"{place}.{field.where}" if place else field.where
