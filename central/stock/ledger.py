"""Posting: movements become rows of the ledger, balances follow, all in one transaction.

The rules are decided in memory over a ``_Desk``: everything the batch touches, read with a
handful of statements however long the batch is. That is sound because one writer holds the
database; what was read cannot change before it is written.

A command that breaks a rule of a place is refused. What sensors saw happened all the same: it is
posted, and ``Posted.broken`` names the rules, for whoever posts to ask a person about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from central.access import behalf
from central.database.ahead import Ahead
from central.database.bulk import BulkInsert, BulkLookup, ahead_of
from central.database.moments import from_us
from central.judging.effective import judged_upto
from central.stock import chain, foreseen, rows, sealing
from central.stock.foreseen import Foreseen, Short
from central.stock.model import (
    STATUSES,
    ConflictingRepeat,
    LocationKind,
    Movement,
    NotReceived,
    OutOfReach,
    Posted,
    RuleBroken,
    StockError,
    UnknownItem,
    UnknownLocation,
)
from central.stock.room import ItemFacts, Room
from central.stock.rules import FACTS, Size
from central.stock.sealing import Block, Sealed
from central.stock.serials import Serials
from central.stock.standing import Standing
from central.stock.witnesses import PUT_TAGS

__all__ = ["AT_ONCE", "post", "post_each"]

_OTHERS = (LocationKind.SUPPLIER, LocationKind.CUSTOMER, LocationKind.UNKNOWN)
"""Where goods are that are not ours: what comes from there is received."""
AT_ONCE = 4_000
"""Movements that are best posted together, where so many wait: a tenth of a second's work."""
MAX_QUANTITY = 2**53
"""Units in one movement: what a JSON number carries exactly."""
_SAME_ID = BulkLookup(
    f"SELECT {', '.join('m.' + name for name, _ in rows.COLUMNS)} "  # noqa: S608 (our own words)
    "FROM {keys} JOIN movement m ON m.id = k.id",
    (("id", "text"),),
)
_ITEMS = BulkLookup(
    "SELECT i.sku, i.status, i.family, i.category, i.tracking, i.unit_mg, "
    "i.length_mm * i.width_mm * i.height_mm "
    "FROM {keys} JOIN item i ON i.sku = k.sku",
    (("sku", "text"),),
)
_INSERT = BulkInsert("movement", rows.COLUMNS)
_FIRST = 125
"""Movements in a batch's first part. Each further one is twice as large: deciding takes about half
the time that the database takes for those before, and it takes large ones with less work.
"""
_FEW = 25
"""Movements that are decided until it is looked whether the database has taken them."""


def post(
    conn: Connection, movements: Sequence[Movement], *, record_us: int, log_id: int = 0
) -> list[Posted]:
    """Post all the movements or none; raises the first ``StockError``.

    A movement whose id was posted before returns that first result with ``repeated`` set.
    ``record_us`` is central's time in microseconds since 1970. ``log_id`` is the log entry
    that led here; 0 stands for the entry that judging stands at (so that a replay knows
    between which entries a person moved something).
    """
    desk = _Desk(conn, movements, Standing(conn, movements), (record_us, log_id))
    results: list[Posted] = []
    for movement in movements:
        result = desk.decide(movement)
        if isinstance(result, StockError):
            raise result
        results.append(result)
    desk.put(conn, None)
    desk.write(conn, desk.sealed(chain.last(conn)))
    return results


def post_each(
    conn: Connection, movements: Sequence[Movement], *, record_us: int, log_id: int = 0
) -> list[Posted | StockError]:
    """Post what can be posted, in order; for each movement its result or why it was refused.

    A refused movement leaves no trace; those after it are decided as if it had not been.
    """
    told = (record_us, log_id)
    if foreseen.worth_it(conn, movements):
        try:
            with conn.begin_nested():
                return _each(conn, movements, Foreseen(), told)
        except (Short, IntegrityError):  # the table refuses an id that it has
            foreseen.missed(conn)
    return _each(conn, movements, Standing(conn, movements), told)


