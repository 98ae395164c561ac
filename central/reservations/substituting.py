"""What other items can give in place of one that lacks, where somebody allows it.

They give only what the item itself cannot, each in its turn, and what they give is reserved as
theirs: nobody who asks for either is promised a unit twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.catalogue.substitutes import in_force
from central.database.moments import from_us
from central.reconcile.identity import derived_id
from central.reservations import store
from central.reservations.holdings import parts_of, places_within, supplies
from central.reservations.model import NotAvailable, Part, Reservation
from central.reservations.reserving import Reserved, Wish, freshen, reserve_each
from central.stock.model import StockError

__all__ = ["Share", "free_of", "reserve", "shares"]


class Share(NamedTuple):
    """Units of an item that stand in for another."""

    sku: str
    units: int


def free_of(conn: Connection, sku: str, within: str, *, lot: str = "") -> int:
    """Units of an item that a claim could be given now within a place."""
    places = places_within(conn, [within])[within] if within else None
    return supplies(conn, [sku])[sku].free(lot=lot, places=places)


def shares(conn: Connection, sku: str, units: int, within: str, *, at_us: int) -> list[Share]:
    """What stands in for so many units of an item, as far as there is any; in the order in which
    the catalogue names the others.
    """
    found = []
    for other in in_force(conn, [sku], from_us(at_us).date()).get(sku, []):
        given = min(units, free_of(conn, other, within))
        if given > 0:
            found.append(Share(other, given))
            units -= given
    return found


def reserve(
    conn: Connection, wish: Wish, *, at_us: int
) -> tuple[Reserved, list[tuple[Reservation, Sequence[Part]]]]:
    """Reserve what is asked for, and of others in its place what it lacks; each of these is a
    reservation of its own (``substituted_for``), which ends with the first.

    Raises ``NotAvailable`` where all of them together lack, unless it may wait, and what
    reserving refuses with.
    """
    claim = wish.claim
    if claim.id not in store.find(conn, [claim.id]):
        wish = _with_others(conn, wish, at_us)
    (done,) = reserve_each(conn, [wish], at_us=at_us)
    if isinstance(done, StockError):
        raise done
    others = store.standing_in(conn, claim.id)
    parts = parts_of(conn, [one.id for one in others])
    return done, [(one, parts.get(one.id, ())) for one in others]


def _with_others(conn: Connection, wish: Wish, at_us: int) -> Wish:
    claim = wish.claim
    freshen(conn, at_us=at_us)
    free = free_of(conn, claim.sku, claim.within, lot=claim.lot)
    lacking = max(0, claim.quantity - free)
    # Who asks for one lot asks for nothing else.
    found = [] if claim.lot else shares(conn, claim.sku, lacking, claim.within, at_us=at_us)
    given = sum(one.units for one in found)
    if given < lacking and not wish.backorder:
        raise NotAvailable(
            f"{free} of {claim.sku} are available and {given} of others in its place, "
            f"{claim.quantity} were asked for: ask for less, or wait until more has come",
            available=free + given,
        )
    claims = [
        msgspec.structs.replace(
            claim,
            id=derived_id("stands in", claim.id, one.sku),
            sku=one.sku,
            quantity=one.units,
            substituted_for=claim.id,
        )
        for one in found
    ]
    for done in reserve_each(conn, [Wish(one) for one in claims], at_us=at_us):
        if isinstance(done, StockError):
            raise done
    return wish._replace(forgone=given)
