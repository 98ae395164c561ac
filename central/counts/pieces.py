"""Counting pieces with serial numbers: which were found, which are missing, which lie elsewhere.

A piece is found by its label, its tag or its name, in one count as people like; what a sweep hears
of its tag is the same. It is held against where the books have it now. What moved after it was
looked at is settled by that; what had moved before and is told late had been seen. A piece keeps
the lot and the status that the books know of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.catalogue import tags
from central.catalogue.items import tracked_by_serial
from central.counts.model import Entry, Key, Line, Task
from central.counts.sweeps import NOWHERE, SWEEP
from central.database.bulk import BulkLookup
from central.receiving.scanning import pack_of_tag
from central.reconcile.serials import serial_in
from central.stock.model import Status

__all__ = ["PIECES", "Heard", "Place", "Sight", "heard", "held_against", "lines"]

PIECES = "pieces"
_AT = text(
    "SELECT p.serial, p.lot, p.location, p.status, p.last_seq, m.event_us FROM serial_place p "
    "JOIN movement m ON m.seq = p.last_seq WHERE p.location = :location AND p.sku = :sku"
)
_OF = BulkLookup(
    "SELECT p.serial, p.lot, p.location, p.status, p.last_seq, m.event_us FROM {keys} "
    "JOIN serial_place p ON p.sku = k.sku AND p.serial = k.serial "
    "JOIN movement m ON m.seq = p.last_seq",
    (("sku", "text"), ("serial", "text")),
)
_SKUS_AT = text(
    "SELECT DISTINCT t.sku FROM tag_place t JOIN item i ON i.sku = t.sku "
    "WHERE t.location = :location AND i.tracking = 'serial' ORDER BY t.sku"
)
_TAGGED = text("SELECT epc FROM tag_place WHERE location = :location AND sku = :sku")


class Sight(NamedTuple):
    """When a piece was looked at: at ``us`` (microseconds since 1970), while the ledger stood at
    ``seq``. ``lot`` and ``status`` are what somebody said of it.
    """

    seq: int
    us: int
    lot: str = ""
    status: Status = "available"


class Place(NamedTuple):
    """Where the books have a piece, by its last movement."""

    serial: str
    lot: str
    location: str
    status: Status
    last_seq: int
    event_us: int

    def moved_after(self, sight: Sight) -> bool:
        """Whether that was after it was looked at. What came late had happened before."""
        return self.last_seq > sight.seq and self.event_us > sight.us


class Heard(NamedTuple):
    """The pieces of an item that were found at a place in the last round, each when it was;
    ``first`` is when looking for them began. ``swept``: only by their tags.
    """

    pieces: Mapping[str, Sight]
    first: Sight
    last: Sight
    swept: bool = False


class Held(NamedTuple):
    """The pieces of a place: those that lie there indeed, those that do not, and others that do."""

    there: tuple[Place, ...]
    missing: tuple[Place, ...]
    strange: tuple[Place, ...]


def held_against(
    location: str, found: Heard, books: Iterable[Place], known: Mapping[str, Place]
) -> Held:
    """What was found at a location, against the ``books``: the pieces that should be there now.
    ``known`` is where all that were found are. Pure.

    A piece that came while others were looked at, and was not found itself, is not missing: it may
    have come to where somebody had looked already.
    """
    should = list(books)
    missing = [
        one
        for one in should
        if one.serial not in found.pieces
        and (one.last_seq <= found.first.seq or one.event_us <= found.first.us)
    ]
    strange = []
    for serial, sight in sorted(found.pieces.items()):
        place = known.get(serial)
        if place is None:
            strange.append(Place(serial, sight.lot, NOWHERE, sight.status, 0, 0))
        elif place.location != location and not place.moved_after(sight):
            strange.append(place)
    there = [one for one in should if one.serial in found.pieces]
    return Held(tuple(there), tuple(missing), tuple(strange))


def heard(conn: Connection, task: Task, entries: Sequence[Entry]) -> dict[tuple[str, str], Heard]:
    """What was found of items that are tracked by serial numbers, by item and place."""
    skus = {one.key.sku for one in entries if one.key.sku}
    tracked = tracked_by_serial(conn, skus)
    by_name = [one for one in entries if one.key.sku in tracked]
    swept = list(_of_sweeps(conn, task, [one for one in entries if one.method == SWEEP]))
    last: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for one in [*by_name, *swept]:
        have = last[one.key.sku, one.key.location]
        if have and have[0].round != one.round:
            if one.round < have[0].round:
                continue
            have.clear()
        have.append(one)
    return {key: _together(task, ones) for key, ones in last.items()}


def lines(conn: Connection, found: Mapping[tuple[str, str], Heard]) -> list[Line]:
    """What is there, missing and strange of each item at each place."""
    made: list[Line] = []
    for (sku, location), one in sorted(found.items()):
        books = [Place(*row) for row in conn.execute(_AT, {"location": location, "sku": sku})]
        if one.swept:
            tagged = _tagged(conn, sku, location)
            books = [each for each in books if each.serial in tagged]
        keys = [(sku, serial) for serial in one.pieces]
        known = {row[0]: Place(*row) for row in _OF.run(conn, keys)}
        held = held_against(location, one, books, known)
        for kind, places in (
            ("quantity", held.there), ("missing", held.missing), ("stranger", held.strange),
        ):  # fmt: skip
            made += _lines(kind, sku, location, places, one)
    return made


def _lines(
    kind: str, sku: str, location: str, places: Iterable[Place], found: Heard
) -> Iterator[Line]:
    together: defaultdict[tuple[str, Status, str], list[str]] = defaultdict(list)
    for one in places:
        elsewhere = one.location if kind == "stranger" else ""
        together[one.lot, one.status, elsewhere].append(one.serial)
    for (lot, status, elsewhere), serials in sorted(together.items()):
        yield Line(
            kind=kind,
            **Key(sku, lot, location, status)._asdict(),
            method=PIECES,
            counted=0 if kind == "missing" else len(serials),
            expected=0 if kind == "stranger" else len(serials),
            as_of=found.last.seq,
            counted_us=found.last.us,
            serials=tuple(sorted(serials)),
            elsewhere=elsewhere,
        )


def _together(task: Task, entries: Sequence[Entry]) -> Heard:
    """The entries of an item at a place, of one round."""
    named = {
        serial: Sight(one.as_of, one.counted_us, one.key.lot, one.key.status)
        for one in entries
        for serial in one.serials
    }
    looked = [one for one in entries if one.method != "absent"]
    began = min((one.counted_us for one in looked), default=task.started_us or 0)
    return Heard(
        named,
        Sight(min(one.since for one in entries), began),
        Sight(max(one.as_of for one in entries), max(one.counted_us for one in entries)),
        swept=all(one.method == SWEEP for one in entries),
    )


def _of_sweeps(conn: Connection, task: Task, entries: Sequence[Entry]) -> Iterator[Entry]:
    """What sweeps heard of each item that is tracked by serial numbers, as if its pieces had been
    named; none of those whose tags the books have at the place and that nobody heard.
    """
    for entry in entries:
        asked = {"location": entry.key.location}
        found: dict[str, list[str]] = {sku: [] for sku in conn.execute(_SKUS_AT, asked).scalars()}
        for sku, serial in _pieces_of(conn, entry.pieces):
            found.setdefault(sku, []).append(serial)
        for sku, serials in sorted(found.items()):
            if not task.skus or sku in task.skus:
                key = entry.key._replace(sku=sku)
                yield msgspec.structs.replace(entry, key=key, serials=tuple(serials))


def _pieces_of(conn: Connection, epcs: Iterable[str]) -> list[tuple[str, str]]:
    """The pieces that tags stand for: as people said, or by the serial that is written in them."""
    named = list(epcs)
    bound = tags.serials_of(conn, named)
    packs = {epc: pack_of_tag(conn, epc) for epc in named if epc not in bound}
    singles = {epc: pack.sku for epc, pack in packs.items() if pack and pack.quantity == 1}
    tracked = tracked_by_serial(conn, {*singles.values(), *(sku for sku, _ in bound.values())})
    found = [*bound.values(), *((sku, serial_in(epc)) for epc, sku in singles.items())]
    return sorted({(sku, serial) for sku, serial in found if serial and sku in tracked})


def _tagged(conn: Connection, sku: str, location: str) -> set[str]:
    """The pieces of an item that can be heard at a place: those with a tag."""
    epcs = conn.execute(_TAGGED, {"location": location, "sku": sku}).scalars().all()
    return {serial for _, serial in _pieces_of(conn, epcs)}