def _each(
    conn: Connection,
    movements: Sequence[Movement],
    standing: Standing | Foreseen,
    told: tuple[int, int],
) -> list[Posted | StockError]:
    desk = _Desk(conn, movements, standing, told)
    before = chain.last(conn)
    results: list[Posted | StockError] = []
    with ahead_of(conn, len(movements)) as ahead:
        due = _FIRST
        for first in range(0, len(movements), _FEW):
            results += map(desk.decide, movements[first : first + _FEW])
            if ahead is not None:
                ahead.go_on()
            if len(results) >= due:
                desk.put(conn, ahead)
                due += due + _FIRST
        desk.put(conn, ahead)
        block = desk.sealed(before)
    if standing.fresh:
        refused = [
            one.id
            for one, result in zip(movements, results, strict=True)
            if isinstance(result, StockError)
        ]
        if _SAME_ID.run(conn, _keys(refused)):
            raise Short
    desk.write(conn, block)
    return results


class _Desk:
    """All that deciding a batch needs, and what was decided so far. ``told`` is central's time
    and the log entry, as ``post`` has them.
    """

    def __init__(
        self,
        conn: Connection,
        movements: Sequence[Movement],
        standing: Standing | Foreseen,
        told: tuple[int, int],
    ) -> None:
        known = [] if standing.fresh else _SAME_ID.run(conn, _keys(m.id for m in movements))
        self._posted: dict[str, Posted] = {row[1]: rows.from_row(row) for row in known}
        self._items = _items(conn, movements)
        self._room = Room(conn, movements, self._items)
        self._standing = standing
        self._serials = Serials(conn, movements, self._items, self._room)
        head = conn.execute(text("SELECT coalesce(max(seq), 0) FROM movement")).scalar_one()
        self._next_seq = int(head) + 1
        self._roots = behalf.roots()
        self._record_us, log_id = told
        self._log_id = log_id or judged_upto(conn)
        self._now = from_us(self._record_us)
        self._new: list[Posted] = []
        self._lines: list[tuple[object, ...]] = []
        self._tags: dict[str, tuple[object, ...]] = {}

    def decide(self, movement: Movement) -> Posted | StockError:
        """Accept the movement (as the next of the ledger) or say what forbids it."""
        before = self._posted.get(movement.id)
        if before is not None:
            return _repeat(before, movement)
        settled = self._settled(movement)
        if isinstance(settled, StockError):
            return settled
        movement = settled
        broken = tuple(self._room.broken(movement))
        if broken and movement.origin not in FACTS:
            return RuleBroken(
                broken, full=self._room.full(movement), fits=self._room.fits(movement)
            )
        posted = Posted(seq=self._next_seq, movement=movement, record_time=self._now, broken=broken)
        self._next_seq += 1
        self._new.append(posted)
        self._posted[movement.id] = posted
        self._standing.add(posted)
        self._serials.add(posted)
        self._room.add(movement)
        for epc in movement.epcs:
            placed = (movement.destination, movement.destination_status, posted.seq)
            self._tags[epc] = (epc, movement.sku, *placed)
        return posted

    def put(self, conn: Connection, ahead: Ahead | None) -> None:
        """Put what was accepted since the last time on the ledger, or have it put ``ahead``."""
        us, at = self._record_us, self._log_id
        fresh = self._new[len(self._lines) :]
        lines = [rows.to_row(one.seq, one.movement, us, at) for one in fresh]
        _INSERT.add(conn, ahead, lines)
        self._standing.put(ahead)
        self._lines += lines

    def sealed(self, before: Sealed) -> Block | None:
        """The block of all that was put; ``None`` where nothing was."""
        return sealing.sealed(before, self._lines, ()) if self._lines else None

    def write(self, conn: Connection, block: Block | None) -> None:
        """Bring what follows from the ledger up to date with what was put on it."""
        if block is None:
            return
        chain.put(conn, block)
        self._standing.write(conn)
        PUT_TAGS.run(conn, [self._tags[epc] for epc in sorted(self._tags)])
        self._serials.write(conn)
        self._room.write(conn)

    def _settled(self, movement: Movement) -> Movement | StockError:
        """The movement between the accounts that it takes from and goes to, or its refusal."""
        unknown = self._unknown(movement) or self._not_reached(movement)
        if unknown is not None:
            return unknown
        bounded = self._room.kind(movement.source) == LocationKind.INTERNAL
        settled = self._standing.settled(self._serials.named(movement), bounded=bounded)
        if isinstance(settled, StockError):
            return settled
        refusal = self._not_received(settled) or _ends_refused(settled) or self._unnamed(settled)
        if refusal is None and bounded:
            refusal = self._standing.short(settled)
        return settled if refusal is None else refusal

    def _unnamed(self, movement: Movement) -> StockError | None:
        """What is tracked by lot or by serial number moves by name, unless it was sensed."""
        by_lot = self._items[movement.sku].tracking == "lot"
        if by_lot and not movement.lot and movement.origin not in FACTS:
            return StockError(f"item {movement.sku} is tracked by lot: name the lot")
        return self._serials.refusal(movement)

    def _unknown(self, movement: Movement) -> StockError | None:
        if movement.sku not in self._items:
            return UnknownItem(f"there is no item {movement.sku}: add it to the catalogue first")
        for code in (movement.source, movement.destination):
            if self._room.kind(code) is None:
                return UnknownLocation(f"there is no location {code}: add it first")
        return None

    def _not_reached(self, movement: Movement) -> StockError | None:
        """Both ends must be granted to whoever moves; the ends of the books are everybody's, but
        not without a place at the other end.
        """
        if self._roots is None:
            return None
        ends = [
            code
            for code in (movement.source, movement.destination)
            if self._room.kind(code) == LocationKind.INTERNAL
        ]
        outside = [code for code in ends if not self._room.lies_in(code, self._roots)]
        if ends and not outside:
            return None
        where = " and ".join(outside) or f"{movement.source} and {movement.destination}"
        return OutOfReach(f"you were not granted to move goods at {where}")

    def _not_received(self, movement: Movement) -> StockError | None:
        """What is retired comes in no more: what is there may be moved, counted and shipped, and
        a mistake taken back.
        """
        item = self._items[movement.sku]
        if item.family:
            return NotReceived(
                f"item {movement.sku} is a family, which has no stock: name one of its variants"
            )
        if item.status == "active" or movement.corrects is not None:
            return None
        comes_in = (
            self._room.kind(movement.source) in _OTHERS
            and self._room.kind(movement.destination) == LocationKind.INTERNAL
        )
        if not comes_in:
            return None
        return NotReceived(
            f"item {movement.sku} is {item.status}: it is received no more, though what is there "
            "can leave; make it active again to receive it"
        )


