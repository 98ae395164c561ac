"""Inspecting what came back: what is to become of it, as movements between statuses."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select

from central import schema
from central.catalogue.changes import Told
from central.catalogue.tree import get_location
from central.database.moments import from_us
from central.events import log as events
from central.reconcile.identity import derived_id
from central.returns import store
from central.returns.model import DISPOSITIONS, Inspection, Line, Return, ReturnError, WrongState
from central.stock import ledger, serials
from central.stock.model import AVAILABLE, ConflictingRepeat, LocationKind, Movement, Status

__all__ = ["inspect"]

_inspection = schema.return_inspection.c
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Inspection).decode
_WORDS = {
    "restock": "sellable_not_accessible",
    "quarantine": "non_sellable_other",
    "damaged": "damaged",
    "scrap": "destroyed",
}
"""Dispositions of the CBV."""


def inspect(conn: Connection, name: str, found: Inspection, told: Told) -> tuple[str, bool]:
    """Keep what somebody found, and move the goods as it says; the movement's id (empty where they
    stay as they are), and whether this was told before.

    Raises ``NoSuchReturn``, ``WrongState``, ``ReturnError`` for more than came and waits,
    ``ConflictingRepeat``, and what posting raises.
    """
    one = store.get(conn, name)
    query = select(schema.return_inspection).where(_inspection.id == found.id)
    before = conn.execute(query).mappings().one_or_none()
    if before is not None:
        if (before["return_id"], _decode(before["body"])) != (name, found):
            raise ConflictingRepeat(f"inspection {found.id} was told before with other content")
        return str(before["movement"]), True
    line = _checked(conn, one, found)
    movement = _movement(conn, one, line, found, told)
    if movement is not None:
        ledger.post(conn, [movement], record_us=told.at_us)
    moved = "" if movement is None else movement.id
    values = {
        "id": found.id, "return_id": name, "line": found.line, "quantity": found.quantity,
        "movement": moved, "body": _encode(found).decode(), "at_us": told.at_us, "by": told.by,
    }  # fmt: skip
    conn.execute(insert(schema.return_inspection).values(values))
    body = {
        "id": name, "customer": one.customer, "order": one.order_id, "location": found.location,
        "line": line.line, "sku": line.sku, "quantity": found.quantity,
        "disposition": found.disposition, "serials": found.serials, "note": found.note,
    }  # fmt: skip
    events.record(conn, "ReturnInspected", name, body, at_us=told.at_us)
    return moved, False


def _checked(conn: Connection, one: Return, found: Inspection) -> Line:
    """The line that it is of, where so many of it came and wait."""
    if one.status != "authorised":
        raise WrongState(f"return {one.id} is {one.status}: nothing of it is inspected")
    line = store.line_of(conn, one, found.line)
    if line is None:
        raise ReturnError(f"return {one.id} has no line {found.line}")
    came = store.received_of(conn, one).get(line.line, 0)
    left = came - store.inspected_of(conn, one.id).get(line.line, 0)
    if found.quantity > left:
        raise ReturnError(
            f"{came} of line {line.line} came back, of which {left} wait for their inspection, not "
            f"{found.quantity}"
        )
    foreign = sorted(set(found.serials) - set(line.serials)) if line.serials else []
    if foreign:
        raise ReturnError(f"{line.sku} {', '.join(foreign)} is none of the pieces of this return")
    return line


def _movement(
    conn: Connection, one: Return, line: Line, found: Inspection, told: Told
) -> Movement | None:
    get_location(conn, found.location)
    status: Status | None = DISPOSITIONS[found.disposition]
    to = LocationKind.SCRAP.value if status is None else found.to or found.location
    if (to, status) == (found.location, found.status):
        return None
    return Movement(
        id=derived_id("inspected", found.id),
        sku=line.sku,
        lot=found.lot or line.lot or _lot(conn, line, found),
        quantity=found.quantity,
        source=found.location,
        source_status=found.status,
        destination=to,
        destination_status=status or AVAILABLE,
        biz_step="inspecting",
        disposition=_WORDS[found.disposition],
        event_time=from_us(told.at_us),
        serials=found.serials,
        evidence={"return": one.id, "line": line.line},
        reason=found.note or line.reason,
        reference=one.reference or one.id,
        actor=told.by,
    )


def _lot(conn: Connection, line: Line, found: Inspection) -> str:
    """The lot of the first of its pieces."""
    piece = serials.piece(conn, line.sku, found.serials[0]) if found.serials else None
    return "" if piece is None else piece.lot
