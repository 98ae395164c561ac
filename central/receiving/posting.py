"""What was ruled upon, as movements on the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.database.moments import from_us
from central.receiving.model import Order, Piece, Ruled, Ruling, Seen, Session
from central.reconcile.identity import derived_id
from central.stock import ledger
from central.stock.model import Movement, Status

__all__ = ["post"]

_DISPOSITIONS: dict[Status, str] = {
    "available": "in_progress",
    "damaged": "damaged",
    "quarantined": "non_sellable_other",
}


class _End(NamedTuple):
    """Units that come in to a place, or (not ``comes``) only change status there."""

    line: str
    units: int
    place: str
    status: Status
    comes: bool = True
    reason: str = ""


def post(
    conn: Connection,
    order: Order,
    session: Session,
    receipt: str,
    ruled: Sequence[Ruled],
    *,
    told: Told,
    event_us: int,
) -> list[str]:
    """Post what lines take and what is set aside, as of ``event_us`` (microseconds since 1970); the
    movements' ids. Raises ``StockError``.
    """
    ends = [(one.seen, end) for one in ruled for end in _ends(order, session, one.seen, one.ruling)]
    moved: set[str] = set()
    movements = []
    for number, (seen, end) in enumerate(ends, 1):
        pieces = _moving(seen, end, moved)
        moved.update(one.shared for one in pieces)
        movements.append(
            Movement(
                id=derived_id("receipt", receipt, number),
                sku=seen.sku,
                lot=seen.lot,
                quantity=end.units,
                source=order.source if end.comes else end.place,
                destination=end.place,
                destination_status=end.status,
                biz_step="receiving" if end.comes else "inspecting",
                disposition="returned" if order.is_return else _DISPOSITIONS[end.status],
                event_time=from_us(event_us),
                epcs=tuple(one.name for one in pieces if one.name and end.comes),
                serials=tuple(one.serial for one in pieces if one.serial),
                evidence=_evidence(order, receipt, end.line, seen),
                reason=end.reason,
                reference=order.reference,
                actor=told.by,
            )
        )
    ledger.post(conn, movements, record_us=told.at_us)
    return [one.id for one in movements]


def _moving(seen: Seen, end: _End, moved: set[str]) -> list[Piece]:
    """The pieces that go along: each once, with the first of its units; those that are tracked by
    serial numbers unit by unit.
    """
    left = [one for one in seen.pieces if one.here != end.comes and one.shared not in moved]
    return left[: end.units] if seen.serials else left


def _ends(order: Order, session: Session, seen: Seen, ruling: Ruling) -> Iterator[_End]:
    """Where units go: those that a line takes to the session's place, the others aside. What a
    sensor has told of already only changes its status there, where it is damaged; what came back
    has its inspection for that.
    """
    damaged = seen.condition == "damaged"
    status: Status = "damaged" if damaged else order.taken_as
    for take in ruling.takes:
        if take.posted:
            yield _End(take.line, take.posted, session.location, status)
        if take.confirmed and damaged and not order.is_return:
            yield _End(take.line, take.confirmed, session.location, status, comes=False)
    if ruling.aside and session.aside is not None:
        why = f"set aside: {ruling.verdict}"
        status = "damaged" if damaged else "quarantined"
        yield _End("", ruling.aside, session.aside, status, reason=why)


def _evidence(order: Order, receipt: str, line: str, seen: Seen) -> dict[str, object]:
    price = order.line(line).price_micros if line else None
    told = {
        "order": order.id,
        "line": line,
        "receipt": receipt,
        "expiry": seen.expiry,
        "unit_cost_micros": price,
        "currency": order.currency if price is not None else None,
    }
    return {key: value for key, value in told.items() if value not in (None, "")}
