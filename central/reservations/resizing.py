"""Reservations that claim more or less than before, or other goods: an order was changed.

What is given back is free before anything more is set aside, so that units may go from one line of
an order to another. A reservation keeps its age: what it waits for it waits for as long as it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from central.events import log as events
from central.reservations import store
from central.reservations.allocation import Rank
from central.reservations.ending import first_of
from central.reservations.holdings import Holdings, cells_of, parts_of, places_within, supplies
from central.reservations.model import Part, Reservation
from central.reservations.reserving import Wish, freshen, reserve_each
from central.stock.model import StockError

__all__ = ["Resizing", "resize_each"]


class Resizing(NamedTuple):
    """What a reservation is to ask for from now on (``claim``), and how many units ``more`` it
    claims then; fewer where that is negative. Of another item or lot than before it claims just
    so many. Goods at ``last`` are given back after all others.
    """

    claim: Reservation
    more: int
    last: str = ""


def resize_each(conn: Connection, wanted: Sequence[Resizing], *, at_us: int) -> None:
    """Let some reservations be these; ones that there are not are made. What is not there is on
    backorder. Of what is given back, others get what they wait for by ``settle``, which is the
    caller's to ask for. Raises ``StockError`` for a new one that is refused.
    """
    freshen(conn, at_us=at_us)
    there = store.find(conn, (one.claim.id for one in wanted))
    known = [(one, there[one.claim.id]) for one in wanted if one.claim.id in there]
    told: list[events.Happening] = []
    lessened = _given_back(conn, known, told, at_us)
    grown = _grown(conn, [one for one, _ in known], lessened, told, at_us)
    store.amend(conn, grown)
    events.record_each(conn, told, at_us=at_us)
    fresh = [Wish(one.claim, backorder=True) for one in wanted if one.claim.id not in there]
    for done in reserve_each(conn, fresh, at_us=at_us):
        if isinstance(done, StockError):
            raise done


def _given_back(
    conn: Connection,
    known: Sequence[tuple[Resizing, Reservation]],
    told: list[events.Happening],
    at_us: int,
) -> list[Reservation]:
    """Each without the units that it claims no more, and as it is asked for now."""
    parts = parts_of(conn, (before.id for _, before in known))
    ranks = _ranks(conn, [before.sku for _, before in known])
    holdings = Holdings()
    lessened = []
    for one, before in known:
        less = before.held + before.missing if _is_other(one, before) else max(0, -one.more)
        unmet = min(less, before.missing)
        mine = _last_first(before.sku, parts.get(before.id, ()), ranks, one.last)
        gone, _ = first_of(mine, less - unmet)
        holdings.add(before.id, before.sku, gone, -1)
        units = sum(part.units for part in gone)
        after = msgspec.structs.replace(
            before, sku=one.claim.sku, lot=one.claim.lot, quantity=one.claim.quantity,
            priority=one.claim.priority, reference=one.claim.reference,
            held=before.held - units, missing=before.missing - unmet, changed_us=at_us,
        )  # fmt: skip
        lessened.append(after)
        if units:
            told.append(_told("ReservationReduced", after, before.sku, gone))
    holdings.write(conn)
    return lessened


def _grown(
    conn: Connection,
    wanted: Sequence[Resizing],
    lessened: Sequence[Reservation],
    told: list[events.Happening],
    at_us: int,
) -> list[Reservation]:
    """Each with what it claims more."""
    there = supplies(conn, (one.sku for one in lessened))
    within = places_within(conn, (one.within for one in lessened))
    holdings = Holdings()
    grown = []
    for one, before in zip(wanted, lessened, strict=True):
        more = max(0, one.more)
        places = within[before.within] if before.within else None
        parts = there[before.sku].give(more, lot=before.lot, places=places)
        holdings.add(before.id, before.sku, parts)
        held = sum(part.units for part in parts)
        missing = before.missing + more - held
        after = msgspec.structs.replace(before, held=before.held + held, missing=missing)
        after = msgspec.structs.replace(after, status=_status(after), changed_us=at_us)
        grown.append(after)
        if held:
            told.append(_told("StockReserved", after, after.sku, parts))
        if missing > before.missing:
            waits = _told("BackorderCreated", after, after.sku, ())
            told.append(waits._replace(body=waits.body | {"quantity": missing}))
    holdings.write(conn)
    return grown


def _is_other(one: Resizing, before: Reservation) -> bool:
    """Whether other goods are asked for than before."""
    return (before.sku, before.lot) != (one.claim.sku, one.claim.lot)


def _status(one: Reservation) -> str:
    if one.held or one.missing:
        return "open"
    return "fulfilled" if one.fulfilled else "released"


def _ranks(conn: Connection, skus: Iterable[str]) -> dict[tuple[str, str, str], Rank]:
    """By SKU, lot and place, in which order goods are given."""
    return {
        (sku, cell.lot, cell.location): cell.rank
        for sku, cells in cells_of(conn, skus).items()
        for cell in cells
    }


def _last_first(
    sku: str, parts: Iterable[Part], ranks: Mapping[tuple[str, str, str], Rank], last: str
) -> list[Part]:
    """What is to be given back first: goods that would be given last, and that nobody brought."""

    def key(part: Part) -> tuple[bool, Rank, Part]:
        rank = ranks.get((sku, part.lot, part.location), ("", 0.0))
        return part.location != last, rank, part

    return sorted(parts, key=key, reverse=True)


def _told(kind: str, now: Reservation, sku: str, parts: Iterable[Part]) -> events.Happening:
    places = list(parts)
    body = {
        "reservation": now.id,
        "sku": sku,
        "quantity": sum(part.units for part in places),
        "missing": now.missing,
        "order": now.order_id,
        "line": now.line,
        "reference": now.reference,
        "expires_us": now.expires_us,
        "parts": [part._asdict() for part in places],
    }
    return events.Happening(kind, now.id, body)
