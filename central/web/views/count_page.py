"""One count: how far it is, and what differs, the dearest first, with what speaks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.catalogue import places
from central.counts import lines as computed
from central.counts import results
from central.counts.counting import Found
from central.counts.model import Entry, Line, State, Task, settled
from central.counts.sweeps import SWEEP
from central.web.views.stock import item_names, location_names

__all__ = ["Differing", "Money", "Told", "compared", "progress", "report", "worth", "zones"]

_entry, _item = schema.count_entry.c, schema.item.c
_asked = msgspec.json.Decoder(Found).decode
_read = msgspec.json.Decoder(Entry).decode
MICROS = 1_000_000
MOST_TOLD = 200
"""Entries that a page shows, the newest."""


class Money(NamedTuple):
    """So many millionths of a currency."""

    micros: int
    currency: str

    @property
    def amount(self) -> float:
        """In whole units of the currency."""
        return self.micros / MICROS


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody found: ``how`` in words, for people."""

    id: str
    sku: str
    name: str
    lot: str
    place: str
    quantity: int
    method: str
    how: str
    by: str
    at_us: int
    round: int


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a count with what it is worth (``None``: no price) and who found it."""

    line: Line
    name: str
    place: str
    elsewhere: str
    value: Money | None
    settled: bool
    found: tuple[Told, ...]


class _Names(NamedTuple):
    items: Mapping[str, str]
    places: Mapping[str, str]


def progress(conn: Connection, task: Task) -> dict[str, Any]:
    """What was found so far; how much there is to find only of a count that is not blind."""
    entries = _told(conn, task)
    counted = {(one.sku, one.place) for one in entries if one.sku}
    return {
        "told": entries[:MOST_TOLD],
        "told_all": len(entries),
        "counted": len(counted),
        "tags": sum(one.quantity for one in entries if one.method == SWEEP),
        "held": None if task.blind else len({
            (one.sku, one.location) for one in computed.held_keys(conn, task)
        }),
    }  # fmt: skip


def compared(conn: Connection, task: Task) -> list[Differing]:
    """The lines of a count that has ended and waits, those that differ first, by their value."""
    found = computed.lines_of(conn, task)
    names = _names(conn, found)
    prices = _prices(conn, {one.sku for one in found})
    told = _told(conn, task)
    rows = [
        Differing(
            line=one,
            name=names.items.get(one.sku, one.sku),
            place=names.places.get(one.location, one.location),
            elsewhere=names.places.get(one.elsewhere, one.elsewhere),
            value=_value(prices.get(one.sku), one.difference),
            settled=settled(one),
            found=tuple(_evidence(one, told)),
        )
        for one in found
    ]
    return sorted(rows, key=_dearest)


def report(conn: Connection, task: Task) -> list[dict[str, Any]]:
    """The lines of a count that was approved, the largest differences first, with values of today's
    prices.
    """
    rows = results.results_of(conn, task.id)
    skus = {str(one["sku"]) for one in rows}
    items, prices = item_names(conn, skus), _prices(conn, skus)
    at = location_names(conn, {str(one["location"]) for one in rows})
    told = []
    for one in rows:
        difference = int(str(one["counted"])) - int(str(one["expected"]))
        sku, place = str(one["sku"]), str(one["location"])
        told.append(one | {
            "name": items.get(sku, sku), "place": at.get(place, place), "difference": difference,
            "value": _value(prices.get(sku), difference),
        })  # fmt: skip
    return sorted(told, key=lambda one: (-abs(one["value"].micros if one["value"] else 0),
                                         -abs(one["difference"]), one["sku"]))  # fmt: skip


def worth(values: Iterable[Money | None]) -> list[Money]:
    """Values added up, a sum for each currency; what has no price counts nothing."""
    sums: dict[str, int] = {}
    for one in values:
        if one is not None and one.micros:
            sums[one.currency] = sums.get(one.currency, 0) + one.micros
    return [Money(micros, currency) for currency, micros in sorted(sums.items())]


def zones(conn: Connection, codes: Iterable[str]) -> list[tuple[str, str]]:
    """Readers that hear what lies at these places, with the place of each."""
    known = frozenset(codes)
    return [(one.code, one.location) for one in places.list_read_points(conn, granted=True)
            if one.kind == "zone" and one.location in known]  # fmt: skip


def _told(conn: Connection, task: Task) -> list[Told]:
    """The newest first."""
    query = select(_entry.body, _entry.asked).where(_entry.task == task.id, _entry.void.is_(False))
    rows = conn.execute(query.order_by(_entry.no.desc())).all()
    entries = [(_read(row.body), row.asked) for row in rows]
    items = item_names(conn, {one.key.sku for one, _ in entries})
    at = location_names(conn, {one.key.location for one, _ in entries})
    return [
        Told(
            id=one.id, sku=one.key.sku, name=items.get(one.key.sku, one.key.sku), lot=one.key.lot,
            place=at.get(one.key.location, one.key.location), quantity=one.quantity,
            method=one.method, how=_how(one, asked), by=one.by, at_us=one.counted_us,
            round=one.round,
        )
        for one, asked in entries
    ]  # fmt: skip


def _how(entry: Entry, asked: str) -> str:
    """In what way it was found."""
    if entry.method == "absent" or not asked:
        return "not found"
    found = _asked(asked)
    if found.gross_mg is not None:
        net_g = (found.gross_mg - found.tare_mg) / 1_000
        return f"weighed, {net_g:,.1f} g net"
    if found.read_point is not None:
        return f"heard by {found.read_point}"
    if found.epcs is not None:
        return "heard by a hand-held"
    if found.code is not None:
        return f"scanned {found.code}"
    return "pieces by serial number" if entry.serials else "counted by hand"


def _evidence(line: Line, told: Sequence[Told]) -> Iterable[Told]:
    swept = line.method == SWEEP or line.kind != "quantity"
    for one in told:
        mine = (one.sku, one.lot) == (line.sku, line.lot)
        if mine or (swept and one.method == SWEEP):
            yield one


def _names(conn: Connection, found: Sequence[Line]) -> _Names:
    codes = {one.location for one in found} | {one.elsewhere for one in found}
    return _Names(item_names(conn, {one.sku for one in found}), location_names(conn, codes))


def _prices(conn: Connection, skus: set[str]) -> dict[str, Money]:
    query = select(_item.sku, _item.price_micros, _item.currency).where(
        _item.sku.in_(skus), _item.price_micros.is_not(None)
    )
    return {row.sku: Money(row.price_micros, row.currency) for row in conn.execute(query)}


def _value(price: Money | None, units: int) -> Money | None:
    return None if price is None else Money(price.micros * units, price.currency)


def _dearest(one: Differing) -> tuple[object, ...]:
    value = abs(one.value.micros) if one.value is not None else 0
    line = one.line
    return (not (line.difference or line.disturbed), -value, -abs(line.difference), line.name)


def open_for_decision(task: Task) -> bool:
    """Whether somebody is to decide upon a count now."""
    return task.state in {State.COUNTED, State.INVESTIGATING, State.READY_TO_REVIEW}
