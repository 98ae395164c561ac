"""What others know of the goods in a pass: the ledger, documents, and the units they ride on.

Before the pass is decided, what a scanner has just received leaves it (it crossed, and is stock
already: a witness), and what documents announce settles doubts. Afterwards the lines are ticked
off, units are looked through for what was not heard, and movements tell what of them was read,
inferred and expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.database.moments import from_us
from central.reconcile import containment, documents
from central.reconcile.containment import Carried, Confirmed
from central.reconcile.documents import Moved, Open
from central.reconcile.expected import LineTold, Note
from central.reconcile.identity import derived_id, spanning
from central.reconcile.portal.on_stock import Books
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import INSIDE, OUTSIDE, SIDE_NAMES
from central.reconcile.portal.weighing import CROSSED_AT, Crossing
from central.reconcile.serials import serial_of
from central.reconcile.verdict import Context, ReadPoint, Review, TagVerdict, Verdict
from central.reconcile.witness import Known, Recent, Witness
from central.stock.model import Cause, Movement

__all__ = ["Company"]


class Company:
    """The context of one pass. ``books`` tell where the ledger has its tags."""

    def __init__(
        self,
        point: ReadPoint,
        context: Context,
        recent: Recent,
        books: Books,
        *,
        pass_id: str,
        at_us: int,
    ) -> None:
        self._point = point
        self._context = context
        self._recent = recent
        self._books = books
        self._pass_id = pass_id
        self._at_us = at_us
        self._opened: list[Open] = documents.open_at(point, context, at_us)
        self.all: Sequence[Crossing] = ()
        self._attested: list[tuple[Crossing, Known]] = []

    # ---- before ----------------------------------------------------------------------------
    def before(self, crossings: Sequence[Crossing]) -> list[Crossing]:
        """The tags to decide, in the light of what was announced, without those that another
        kind of sensor has moved just now.
        """
        self._opened = [
            one._replace(brought=self._context.brought.of(one.document.id)) for one in self._opened
        ]
        self.all = documents.prior(crossings, self._opened)
        left = []
        for one in self.all:
            known = self._just_moved(one)
            if known is None:
                left.append(one)
            else:
                self._attested.append((one, known))
        return left

    def _just_moved(self, one: Crossing) -> Known | None:
        """What has brought its goods to the side that it went to, but from the other one."""
        side = INSIDE if one.direction == "in" else OUTSIDE
        place, books = self._books.place(one.track.epc), self._books
        there = place is not None and books.side(one.track.epc) == side
        if one.pack is None or one.odds.crossed < CROSSED_AT or not there:
            return None
        name, window_us = serial_of(one.track.epc), self._point.fuse_s * 1_000_000
        at_us = one.odds.centre_us
        for known in reversed(self._recent.of(one.pack.sku, at_us - window_us, at_us + window_us)):
            crossed = known.destination == place and books.sides.of(known.source) != side
            if known.origin != "portal" and crossed and name in map(serial_of, known.epcs):
                return known
        return None

    @property
    def told(self) -> list[TagVerdict]:
        """The tags that left the pass, for its record."""
        return [
            TagVerdict(
                epc=one.track.epc,
                direction=one.direction,
                confidence=round(one.confidence, 4),
                reads=one.track.reads,
                reason=f"moved already by {known.origin}",
                sku=one.pack.sku if one.pack else None,
                quantity=one.pack.quantity if one.pack else 0,
                peak_rssi_dbm=one.track.peak_dbm,
                sides={
                    name: side.count
                    for name, side in zip(SIDE_NAMES, one.track.sides, strict=True)
                    if side.count
                },
            )
            for one, known in self._attested
        ]

    def in_all(self, direction: str, decision: str, found: Verdict) -> tuple[str, str]:
        """The pass's direction and decision, with the tags that left it and what was ``found``
        of its units.
        """
        ways = {one.direction for one, _ in self._attested} | {direction} - {"none"}
        if self._attested:
            direction = ways.pop() if len(ways) == 1 else "mixed"
        if found.reviews:
            decision = "review"
        elif decision == "nothing" and (self._attested or found.movements):
            decision = "moved"
        return direction, decision

    # ---- after -----------------------------------------------------------------------------
    def after(self, movements: Sequence[Movement], portal: Portal, carried: Carried) -> Verdict:
        """The movements with what was expected of them, and what else follows."""
        moving = {epc for movement in movements for epc in movement.epcs}
        moved = [*self._moved(moving), *self._seen_again()]
        inferred, reviews = self._inferred(moving, portal, carried)
        moved += [
            Moved(one.id, one.sku, one.quantity, _way(one, self._point), inferred=True)
            for one in inferred
        ]
        again: dict[str, int] = {}
        for one, _known in self._attested:
            if one.pack is not None:
                again[one.pack.sku] = again.get(one.pack.sku, 0) + one.pack.quantity
        notes = documents.with_again(self._notes(moved), again)
        return Verdict(
            movements=(*(self._with_expected(one, notes) for one in movements), *inferred),
            reviews=tuple(reviews),
            witnesses=tuple(self._witnesses(portal)),
            notes=tuple(notes),
        )

    def _moved(self, moving: set[str]) -> list[Moved]:
        return [
            Moved(serial_of(one.track.epc), one.pack.sku, one.pack.quantity, one.direction)
            for one in self.all
            if one.pack is not None and one.track.epc in moving
        ]

    def _seen_again(self) -> list[Moved]:
        return [
            Moved(serial_of(one.track.epc), one.pack.sku, one.pack.quantity, one.direction)
            for one, _known in self._attested
            if one.pack is not None
        ]

    def _witnesses(self, portal: Portal) -> list[Witness]:
        groups: dict[str, list[Crossing]] = {}
        for one, known in self._attested:
            groups.setdefault(known.id, []).append(one)
        return [
            Witness(
                id=derived_id("witness", self._pass_id, movement_id),
                movement_id=movement_id,
                quantity=sum(one.pack.quantity for one in ones if one.pack is not None),
                origin="portal",
                read_point=self._point.code,
                event_time=from_us(ones[0].odds.centre_us),
                confidence=round(min(one.confidence for one in ones), 4),
                causes=spanning(portal.causes(one.track for one in ones)),
                epcs=tuple(sorted(one.track.epc for one in ones)),
                evidence={
                    "pass": self._pass_id,
                    "read_point": self._point.code,
                    "direction": ones[0].direction,
                    "tags": len(ones),
                    "reads": sum(one.track.reads for one in ones),
                },
            )
            for movement_id, ones in sorted(groups.items())
        ]

    # ---- units -----------------------------------------------------------------------------
    def _inferred(
        self, moving: set[str], portal: Portal, carried: Carried
    ) -> tuple[list[Movement], list[Review]]:
        heard = {
            serial_of(one.track.epc): one.pack.quantity if one.track.epc in moving else 0
            for one in self.all
            if one.pack is not None
        }
        movements: list[Movement] = []
        reviews: list[Review] = []
        for unit in containment.confirmed(self.all):
            for absent in containment.absent_of(unit, self._opened, carried, self._context, heard):
                answer = containment.ask_or_post(
                    absent,
                    unit,
                    self._point,
                    origin="portal",
                    of=self._pass_id,
                    causes=self._causes(unit, portal),
                    places=self._places_of(absent.epcs),
                )
                if isinstance(answer, Review):
                    reviews.append(answer)
                elif answer is not None:
                    movements += answer
            if unit.along:
                carried.learn(unit.name, [one.track.epc for one in unit.along])
        return movements, reviews

    def _causes(self, unit: Confirmed, portal: Portal) -> tuple[Cause, ...]:
        tracks = [one.track for one in unit.along]
        own = [one.track for one in self.all if serial_of(one.track.epc) == unit.name]
        return spanning(portal.causes([*own, *tracks]))

    def _places_of(self, epcs: Sequence[str]) -> dict[str, str]:
        found = {}
        for epc in epcs:
            placed = self._context.placed
            place = self._books.place(epc) or placed.get(epc) or placed.get(serial_of(epc))
            if place is not None:
                found[epc] = place
        return found

    # ---- documents -------------------------------------------------------------------------
    def _notes(self, moved: Sequence[Moved]) -> list[Note]:
        return [
            Note(
                id=derived_id("note", self._pass_id, one.document),
                document=one.document,
                of=self._pass_id,
                read_point=self._point.code,
                event_time=from_us(self._at_us),
                lines=one.lines,
                unexpected=one.unexpected,
                wrong_direction=one.wrong_direction,
            )
            for one in documents.tally(self._opened, moved)
        ]

    def _with_expected(self, movement: Movement, notes: Sequence[Note]) -> Movement:
        lines = [(note, line) for note in notes for line in note.lines if line.sku == movement.sku]
        if not lines:
            return movement
        told = {
            "read_qty": movement.quantity,
            "inferred_qty": 0,
            "expected_qty": sum(line.expected_qty for _, line in lines),
            "documents": [_line(note.document, line) for note, line in lines],
        }
        return msgspec.structs.replace(movement, evidence=movement.evidence | told)


def _line(document: str, line: LineTold) -> dict[str, object]:
    return {"document": document, "line": line.line, "state": line.state}


def _way(movement: Movement, point: ReadPoint) -> str:
    return "in" if movement.destination == point.location else "out"
