"""What was announced, held against what a pass shows: a prior for doubts, and a tally of lines.

**Prior.** A document that is open at this door now adds log-odds, and only where there is a doubt:

- that a tag crossed: ``NAMED`` more for one that a document names by its EPC, ``LISTED`` for one
  of an item that it lists (at most as many as it lists, the likeliest first), ``UNLISTED`` for one
  that no document lists although one fits the rest of the pass. A tag below ``DOUBT_AT`` and a
  known stray get nothing (a pallet that waits at the door is announced, too), nor does any when no
  announced tag of the pass is likely to have crossed by itself. What earlier passes and scans
  brought of an item is not expected any more: a line that is fulfilled announces nothing.
- which way: ``WAY_NAMED`` or ``WAY_LISTED``, if the document covers at least ``COVERED`` of the
  likely tags and the antennas are not sure (``SURE_WAY``) of the other way. So a portal whose
  antennas' sides are unknown gets a direction.

Both can only make a tag that was read count or not count: a line of which nothing was read stays
``expected``, whatever it says.

**Tally.** What crossed is assigned to lines: pieces that a line names first, then by item in the
documents' order, what goes beyond a document's lines to the last line of that item (``over``).

The numbers are choices, not fits: no public recordings of passes have documents. They are mild
enough that paper never beats antennas: 1.5 is four and a half to one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from central.reconcile.expected import Document, Line, LineTold, Note
from central.reconcile.portal.crossing import logistic
from central.reconcile.portal.sides import Sides
from central.reconcile.portal.track import INSIDE
from central.reconcile.portal.weighing import CROSSED_AT, DOUBT_AT, Crossing
from central.reconcile.serials import serial_of
from central.reconcile.verdict import Context, ReadPoint

__all__ = ["Moved", "Open", "Tally", "names_of", "open_at", "prior", "tally", "with_again"]

NAMED, LISTED, UNLISTED = 1.5, 0.75, -0.75
WAY_NAMED, WAY_LISTED = 4.0, 2.5
COVERED = 0.75
SURE_WAY = 0.9
SURE_CROSSED = 0.9


class Open(NamedTuple):
    """A document that is expected here now, which way, and the units of it that came before, by
    item.
    """

    document: Document
    way: str
    brought: Mapping[str, int] = {}

    def left(self) -> dict[str, int]:
        """Units by item that are still to come."""
        listed: Counter[str] = Counter()
        for line in self.document.lines:
            listed[line.sku] += line.quantity
        left = {sku: units - self.brought.get(sku, 0) for sku, units in listed.items()}
        return {sku: units for sku, units in left.items() if units > 0}

    def named(self) -> set[str]:
        """The names of pieces in units, and in lines of items that are still to come."""
        left = self.left()
        epcs = [epc for line in self.document.lines if line.sku in left for epc in line.epcs]
        epcs += [epc for unit in self.document.units for epc in unit.epcs]
        return {serial_of(epc) for epc in epcs}


class Moved(NamedTuple):
    """Pieces of one item that crossed, by one name; ``inferred`` ones were not read."""

    name: str
    sku: str
    quantity: int
    way: str
    inferred: bool = False


class Tally(NamedTuple):
    """What a pass was for one document."""

    document: str
    lines: tuple[LineTold, ...]
    unexpected: dict[str, int]
    wrong_direction: dict[str, int]


def open_at(point: ReadPoint, context: Context, at_us: int) -> list[Open]:
    """The documents that are expected at a read point at a moment, in order of their ids.

    What goes to or from any place behind a portal goes through it; scanners move goods on within
    a warehouse, too, so that there only their own place counts.
    """
    is_portal = point.kind == "portal"
    inside = _behind(point, context) if is_portal else point.location.__eq__
    door = point.code if is_portal else None  # people scan beside the door
    found = {
        document.id: Open(document, document.way(inside))
        for place in filter(inside, context.documents)
        for document in context.documents[place]
        if document.is_due(door, at_us) and document.way(inside)
    }
    return [found[name] for name in sorted(found)]


def _behind(point: ReadPoint, context: Context) -> Callable[[str], bool]:
    sides = Sides(point, context)
    return lambda place: sides.of(place) == INSIDE


# ---- the prior ---------------------------------------------------------------------------
class _Announced:
    """Which tags of a pass the open documents announce, and which way."""

    def __init__(self, opened: Sequence[Open], crossings: Sequence[Crossing]) -> None:
        self._named: dict[str, set[str]] = {}
        self._listed: dict[str, set[str]] = {}
        self._units: dict[str, int] = {}
        for one in opened:
            for name in one.named():
                self._named.setdefault(name, set()).add(one.way)
            for sku, units in one.left().items():
                self._listed.setdefault(sku, set()).add(one.way)
                self._units[sku] = self._units.get(sku, 0) + units
        self.within = self._within(crossings)

    def ways(self, one: Crossing) -> tuple[set[str], bool]:
        """The ways that it is announced to go, and whether by name."""
        named = self._named.get(serial_of(one.track.epc))
        if named:
            return named, True
        return self._listed.get(one.pack.sku, set()) if one.pack else set(), False

    def _within(self, crossings: Sequence[Crossing]) -> set[str]:
        """The likeliest tags of listed items, no more than are listed."""
        left = dict(self._units)
        within = set()
        for one in sorted(crossings, key=lambda one: (-one.odds.crossed, one.track.epc)):
            if one.pack is not None and left.get(one.pack.sku, 0) >= one.pack.quantity:
                left[one.pack.sku] -= one.pack.quantity
                within.add(one.track.epc)
        return within


def prior(crossings: Sequence[Crossing], opened: Sequence[Open]) -> list[Crossing]:
    """The tags of a pass in the light of what was announced: see the module."""
    if not opened:
        return list(crossings)
    announced = _Announced(opened, crossings)
    likely = [one for one in crossings if one.odds.crossed >= CROSSED_AT and one.pack is not None]
    covered = [one for one in likely if announced.ways(one)[0]]
    if not covered:
        return list(crossings)
    fits = len(covered) >= COVERED * len(likely)
    way = _common_way([announced.ways(one)[0] for one in covered]) if fits else ""
    return [_settled(one, announced, way, fits=fits) for one in crossings]


def _common_way(ways: Iterable[set[str]]) -> str:
    common = set.intersection(*ways)
    return common.pop() if len(common) == 1 else ""


def _settled(one: Crossing, announced: _Announced, way: str, *, fits: bool) -> Crossing:
    if one.pack is None or one.known or one.odds.crossed < DOUBT_AT:
        return one
    ways, by_name = announced.ways(one)
    crossed, inwards = one.odds.crossed, one.odds.inwards
    if ways and (by_name or one.track.epc in announced.within):
        crossed = _moved_by(crossed, NAMED if by_name else LISTED)
    elif not ways and fits and crossed < SURE_CROSSED:
        crossed = _moved_by(crossed, UNLISTED)
    expected = one.expected
    if way and way in ways and not _is_sure_of_other(inwards, way):
        weight = WAY_NAMED if by_name else WAY_LISTED
        inwards = _moved_by(inwards, weight if way == "in" else -weight)
        expected = way
    return one._replace(odds=one.odds._replace(crossed=crossed, inwards=inwards), expected=expected)


def _is_sure_of_other(inwards: float, way: str) -> bool:
    return (1.0 - inwards if way == "in" else inwards) > SURE_WAY


def _moved_by(probability: float, log_odds: float) -> float:
    safe = min(max(probability, 1e-9), 1.0 - 1e-9)
    return logistic(math.log(safe / (1.0 - safe)) + log_odds)


# ---- the tally ---------------------------------------------------------------------------
def names_of(document: Document) -> set[str]:
    """The names of all pieces that a document names, in lines and in units."""
    epcs = [epc for line in document.lines for epc in line.epcs]
    epcs += [epc for unit in document.units for epc in unit.epcs]
    return {serial_of(epc) for epc in epcs}


class _Counts:
    """One document's lines being ticked off."""

    def __init__(self, opened: Open) -> None:
        self.document, self.way = opened.document, opened.way
        self._by_name = {serial_of(epc): line for line in self.document.lines for epc in line.epcs}
        self.names = names_of(self.document)
        self.skus = {line.sku for line in self.document.lines}
        self._read = dict.fromkeys((line.line for line in self.document.lines), 0)
        self._inferred = dict(self._read)
        self.wrong: dict[str, int] = {}
        self.unexpected: dict[str, int] = {}

    @property
    def is_touched(self) -> bool:
        """Whether anything of it was seen."""
        seen = any(self._read.values()) or any(self._inferred.values())
        return seen or bool(self.wrong)

    def take(self, one: Moved, *, over: bool) -> bool:
        """Count it on the line that names it or has room; on the item's last if ``over``."""
        line = self._by_name.get(one.name) or self._with_room(one.sku, one.quantity, over=over)
        if line is None:
            return False
        counts = self._inferred if one.inferred else self._read
        counts[line.line] += one.quantity
        return True

    def _with_room(self, sku: str, quantity: int, *, over: bool) -> Line | None:
        mine = [line for line in self.document.lines if line.sku == sku]
        mine.sort(key=lambda line: bool(line.epcs))  # whose pieces are named waits for those
        for line in mine:
            if self._read[line.line] + self._inferred[line.line] + quantity <= line.quantity:
                return line
        return mine[-1] if mine and over else None

    def told(self) -> Tally:
        lines = tuple(
            LineTold(
                line=line.line,
                sku=line.sku,
                state=_state(self._read[line.line] + self._inferred[line.line], line.quantity),
                expected_qty=line.quantity,
                read_qty=self._read[line.line],
                inferred_qty=self._inferred[line.line],
            )
            for line in self.document.lines
        )
        return Tally(self.document.id, lines, self.unexpected, self.wrong)