def _items(conn: Connection, movements: Sequence[Movement]) -> dict[str, ItemFacts]:
    """What posting must know of the items; most of these are alike in that."""
    alike: dict[tuple[object, ...], ItemFacts] = {}
    found = {}
    for sku, *told in _ITEMS.run(conn, _keys(m.sku for m in movements)):
        key = tuple(told)
        facts = alike.get(key)
        if facts is None:
            status, family, category, tracking, *size = told
            facts = ItemFacts(status, bool(family), category, tracking, Size(*size))
            alike[key] = facts
        found[sku] = facts
    return found


def _ends_refused(movement: Movement) -> StockError | None:
    from_status, to_status = movement.source_status, movement.destination_status
    if from_status not in STATUSES or to_status not in STATUSES:
        said = f"{from_status} or {to_status}"
        return StockError(f"a status is one of {', '.join(STATUSES)}, not {said}")
    if movement.source == movement.destination and from_status == to_status:
        return StockError(
            f"a movement goes from one place to another, not from {movement.source} to itself: "
            "there it can only change a status"
        )
    said = f"{movement.lot}{movement.reason}{movement.reference}{movement.actor}"
    if "\x00" in said or any("\x00" in one for one in movement.serials):
        return StockError("a lot or a reason with a NUL character in it cannot be stored")
    if not 1 <= movement.quantity <= MAX_QUANTITY:
        return StockError(f"a movement is of 1 to {MAX_QUANTITY} units, not {movement.quantity}")
    return None


def _repeat(before: Posted, movement: Movement) -> Posted | StockError:
    if _content(rows.as_judged(before.movement)) == _content(rows.as_judged(movement)):
        return msgspec.structs.replace(before, repeated=True, broken=())
    return ConflictingRepeat(
        f"movement {movement.id} was posted before with other content (as number {before.seq}): "
        "use a fresh id for another movement"
    )


def _content(movement: Movement) -> tuple[object, ...]:
    """What makes two movements the same: all that stock depends on. Times and evidence may
    differ between a request and its retry, and sensors do not tell of statuses.
    """
    told = (movement.source_status, movement.destination_status)
    return (
        None if movement.origin in FACTS else told,
        movement.sku,
        movement.lot,
        movement.quantity,
        movement.source,
        movement.destination,
        movement.biz_step,
        movement.disposition,
        movement.corrects,
        sorted(movement.epcs),
        None if movement.epcs else sorted(movement.serials),  # tags carry theirs
    )


def _keys(values: Iterable[str]) -> list[tuple[str]]:
    return [(value,) for value in dict.fromkeys(values)]
