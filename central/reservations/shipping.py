"""Goods that leave for a reservation: the movements and its end in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.reconcile.identity import derived_id
from central.reservations import store
from central.reservations.ending import fulfil
from central.reservations.holdings import parts_of
from central.reservations.model import NotAvailable, Reservation, ReservationSettled
from central.stock import ledger, queries
from central.stock.model import ConflictingRepeat, Movement

__all__ = ["Leaving", "ship"]


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units (``None``: all that it holds) of a reservation go to ``destination``.
    ``id`` is the command's,
    ``actor`` whoever gave it.
    """

    id: str
    reservation: str
    quantity: int | None
    destination: str
    event_time: datetime
    actor: str = ""


class Shipped(NamedTuple):
    """The reservation afterwards; ``repeated``: this command had been carried out before."""

    reservation: Reservation
    repeated: bool


def ship(conn: Connection, leaving: Leaving, *, at_us: int) -> Shipped:
    """Post what leaves from where it is held. Raises ``NoSuchReservation``, ``NotAvailable``,
    ``ReservationSettled``, ``ConflictingRepeat``, and what posting raises.
    """
    before = store.get(conn, leaving.reservation)
    known = queries.movement_by_id(conn, _name(leaving, 0))
    if known is not None:
        if known.movement.evidence.get("reservation") != before.id:
            raise ConflictingRepeat(f"{leaving.id} was another command: use a fresh id")
        return Shipped(before, True)
    if before.status != "open":
        raise ReservationSettled(f"reservation {before.id} is {before.status}: nothing is left")
    units = before.held if leaving.quantity is None else leaving.quantity
    if not 1 <= units <= before.held:
        raise NotAvailable(
            f"reservation {before.id} holds {before.held}, {units} were to leave",
            available=before.held,
        )
    movements = _movements(conn, leaving, before, units)
    ledger.post(conn, movements, record_us=at_us)
    after = before
    for one in movements:
        after = fulfil(conn, before.id, one.quantity, prefer=one.source, lot=one.lot, at_us=at_us)
    return Shipped(after, False)


def _movements(conn: Connection, leaving: Leaving, of: Reservation, units: int) -> list[Movement]:
    made: list[Movement] = []
    for part in parts_of(conn, [of.id])[of.id]:
        some = min(units, part.units)
        if not some:
            break
        units -= some
        made.append(
            Movement(
                id=_name(leaving, len(made)),
                sku=of.sku,
                lot=part.lot,
                quantity=some,
                source=part.location,
                destination=leaving.destination,
                biz_step="shipping",
                disposition="in_transit",
                event_time=leaving.event_time,
                evidence={"reservation": of.id},
                reference=of.order_id or of.reference,
                actor=leaving.actor,
            )
        )
    return made


def _name(leaving: Leaving, number: int) -> str:
    return derived_id("fulfil", leaving.id, number)
