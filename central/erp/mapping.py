"""From a message to the orders that it tells of, by the settings of its connection. Pure.

Nothing is looked up in the books here: what a unit is, and whether an item is known, comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel

from central.database.moments import to_us
from central.erp.config import ErpConnection, Orders
from central.erp.fields import (
    Fault,
    FieldSpec,
    Wrong,
    found_at,
    is_true,
    moment,
    quantity,
    text,
    value_of,
)
from central.erp.formats import ROW, document_of

__all__ = ["Mapped", "MappedLine", "MappedOrder", "map_message", "message_id"]

T = TypeVar("T")
_MOST_ORDERS = 10_000
_MOST_VERSION = 2**62


class MappedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a line says, in the sender's units. ``place`` is where it stands in the message."""

    place: str
    quantity: Decimal
    line: str | None = None
    sku: str | None = None
    gtin: str | None = None
    unit: str | None = None
    lot: str = ""
    unit_price: Decimal | None = None
    price_per: Decimal | None = None


class MappedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What an order says. ``version`` grows from one to the next, where the sender tells it."""

    place: str
    reference: str
    supplier: str = ""
    location: str = ""
    id: str | None = None
    version: int | None = None
    cancelled: bool = False
    currency: str = ""
    expected_date: datetime | None = None
    over_percent: int = 0
    lines: tuple[MappedLine, ...] = ()


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a message, or (``None``) what is wrong with it."""

    reference: str
    order: MappedOrder | None
    faults: tuple[Fault, ...] = ()


def message_id(document: object, reading: Orders) -> str | None:
    """The message's own id, where the settings say where and it is there. Raises ``Wrong``."""
    if reading.message_id is None:
        return None
    found = found_at(reading.message_id, document)
    return None if found in (None, "") else text(found)


def map_message(raw: bytes, connection: ErpConnection) -> list[Mapped]:
    """The orders of a message, each by itself. Raises ``Wrong`` where it cannot be read at all, or
    has none.
    """
    reading = connection.purchase_orders
    assert reading is not None, "asked only of connections that take orders"
    document = document_of(raw, reading)
    found = found_at(reading.orders, document)
    several = isinstance(found, list)
    orders: list[Any] = found if isinstance(found, list) else [] if found is None else [found]
    if not orders or len(orders) > _MOST_ORDERS:
        wanted = f"1 to {_MOST_ORDERS} orders"
        raise Wrong("no-orders", f"there are {len(orders)} orders at {reading.orders}", wanted)
    return [
        _Reader(
            connection, reading, f"{_root(reading.orders)}{f'[{no}]' if several else ''}"
        ).order(one)
        for no, one in enumerate(orders)
    ]


def _root(path: str) -> str:
    return "" if path == "@" else path


class _Reader:
    """Reads one order, and remembers all that is wrong with it."""

    def __init__(self, connection: ErpConnection, reading: Orders, place: str) -> None:
        self._connection = connection
        self._reading = reading
        self._place = place
        self._faults: list[Fault] = []

    def order(self, found: object) -> Mapped:
        """The order."""
        of = self._reading.order
        reference = self._take(of, "reference", found, self._place, _as_text, needed=True) or ""
        cancelled = bool(self._take(of, "cancelled", found, self._place, _as_truth))
        version = self._take(of, "version", found, self._place, self._version)
        named = {
            name: self._take(of, name, found, self._place, _as_text, needed=not cancelled)
            for name in ("supplier", "location")
        }
        expected = self._take(of, "expected_date", found, self._place, self._moment)
        over = self._take(of, "over_percent", found, self._place, self._number)
        lines = () if cancelled else tuple(self._lines(found))
        order = MappedOrder(
            place=self._place,
            reference=reference,
            id=self._take(of, "id", found, self._place, _as_text),
            version=version,
            cancelled=cancelled,
            currency=self._take(of, "currency", found, self._place, _as_text) or "",
            expected_date=expected,
            over_percent=int(over or 0),
            lines=lines,
            **{name: said or "" for name, said in named.items()},
        )
        faults = tuple(self._faults)
        return Mapped(reference=reference, order=None if faults else order, faults=faults)

    def _lines(self, order: object) -> Iterator[MappedLine]:
        path = self._reading.lines
        try:
            found = found_at(path, order)
        except Wrong as wrong:
            self._faults.append(wrong.at(self._place))
            return
        lines: list[Any] = found if isinstance(found, list) else [] if found is None else [found]
        if not lines:
            self._faults.append(
                Fault(
                    kind="no-lines", place=_below(self._place, path), what="the order has no lines"
                )
            )
        for no, one in enumerate(lines):
            row = f" (row {one[ROW]})" if isinstance(one, dict) and ROW in one else ""
            made = self._line(one, f"{_below(self._place, path)}[{no}]", row)
            if made is not None:
                yield made

    def _line(self, found: object, place: str, row: str) -> MappedLine | None:
        of = self._reading.line
        said: dict[str, Any] = {"quantity": self._take(of, "quantity", found, place, self._number,
                                                       needed=True, row=row)}  # fmt: skip
        for name in ("line", "sku", "gtin", "unit", "lot"):
            said[name] = self._take(of, name, found, place, _as_text, row=row)
        for name in ("unit_price", "price_per"):
            said[name] = self._take(of, name, found, place, self._number, row=row)
        if not said["sku"] and not said["gtin"]:
            where = " or ".join(
                _below(place, one.where) for one in (of.sku, of.gtin) if one is not None
            )
            self._faults.append(
                Fault(kind="lacking", place=where + row, what="the line names no item")
            )
        if said["quantity"] is None:
            return None
        return MappedLine(place=place, **said | {"lot": said["lot"] or ""})

    def _take(
        self,
        of: BaseModel,
        name: str,
        found: object,
        place: str,
        read: Callable[[object, str | None], T],
        *,
        needed: bool = False,
        row: str = "",
    ) -> T | None:
        """One field; ``None`` where it is not mapped, or there is nothing, or that is wrong."""
        field: FieldSpec | None = getattr(of, name)
        if field is None:
            return None
        where = _below(place, field.where) + row
        try:
            said = value_of(field, found, self._connection.tables)
            if said not in (None, ""):
                return read(said, field.date)
        except Wrong as wrong:
            self._faults.append(wrong.at(where))
            return None
        if needed:
            self._faults.append(Fault(kind="lacking", place=where, what=f"the {name} is not there"))
        return None

    def _number(self, said: object, _date: str | None) -> Decimal:
        return quantity(said, self._reading.decimal)

    def _moment(self, said: object, date: str | None) -> datetime:
        return moment(said, date, self._connection.tz)

    def _version(self, said: object, date: str | None) -> int:
        """A number, or (with a format of dates) a moment in microseconds since 1970."""
        if date is not None:
            return to_us(self._moment(said, date))
        made = quantity(said, self._reading.decimal)
        if made != int(made) or abs(made) >= _MOST_VERSION:
            accepted = "a whole number, or a date with its format"
            raise Wrong("not-a-number", f"{text(said)!r} is no version", accepted)
        return int(made)


def _as_text(said: object, _date: str | None) -> str:
    return text(said)


def _as_truth(said: object, _date: str | None) -> bool:
    return is_true(said)


def _below(place: str, path: str) -> str:
    return f"{place}.{path}" if place else path
