"""What a reservation is, and what can be wrong with asking for one. Pure.

A reservation claims units of an item. What it holds is set aside at places (its parts), so that
what is reserved is never more than what is there; what it waits for is its backorder.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from central.stock.model import StockError

__all__ = [
    "Change", "ClaimError", "NoSuchReservation", "NotAvailable", "Part", "Reservation",
    "ReservationSettled", "StockReserved",
]  # fmt: skip

MOST_UNITS = 2**53


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """``quantity`` units of an item, of one ``lot`` and ``within`` one location if these are told.

    ``held`` are set aside now, ``fulfilled`` have left, ``missing`` are on backorder. ``status``
    is ``open``, ``fulfilled``, ``released`` or ``expired``. Times are in microseconds since 1970;
    the greatest ``priority`` is served first. ``order_id`` and ``line`` say what it is for,
    ``substituted_for`` the reservation whose item its own stands in for.
    """

    id: str
    sku: str
    quantity: int
    lot: str = ""
    within: str = ""
    held: int = 0
    fulfilled: int = 0
    missing: int = 0
    status: str = "open"
    order_id: str = ""
    line: str = ""
    priority: int = 0
    reference: str = ""
    actor: str = ""
    substituted_for: str = ""
    created_us: int = 0
    changed_us: int = 0
    expires_us: int | None = None

    def asks(self) -> tuple[object, ...]:
        """What makes two requests the same."""
        wish = (self.sku, self.quantity, self.lot, self.within)
        return (*wish, self.order_id, self.line, self.priority, self.reference)


class Part(NamedTuple):
    """Units of a lot at a place that a reservation holds."""

    lot: str
    location: str
    units: int


class Change(NamedTuple):
    """A reservation as it is now, and how many units it ``lost`` and was ``given``."""

    reservation: Reservation
    lost: int = 0
    given: int = 0


class ClaimError(StockError):
    """A reservation could not be made or changed; nothing was."""


class NoSuchReservation(ClaimError):
    """No reservation has this id."""

    status = 404


class NotAvailable(ClaimError):
    """Less is available than was asked for; ``available`` is what is."""

    def __init__(self, said: str, *, available: int = 0) -> None:
        super().__init__(said)
        self.available = available


class ReservationSettled(ClaimError):
    """It was fulfilled or released, or ran out: nothing of it can change any more."""


class StockReserved(ClaimError):
    """A command would take goods away that are promised to others."""
