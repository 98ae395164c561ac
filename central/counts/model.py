"""What counts are made of, and their rules. Pure.

A count says what lay at a place at a moment. The books are compared **as of that moment**: a
movement that stands on the ledger behind the count's snapshot and happened later is re-applied, one
that happened before and came late is not. So

    expected = balance now - units that moved since,    difference = counted - expected,

and posting the difference leaves counted + units that moved since, whatever happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec

from central.stock.model import Status, StockError

__all__ = [
    "CLASSES",
    "REASONS",
    "CountError",
    "Decision",
    "Entry",
    "Key",
    "Line",
    "Moved",
    "StaleCount",
    "State",
    "Tally",
    "Task",
    "abc_classes",
    "difference",
    "settled",
    "state_of",
    "tallied",
]  # fmt: skip

REASONS = (
    "miscounted", "misplaced", "lost", "stolen", "damaged", "unrecorded_movement", "found",
    "tag_unreadable", "wrong_unit", "other",
)  # fmt: skip
CLASSES = {"A": 0.8, "B": 0.95, "C": 1.0}
"""ABC: up to which share of all value that moved, dearest items first, a class goes."""


class CountError(StockError):
    """A count does not take what is asked of it as it stands."""


class StaleCount(CountError):
    """Stock or count changed since it was decided upon: look at it again."""


class State(StrEnum):
    """How a count stands; the words are those that OpenBoxes uses."""

    REQUESTED = "REQUESTED"
    COUNTING = "COUNTING"
    COUNTED = "COUNTED"
    INVESTIGATING = "INVESTIGATING"
    READY_TO_REVIEW = "READY_TO_REVIEW"
    REVIEWED = "REVIEWED"
    CANCELLED = "CANCELLED"


class Key(NamedTuple):
    """An account that is counted."""

    sku: str
    lot: str
    location: str
    status: Status


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Count ``location`` (and ``below`` all within it); only ``skus``, if any are named.

    ``round`` is the recount index. Differences of more than ``threshold`` units are approved by
    somebody who did not count. While a ``blind`` one is counted nobody is told what is expected.
    ``started_seq`` is the ledger's newest movement when counting began.
    """

    id: str
    location: str
    below: bool = False
    skus: tuple[str, ...] = ()
    blind: bool = True
    threshold: int = 0
    state: State = State.REQUESTED
    round: int = 0
    started_seq: int = 0
    schedule: str = ""
    created_us: int = 0
    created_by: str = ""
    started_us: int | None = None
    counted_us: int | None = None
    reviewed_us: int | None = None
    reviewed_by: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Units that somebody found of an account, while the ledger stood at ``as_of``, at
    ``counted_us`` (microseconds since 1970); looking for them began at ``since``.

    ``pieces`` are units by the name of their piece, where they have one: each counts once. Of an
    item that is tracked by them, ``serials`` are what was found.
    """

    id: str
    round: int
    method: str
    key: Key
    quantity: int
    since: int
    as_of: int
    counted_us: int
    by: str
    pieces: dict[str, int] = {}
    serials: tuple[str, ...] = ()


class Tally(NamedTuple):
    """What the entries of an account's last round say together."""

    counted: int
    since: int
    as_of: int
    counted_us: int
    method: str


class Moved(NamedTuple):
    """A movement's effect on an account."""

    seq: int
    event_us: int
    change: int


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of a line that differs: why, and whether the books follow the count.
    ``difference`` and ``serials`` are the line's, as he saw it.
    """

    reason: str
    accept: bool
    difference: int
    by: str = ""
    serials: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it was counted. ``kind`` is ``quantity``; ``missing``: tags that should be
    there and were not heard; ``stranger``: tags that are there, and by the books ``elsewhere``.
    Of an item that is tracked by serial numbers these are its pieces, by their ``serials``.
    ``disturbed``: stock moved while it was being counted, so that nobody can tell.
    """

    kind: str
    sku: str
    lot: str
    location: str
    status: Status
    method: str
    counted: int
    expected: int
    as_of: int
    counted_us: int
    disturbed: bool = False
    epcs: tuple[str, ...] = ()
    serials: tuple[str, ...] = ()
    elsewhere: str = ""
    decision: Decision | None = None

    @property
    def difference(self) -> int:
        """Units that are there and should not be, or the other way round."""
        return self.counted - self.expected

    @property
    def key(self) -> Key:
        """The account."""
        return Key(self.sku, self.lot, self.location, self.status)

    @property
    def name(self) -> tuple[str, ...]:
        """What tells it from the other lines of a count."""
        return (self.kind, *self.key, self.elsewhere)


def tallied(entries: Iterable[Entry]) -> dict[Key, Tally]:
    """The entries (in their order) added up, for each account those of its last round.

    A piece that was found twice in a round counts once, whoever found it.
    """
    last: dict[Key, list[Entry]] = {}
    for one in entries:
        have = last.get(one.key)
        if have is None or have[0].round < one.round:
            last[one.key] = [one]
        elif have[0].round == one.round:
            have.append(one)
    return {key: _together(found) for key, found in last.items()}


def _together(entries: list[Entry]) -> Tally:
    seen: set[str] = set()
    counted = 0
    for one in entries:
        twice = sum(units for name, units in one.pieces.items() if name in seen)
        counted += one.quantity - twice
        seen.update(one.pieces)
    newest = max(entries, key=lambda one: (one.as_of, one.counted_us))
    return Tally(
        counted,
        min(one.since for one in entries),
        newest.as_of,
        newest.counted_us,
        newest.method,
    )


def difference(tally: Tally, balance: int, moved: Iterable[Moved]) -> tuple[int, bool]:
    """What was expected at a count's moment, and whether stock moved while it was counted.

    ``moved`` are the account's movements behind ``tally.since``.
    """
    later = [one for one in moved if one.seq > tally.as_of]
    disturbed = any(tally.since < one.seq <= tally.as_of for one in moved)
    since = sum(one.change for one in later if one.event_us > tally.counted_us)
    return balance - since, disturbed


def settled(line: Line) -> bool:
    """Whether nothing of a line is left to decide."""
    if line.disturbed:
        return False
    decided = line.decision
    if decided is None or line.difference == 0:
        return line.difference == 0
    return (decided.difference, decided.serials) == (line.difference, line.serials)


def state_of(lines: Iterable[Line], *, decided: bool) -> State:
    """How a count stands that is not being counted; ``decided``: somebody looked at it."""
    found = list(lines)
    if all(settled(one) for one in found):
        return State.READY_TO_REVIEW
    return State.INVESTIGATING if decided else State.COUNTED


def abc_classes(values: Mapping[str, int]) -> dict[str, str]:
    """The class of each item by the value of what moved of it: ``A`` are the dearest that
    together move 80 %, ``B`` up to 95 %, all else, and what did not move, is ``C``.
    """
    total = sum(values.values())
    classes, before = {}, 0
    for sku, value in sorted(values.items(), key=lambda one: (-one[1], one[0])):
        share = before / total if total else 1.0
        classes[sku] = next((name for name, upto in CLASSES.items() if share < upto), "C")
        before += value
    return {sku: "C" if not values[sku] else name for sku, name in classes.items()}