def tally(opened: Sequence[Open], moved: Sequence[Moved]) -> list[Tally]:
    """What went through, line by line, for each document that anything of was seen."""
    counts = [_Counts(one) for one in opened]
    left: list[Moved] = []
    ordered = sorted(moved, key=lambda one: (one.inferred, one.sku, one.name))
    for one in ordered:
        same = [c for c in counts if c.way == one.way]
        first = sorted(same, key=lambda c, name=one.name: name not in c.names)  # type: ignore[misc]
        if not any(c.take(one, over=False) for c in first):
            left.append(one)
    for one in left:
        _out_of_line(one, counts)
    return [c.told() for c in counts if c.is_touched]


def with_again(notes: Sequence[Note], again: Mapping[str, int]) -> list[Note]:
    """The notes with the units by item that had been moved before, each on the first that lists
    its item.
    """
    left = {sku: quantity for sku, quantity in again.items() if quantity}
    answer = []
    for note in notes:
        here = {line.sku for line in note.lines if line.read_qty or line.inferred_qty}
        mine = {sku: left.pop(sku) for sku in sorted(here & {*left})}
        if mine:
            whole = {sku: note.again.get(sku, 0) + mine.get(sku, 0) for sku in note.again | mine}
            answer.append(msgspec.structs.replace(note, again=whole))
        else:
            answer.append(note)
    return answer


def _out_of_line(one: Moved, counts: Sequence[_Counts]) -> None:
    """More than was listed, the wrong way round, or not on any document that was touched."""
    same = [c for c in counts if c.way == one.way]
    if any(c.take(one, over=True) for c in reversed(same)):
        return
    for c in counts:
        if c.way != one.way and (one.name in c.names or one.sku in c.skus):
            c.wrong[one.sku] = c.wrong.get(one.sku, 0) + one.quantity
            return
    for c in same:
        if c.is_touched:
            c.unexpected[one.sku] = c.unexpected.get(one.sku, 0) + one.quantity
            return


def _state(counted: int, expected: int) -> str:
    if not counted:
        return "expected"
    return "matched" if counted == expected else "short" if counted < expected else "over"
