"""Reserving: a group of claims decided one after another, in one transaction of the one writer.

What was read cannot change before it is written, so that however many ask, nothing is promised
twice. A claim that is refused leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.access import reach
from central.database.bulk import BulkLookup
from central.events import log as events
from central.reservations import store
from central.reservations.ending import expire
from central.reservations.holdings import Holdings, places_within, supplies
from central.reservations.model import MOST_UNITS, ClaimError, NotAvailable, Part, Reservation
from central.reservations.settling import settle
from central.stock.model import (
    ConflictingRepeat,
    OutOfReach,
    StockError,
    UnknownItem,
    UnknownLocation,
)

__all__ = ["Reserved", "Wish", "freshen", "reserve_each"]

_ITEMS = BulkLookup(
    "SELECT i.sku, i.family FROM {keys} JOIN item i ON i.sku = k.sku", (("sku", "text"),)
)


class Wish(NamedTuple):
    """A claim that is asked for. It gets all that it asks for or is refused; with ``backorder`` it
    gets what there is and waits for the rest. ``forgone`` units of it are given by other items.
    """

    claim: Reservation
    backorder: bool = False
    forgone: int = 0


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation that stands, and where it holds what. ``repeated``: it stood before."""

    reservation: Reservation
    parts: tuple[Part, ...] = ()
    repeated: bool = False


def reserve_each(
    conn: Connection,
    wishes: Sequence[Wish],
    *,
    at_us: int,
) -> list[Reserved | StockError]:
    """Reserve what can be, in order; for each wish its reservation or why it was refused.

    What ran out at ``at_us`` (microseconds since 1970) is free again before anything is decided,
    first of all for those who wait.
    """
    freshen(conn, at_us=at_us)
    desk = _Desk(conn, [wish.claim for wish in wishes])
    results = [desk.decide(wish, at_us) for wish in wishes]
    store.insert(conn, desk.made)
    desk.holdings.write(conn)
    fresh = [one for one in results if isinstance(one, Reserved) and not one.repeated]
    events.record_each(conn, (told for one in fresh for told in _told(one)), at_us=at_us)
    return results


def freshen(conn: Connection, *, at_us: int) -> None:
    """End what has run out, and give it to those who wait."""
    ended = expire(conn, at_us=at_us)
    settle(conn, {one.sku for one in ended}, at_us=at_us)


class _Desk:
    """All that deciding some claims needs, and what was decided so far."""

    def __init__(self, conn: Connection, claims: Sequence[Reservation]) -> None:
        self._there = store.find(conn, (claim.id for claim in claims))
        skus = [claim.sku for claim in claims]
        self._family = {
            row[0]: bool(row[1])
            for row in _ITEMS.run(conn, [(one,) for one in dict.fromkeys(skus)])
        }
        self._supplies = supplies(conn, skus)
        self._within = places_within(conn, (claim.within for claim in claims))
        self._known_places = _known(conn, self._within)
        self._out_of_reach = _out_of_reach(conn, (claim.within for claim in claims))
        self.made: list[Reservation] = []
        self.holdings = Holdings()

    def decide(self, wish: Wish, at_us: int) -> Reserved | StockError:
        """Reserve, or say what forbids it."""
        claim = wish.claim
        before = self._there.get(claim.id)
        if before is not None:
            return _repeat(before, claim)
        refusal = self._refusal(claim)
        if refusal is not None:
            return refusal
        supply = self._supplies[claim.sku]
        places = self._within[claim.within] if claim.within else None
        wanted = claim.quantity - wish.forgone
        if not wish.backorder:
            free = supply.free(lot=claim.lot, places=places)
            if free < wanted:
                return _not_available(claim, free)
        parts = supply.give(wanted, lot=claim.lot, places=places)
        held = sum(part.units for part in parts)
        made = msgspec.structs.replace(
            claim, held=held, missing=wanted - held, created_us=at_us, changed_us=at_us
        )
        self.made.append(made)
        self._there[claim.id] = made
        self.holdings.add(made.id, made.sku, parts)
        return Reserved(reservation=made, parts=tuple(parts))

    def _refusal(self, claim: Reservation) -> StockError | None:
        family = self._family.get(claim.sku)
        if family is None:
            return UnknownItem(f"there is no item {claim.sku}: add it to the catalogue first")
        if family:
            return ClaimError(f"item {claim.sku} is a family: reserve one of its variants")
        if claim.within and claim.within not in self._known_places:
            return UnknownLocation(f"there is no location {claim.within}: add it first")
        if claim.within in self._out_of_reach:
            return self._out_of_reach[claim.within]
        if not 1 <= claim.quantity <= MOST_UNITS:
            return ClaimError(f"a reservation is of 1 to {MOST_UNITS} units, not {claim.quantity}")
        return None


_PLACES = BulkLookup(
    "SELECT l.code FROM {keys} JOIN location l ON l.code = k.code", (("code", "text"),)
)


def _known(conn: Connection, roots: dict[str, set[str]]) -> set[str]:
    return {row[0] for row in _PLACES.run(conn, [(root,) for root in roots])}


def _out_of_reach(conn: Connection, roots: Iterable[str]) -> dict[str, OutOfReach]:
    """The places that whoever asks was not granted, with what to answer."""
    found = {}
    for root in dict.fromkeys(roots):
        try:
            if root:
                reach.check(conn, [root])
            else:
                reach.everywhere("a reservation of goods wherever they lie")
        except OutOfReach as error:
            found[root] = error
    return found


def _repeat(before: Reservation, claim: Reservation) -> Reserved | StockError:
    if before.asks() == claim.asks():
        return Reserved(reservation=before, repeated=True)
    return ConflictingRepeat(
        f"reservation {claim.id} was made before with other content: use a fresh id"
    )


def _not_available(claim: Reservation, free: int) -> NotAvailable:
    lot = f" of lot {claim.lot}" if claim.lot else ""
    where = f" within {claim.within}" if claim.within else ""
    return NotAvailable(
        f"{free} of {claim.sku}{lot} are available{where}, {claim.quantity} were asked for: ask "
        "for less, or wait until more has come",
        available=free,
    )


def _told(one: Reserved) -> list[events.Happening]:
    """What is reserved for a line of an order is told with its order."""
    made = one.reservation
    body = {
        "reservation": made.id,
        "sku": made.sku,
        "quantity": made.held,
        "missing": made.missing,
        "order": made.order_id,
        "line": made.line,
        "reference": made.reference,
    }
    told = []
    if made.held and not made.order_id:
        places = [part._asdict() for part in one.parts]
        more = {"expires_us": made.expires_us, "parts": places}
        told.append(events.Happening("StockReserved", made.id, body | more))
    if made.missing:
        waits = body | {"quantity": made.missing}
        told.append(events.Happening("BackorderCreated", made.id, waits))
    return told
