"""How reservations end: released, run out, or fulfilled by goods that leave. Also: held longer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from central.events import log as events
from central.reservations import store
from central.reservations.holdings import Holdings, parts_of
from central.reservations.model import Part, Reservation, ReservationSettled

__all__ = ["expire", "extend", "first_of", "forgo", "fulfil", "let_go", "release", "relocate"]


def expire(conn: Connection, *, at_us: int) -> list[Reservation]:
    """End what has run out at ``at_us``; harmless however often, and nothing when none has."""
    over = store.due(conn, at_us)
    return _end(conn, over, "expired", "ReservationExpired", at_us) if over else []


def release(conn: Connection, names: Iterable[str], *, at_us: int) -> list[Reservation]:
    """Give back what some hold; those that ended before stay as they ended."""
    found = store.find(conn, names)
    still_open = [one for one in found.values() if one.status == "open"]
    ended = {
        one.id: one for one in _end(conn, still_open, "released", "ReservationReleased", at_us)
    }
    return [ended.get(name, one) for name, one in found.items()]


def extend(conn: Connection, name: str, until_us: int | None, *, at_us: int) -> Reservation:
    """Hold it until then, or for ever. Raises ``NoSuchReservation``, ``ReservationSettled``."""
    expire(conn, at_us=at_us)
    before = _open(store.get(conn, name))
    after: Reservation = msgspec.structs.replace(before, expires_us=until_us, changed_us=at_us)
    store.change(conn, [after])
    body = {"reservation": name, "sku": after.sku, "expires_us": until_us}
    events.record(conn, "ReservationExtended", name, body, at_us=at_us)
    return after


def fulfil(
    conn: Connection, name: str, units: int, *, prefer: str = "", lot: str = "", at_us: int
) -> Reservation:
    """So many of its units have left; the parts at ``prefer`` (a location) and of ``lot`` are
    taken first. What left beyond what it holds was missing no more either.

    Raises ``NoSuchReservation``, ``ReservationSettled``.
    """
    before = _open(store.get(conn, name))
    parts = sorted(
        parts_of(conn, [name]).get(name, []),
        key=lambda part: (part.location != prefer, part.lot != lot, part),
    )
    taken, left = first_of(parts, units)
    beyond = min(left, before.missing)
    fulfilled = units - left + beyond
    after = _kept_up(
        before, held=before.held - (units - left), missing=before.missing - beyond,
        fulfilled=before.fulfilled + fulfilled, at_us=at_us,
    )  # fmt: skip
    _write(conn, after, taken)
    body = {"reservation": name, "sku": after.sku, "quantity": fulfilled, "status": after.status}
    events.record(conn, "ReservationFulfilled", name, body, at_us=at_us)
    return after


def relocate(conn: Connection, name: str, part: Part, destination: str, *, at_us: int) -> None:
    """Goods that it holds were moved for it: it holds them there now.

    Raises ``NoSuchReservation``, ``ReservationSettled``.
    """
    before = _open(store.get(conn, name))
    there = [one for one in parts_of(conn, [name]).get(name, []) if one[:2] == part[:2]]
    if sum(one.units for one in there) < part.units:
        raise ReservationSettled(
            f"the goods for this were given from another place than {part.location} meanwhile: "
            "ask for the task again"
        )
    holdings = Holdings()
    holdings.add(name, before.sku, [part], -1)
    holdings.add(name, before.sku, [part._replace(location=destination)])
    holdings.write(conn)
    store.change(conn, [msgspec.structs.replace(before, changed_us=at_us)])


def let_go(conn: Connection, name: str, part: Part, *, at_us: int) -> Reservation:
    """It does not hold this part any more and waits for as much. Raises as ``relocate``."""
    before = _open(store.get(conn, name))
    there = [one for one in parts_of(conn, [name]).get(name, []) if one[:2] == part[:2]]
    taken, _ = first_of(there, part.units)
    units = sum(one.units for one in taken)
    after = _kept_up(
        before, held=before.held - units, missing=before.missing + units,
        fulfilled=before.fulfilled, at_us=at_us,
    )  # fmt: skip
    _write(conn, after, taken)
    return after


def forgo(conn: Connection, name: str, units: int, *, at_us: int) -> Reservation:
    """It waits for so many units no more: another item stands in for them. Raises as ``fulfil``."""
    before = _open(store.get(conn, name))
    missing = before.missing - min(units, before.missing)
    over = not before.held and not missing
    after = msgspec.structs.replace(
        before,
        missing=missing,
        status="open" if not over else "fulfilled" if before.fulfilled else "released",
        changed_us=at_us,
    )
    store.change(conn, [after])
    return after


def first_of(parts: Sequence[Part], units: int) -> tuple[list[Part], int]:
    """The parts that make up so many units, and how many they lack."""
    taken = []
    for part in parts:
        some = min(units, part.units)
        if some:
            taken.append(part._replace(units=some))
            units -= some
    return taken, units


def _kept_up(
    before: Reservation, *, held: int, missing: int, fulfilled: int, at_us: int
) -> Reservation:
    done = not held and not missing
    return msgspec.structs.replace(
        before,
        held=held,
        missing=missing,
        fulfilled=fulfilled,
        status="fulfilled" if done else "open",
        changed_us=at_us,
    )


def _write(conn: Connection, after: Reservation, gone: Iterable[Part]) -> None:
    store.change(conn, [after])
    holdings = Holdings()
    holdings.add(after.id, after.sku, gone, -1)
    holdings.write(conn)


def _end(
    conn: Connection, ending: Sequence[Reservation], status: str, event: str, at_us: int
) -> list[Reservation]:
    ended = [
        msgspec.structs.replace(one, status=status, held=0, missing=0, changed_us=at_us)
        for one in ending
    ]
    store.change(conn, ended)
    holdings = Holdings()
    parts = parts_of(conn, (one.id for one in ending))
    for one in ending:
        holdings.add(one.id, one.sku, parts.get(one.id, ()), -1)
    holdings.write(conn)
    told = [
        events.Happening(
            event,
            one.id,
            {
                "reservation": one.id,
                "sku": one.sku,
                "quantity": one.held,
                "order": one.order_id,
                "reference": one.reference,
                "parts": [part._asdict() for part in parts.get(one.id, ())],
            },
        )
        for one in ending
    ]
    events.record_each(conn, told, at_us=at_us)
    return ended


def _open(found: Reservation) -> Reservation:
    if found.status != "open":
        raise ReservationSettled(f"reservation {found.id} is {found.status}: make another one")
    return found
