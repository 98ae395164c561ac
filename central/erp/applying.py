"""What came, applied to the books: orders made, changed and cancelled.

Each order of a message stands for itself: what is right of it is done, and the message waits for
somebody with what is not. Tried again, what was done changes nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from central import schema
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError
from central.erp.config import ErpConnection, Orders
from central.erp.fields import Fault, Wrong
from central.erp.mapping import Mapped, MappedOrder, map_message
from central.erp.messages import Message, Outcome
from central.erp.planning import Plan, order_id, plan
from central.receiving import changing, orders
from central.stock.model import StockError

__all__ = ["Reading", "apply", "came_by", "outcome", "read", "trial"]

_order = schema.erp_order.c
_encode = msgspec.json.Encoder().encode


class Reading(NamedTuple):
    """A message as it is read by its connection's mapping; ``faults`` where it cannot be at all."""

    mapping: Orders | None
    found: list[Mapped]
    faults: tuple[Fault, ...] = ()


def read(connection: ErpConnection | None, name: str, raw: bytes) -> Reading:
    """Read a message of a connection, without the books."""
    if connection is None or connection.purchase_orders is None:
        what = f"the settings have no connection {name} that takes orders"
        return Reading(None, [], (Fault(kind="unknown-connection", place="", what=what),))
    try:
        return Reading(connection.purchase_orders, map_message(raw, connection))
    except Wrong as wrong:
        return Reading(None, [], (wrong.at(""),))


def trial(conn: Connection, name: str, reading: Reading) -> Outcome:
    """What would come of a message; nothing is written."""
    mapping = reading.mapping
    plans = [
        _refused(one) if one.order is None or mapping is None
        else plan(conn, name, mapping, one.order)
        for one in reading.found
    ]  # fmt: skip
    return outcome(reading, plans)


def apply(
    conn: Connection, message: Message, reading: Reading, told: Told, places: slice
) -> list[Plan]:
    """Do what these orders of a message say, as far as they are right."""
    mapping = reading.mapping
    if mapping is None:
        return []
    return [_applied(conn, message, mapping, one, told) for one in reading.found[places]]


def outcome(reading: Reading, plans: list[Plan]) -> Outcome:
    """What became of a message all of whose orders were seen to."""
    if reading.mapping is None:
        return Outcome(state="dead", faults=reading.faults)
    return _outcome(reading.found, plans)


def came_by(conn: Connection, connection: str, order: str) -> bool:
    """Whether an order came by this connection."""
    return _standing(conn, connection, order) is not None


def _applied(conn: Connection, message: Message, mapping: Orders, one: Mapped, told: Told) -> Plan:
    name, wanted = message.connection, one.order
    if wanted is None:
        return _refused(one)
    called = order_id(name, wanted)
    if _is_overtaken(conn, message, called, wanted):
        return Plan(id=called, reference=wanted.reference, verdict="overtaken")
    planned = plan(conn, name, mapping, wanted)
    if planned.faults:
        return planned
    inner = conn.begin_nested()
    try:
        _carry_out(conn, planned, told)
        _stand(conn, message, planned.id, wanted.version)
        inner.commit()
    except (StockError, CatalogueError) as error:
        inner.rollback()
        fault = Fault(kind="not-changeable", place=wanted.place, what=str(error))
        return Plan(id=called, reference=wanted.reference, verdict="refused", faults=(fault,))
    return planned


def _carry_out(conn: Connection, planned: Plan, told: Told) -> None:
    if planned.verdict == "cancelled":
        orders.cancel(conn, planned.id, told)
    elif planned.verdict == "created":
        assert planned.order is not None
        orders.add_order(conn, planned.order, told)
    elif planned.verdict == "changed":
        assert planned.order is not None
        changing.change_order(conn, planned.order, told)


def _refused(one: Mapped) -> Plan:
    return Plan(id="", reference=one.reference, verdict="refused", faults=one.faults)


def _outcome(found: list[Mapped], plans: list[Plan]) -> Outcome:
    shown: list[dict[str, Any]] = [
        {"id": done.id, "reference": done.reference, "verdict": done.verdict, "says": one.order}
        for one, done in zip(found, plans, strict=True)
    ]
    faults = tuple(fault for one in plans for fault in one.faults)
    return Outcome(
        state="dead" if faults else "applied",
        mapped=_encode(shown).decode(),
        subject=", ".join(dict.fromkeys(one.reference for one in plans if one.reference))[:200],
        faults=faults,
    )


def _is_overtaken(conn: Connection, message: Message, order: str, wanted: MappedOrder) -> bool:
    """Whether a newer version of it was applied already: by its version where both have one, or by
    which message came first.
    """
    there = _standing(conn, message.connection, order)
    if there is None:
        return False
    version, last = there
    if wanted.version is not None and version is not None and wanted.version != version:
        return wanted.version < version
    return message.no < last


def _standing(conn: Connection, connection: str, order: str) -> tuple[int | None, int] | None:
    mine = (_order.connection == connection) & (_order.order_id == order)
    row = conn.execute(select(_order.version, _order.message).where(mine)).one_or_none()
    return None if row is None else (row.version, row.message)


def _stand(conn: Connection, message: Message, order: str, version: int | None) -> None:
    made = sqlite if conn.dialect.name == "sqlite" else postgresql
    now = {"version": version, "message": message.no}
    row = made.insert(schema.erp_order).values(connection=message.connection, order_id=order, **now)
    conn.execute(row.on_conflict_do_update(index_elements=["connection", "order_id"], set_=now))
