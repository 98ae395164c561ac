"""Single pieces: an item that is tracked by serial numbers moves by name, and each piece lies in
one place at a time.

A command names as many serials as units, and each must lie where it is taken from. What sensors
saw carries the serials that its tags are bound to, or else those that are written in them; where
they say something else than the books, they are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.catalogue.tags import serials_of
from central.database.bulk import BulkInsert, BulkLookup
from central.reconcile.serials import serial_in
from central.stock.model import AVAILABLE, LocationKind, Movement, Posted, StockError
from central.stock.projection import Disordered
from central.stock.room import ItemFacts, Room
from central.stock.rules import FACTS

__all__ = [
    "Piece", "Serials", "brought", "check", "misplaced", "piece", "pieces_at", "rebuild", "sent",
]  # fmt: skip

_COLUMNS = (
    ("sku", "text"),
    ("serial", "text"),
    ("lot", "text"),
    ("location", "text"),
    ("status", "text"),
    ("last_seq", "bigint"),
)
_PLACES = BulkLookup(
    "SELECT p.sku, p.serial, p.lot, p.location, p.status, p.last_seq FROM {keys} "
    "JOIN serial_place p ON p.sku = k.sku AND p.serial = k.serial",
    (("sku", "text"), ("serial", "text")),
)
_PUT = BulkInsert(
    "serial_place",
    _COLUMNS,
    "ON CONFLICT (sku, serial) DO UPDATE SET lot = excluded.lot, location = excluded.location, "
    "status = excluded.status, last_seq = excluded.last_seq",
)
_INSERT = BulkInsert("serial_place", _COLUMNS)
_ALL = text("SELECT sku, serial, lot, location, status, last_seq FROM serial_place ORDER BY 1, 2")
_HERE = text(
    "SELECT serial FROM serial_place WHERE location = :location AND sku = :sku AND lot = :lot "
    "AND status = :status ORDER BY serial"
)
_MOVED = text(
    "SELECT seq, sku, lot, destination, destination_status, serials FROM movement "
    "WHERE seq > :after AND serials <> '[]' ORDER BY seq LIMIT 5000"
)
_BROUGHT = text(
    "SELECT p.serial FROM serial_place p JOIN movement m ON m.seq = p.last_seq "
    "WHERE p.location = :location AND p.sku = :sku AND p.lot = :lot AND p.status = 'available' "
    "AND m.reference = :reference ORDER BY p.serial"
)
_SENT = text(
    "SELECT serials FROM movement WHERE sku = :sku AND destination = 'customer' "
    "AND serials <> '[]' AND (reference = :reference OR (source = :source "
    "AND origin IN ('portal', 'scan') AND event_us >= :since))"
)
_MOST_TOLD = 100
_decode = msgspec.json.Decoder(tuple[str, ...]).decode


class Piece(NamedTuple):
    """Where and how a piece lies, by the last movement that names it."""

    lot: str
    location: str
    status: str
    last_seq: int


class Serials:
    """The pieces that some movements name, as a batch goes on."""

    def __init__(
        self,
        conn: Connection,
        movements: Sequence[Movement],
        items: Mapping[str, ItemFacts],
        room: Room,
    ) -> None:
        self._items, self._room = items, room
        tracked = [one for one in movements if self._tracked(one)]
        epcs = dict.fromkeys(epc for one in tracked if not one.serials for epc in one.epcs)
        self._of_tags = serials_of(conn, list(epcs)) if epcs else {}
        named = dict.fromkeys(
            (one.sku, serial) for one in map(self.named, tracked) for serial in one.serials
        )
        self._places = {(row[0], row[1]): Piece(*row[2:]) for row in _PLACES.run(conn, list(named))}
        self._moved: dict[tuple[str, str], Piece] = {}

    def _tracked(self, movement: Movement) -> bool:
        item = self._items.get(movement.sku)
        return item is not None and item.tracking == "serial"

    def named(self, movement: Movement) -> Movement:
        """The movement with the serials of its tags, if it names none."""
        if movement.serials or not movement.epcs or not self._tracked(movement):
            return movement
        found = {self._serial(movement, epc) for epc in movement.epcs} - {""}
        return msgspec.structs.replace(movement, serials=tuple(sorted(found)))

    def _serial(self, movement: Movement, epc: str) -> str:
        """What people said of a tag goes before what is written in it. The serial of a case with
        several units in it is none of theirs.
        """
        if epc in self._of_tags:
            sku, serial = self._of_tags[epc]
            return serial if sku == movement.sku else ""
        return serial_in(epc) if len(movement.epcs) == movement.quantity else ""

    def refusal(self, movement: Movement) -> StockError | None:
        """Why these pieces cannot be moved by a command."""
        if movement.origin in FACTS:
            return None
        if not self._tracked(movement):
            return _not_tracked(movement) if movement.serials else None
        names = movement.serials
        if len(set(names)) != len(names) or len(names) != movement.quantity:
            return StockError(
                f"item {movement.sku} is tracked by serial numbers: name each of the "
                f"{movement.quantity} pieces once, not {len(names)}"
            )
        if not all(1 <= len(name) <= 64 for name in names):
            return StockError("a serial number has 1 to 64 characters")
        astray = (self._astray(movement, name) for name in names)
        return next((StockError(said) for said in astray if said), None)

    def _astray(self, movement: Movement, serial: str) -> str:
        piece = self._places.get((movement.sku, serial))
        inside = piece is not None and self._kind(piece.location) == LocationKind.INTERNAL
        wanted = (movement.lot, movement.source, movement.source_status)
        if self._kind(movement.source) != LocationKind.INTERNAL:
            there = inside and piece is not None and f"{piece.location} ({piece.status})"
            what = f"piece {serial} of {movement.sku}"
            return f"{what} lies at {there} already: move it from there" if there else ""
        if piece is not None and piece[:3] == wanted:
            return ""
        lies = "nowhere" if piece is None else f"at {piece.location} ({piece.status})"
        lot = f", lot {piece.lot}" if piece is not None and piece.lot != movement.lot else ""
        return (
            f"piece {serial} of {movement.sku} lies {lies}{lot}, not at {movement.source} "
            f"({movement.source_status})"
        )

    def _kind(self, code: str) -> str | None:
        """A piece may lie at a place that is no end of this batch: then it is one of ours."""
        known = self._room.kind(code)
        return known or (code if code in set(LocationKind) else LocationKind.INTERNAL.value)

    def add(self, posted: Posted) -> None:
        """The movement is posted: its pieces lie where it put them."""
        one = posted.movement
        for serial in one.serials:
            piece = Piece(one.lot, one.destination, one.destination_status, posted.seq)
            self._places[one.sku, serial] = self._moved[one.sku, serial] = piece

    def write(self, conn: Connection) -> None:
        """Keep where the pieces are now."""
        _PUT.run(conn, [(*key, *self._moved[key]) for key in sorted(self._moved)])


def _not_tracked(movement: Movement) -> StockError:
    return StockError(
        f"item {movement.sku} is not tracked by serial numbers: leave them out, or change its "
        "tracking before any of it is received"
    )


def pieces_at(
    conn: Connection, sku: str, lot: str, location: str, status: str = AVAILABLE
) -> tuple[str, ...]:
    """The pieces of an account, by name."""
    asked = {"sku": sku, "lot": lot, "location": location, "status": status}
    return tuple(conn.execute(_HERE, asked).scalars())


def piece(conn: Connection, sku: str, serial: str) -> Piece | None:
    """Where a piece lies, if it was ever named."""
    found = _PLACES.run(conn, [(sku, serial)])
    return Piece(*found[0][2:]) if found else None


def brought(conn: Connection, sku: str, lot: str, location: str, reference: str) -> tuple[str, ...]:
    """The sellable pieces of an account that lie there since a movement with this reference."""
    asked = {"sku": sku, "lot": lot, "location": location, "reference": reference}
    return tuple(conn.execute(_BROUGHT, asked).scalars())


def sent(conn: Connection, sku: str, reference: str, source: str, since_us: int) -> set[str]:
    """The pieces of an item that went to customers with this reference, or that sensors saw leave
    from ``source`` since then.
    """
    asked = {"sku": sku, "reference": reference, "source": source, "since": since_us}
    found = conn.execute(_SENT, asked).scalars()
    return {serial for serials in found for serial in _decode(serials)}


def check(conn: Connection) -> list[str]:
    """Compare where pieces lie with the ledger; a sentence for each that is wrong, at most 100."""
    faults = [
        f"piece {serial} of {sku} is said to be {_at(said)}, its movements say {_at(truth)}"
        for (sku, serial), said, truth in misplaced(conn)
    ]
    return faults[:_MOST_TOLD]


def _at(piece: Piece | None) -> str:
    return "nowhere" if piece is None else f"at {piece.location} ({piece.status})"


def misplaced(
    conn: Connection,
) -> Iterator[tuple[tuple[str, str], Piece | None, Piece | None]]:
    """Each piece that is not where its movements put it: where it is said to be, where it is."""
    truth = _truth(conn)
    for row in conn.execute(_ALL):
        key, said = (row[0], row[1]), Piece(*row[2:])
        place = truth.pop(key, None)
        if place != said:
            yield key, said, place
    for key, place in truth.items():
        yield key, None, place


def rebuild(conn: Connection) -> int:
    """Throw the pieces' places away and take them from the ledger; returns how many there are."""
    truth = _truth(conn)
    conn.execute(text("DELETE FROM serial_place"))
    _INSERT.run(conn, [(*key, *piece) for key, piece in truth.items()])
    return len(truth)


def _truth(conn: Connection) -> dict[tuple[str, str], Piece]:
    placed: dict[tuple[str, str], Piece] = {}
    after = 0
    while found := conn.execute(_MOVED, {"after": after}).all():
        for row in found:
            piece = Piece(row.lot, row.destination, row.destination_status, row.seq)
            placed.update(((row.sku, serial), piece) for serial in _decode(row.serials))
        if found[-1].seq <= after:
            raise Disordered(f"movement {found[-1].seq} comes after movement {after}")
        after = found[-1].seq
    return placed
