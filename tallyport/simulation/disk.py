"""A memory card in the simulation: the journal's store with every fault of its kind.

It keeps what was synced and, of an honest card, nothing else survives a power cut, because the
journal syncs each commit. A lying card says "synced" and forgets the newest at the cut.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from edge.segments import Recovery, Row, Segment, SegmentLost, StoreFailed

_ROW_BYTES = 24
_SEGMENT_BYTES = 4_096


@dataclass
class _File:
    """A segment's content. ``unsynced`` rows at its end are a lie; ``rotten`` is unreadable."""

    epoch: str
    number: int
    first_seq: int
    rows: list[Row] = field(default_factory=list)
    unsynced: int = 0
    sealed: bool = False
    rotten: bool = False


@dataclass
class Card:
    """What stands on the card, and what is wrong with it: it may be ``full``, or ``lying`` about
    what it has synced. ``copy`` makes a clone of it.
    """

    files: dict[int, _File] = field(default_factory=dict)
    aside: list[_File] = field(default_factory=list)
    position: dict[str, object] = field(default_factory=dict)
    used_numbers: int = 0
    full: bool = False
    lying: bool = False

    def copy(self) -> Card:
        """The same content on another card."""
        return copy.deepcopy(self)


class SimStore:
    """A ``SegmentStore`` on a ``Card``, for one life of an edge.

    ``written`` is told every row that may be read back one day; ``cut`` kills the process in the
    middle of a commit, the next one when ``tear_next`` is set.
    """

    def __init__(
        self,
        card: Card,
        chance: Random,
        *,
        written: Callable[[str, Row], None],
        cut: Callable[[], None],
    ) -> None:
        self._card = card
        self._chance = chance
        self._written = written
        self._cut = cut
        self.tear_next = False

    # ---- faults ------------------------------------------------------------------------
    def power_cut(self) -> int:
        """The power goes; what a lying card forgets, oldest promises kept. Rows lost."""
        lost = 0
        for file in self._card.files.values():
            keep = self._chance.randint(0, file.unsynced)
            lost += file.unsynced - keep
            del file.rows[len(file.rows) - file.unsynced + keep :]
            file.unsynced = 0
        return lost

    def rot(self) -> bool:
        """A sealed segment becomes unreadable; false when there is none."""
        sealed = [file for file in self._card.files.values() if file.sealed and not file.rotten]
        if sealed:
            self._chance.choice(sealed).rotten = True
        return bool(sealed)

    # ---- the store ---------------------------------------------------------------------
    def scan(self) -> list[Segment]:
        """See ``SegmentStore``."""
        return [
            Segment(file.epoch, file.number, file.first_seq, file.first_seq - 1)
            for file in sorted(self._card.files.values(), key=lambda file: file.number)
        ]

    def create(self, epoch: str, first_seq: int) -> Segment:
        """See ``SegmentStore``."""
        if self._card.full:
            raise StoreFailed("no space left on the card")
        self._card.used_numbers += 1
        number = self._card.used_numbers
        self._card.files[number] = _File(epoch, number, first_seq)
        return Segment(epoch, number, first_seq, first_seq - 1, is_open=True)

    def open(self, segment: Segment, found: Recovery) -> None:
        """See ``SegmentStore``."""
        file = self._card.files[segment.number]
        if file.rotten:
            self.put_aside(segment, "rotten", found)
            raise SegmentLost(f"{segment.name} is rotten")
        segment.is_open = True
        segment.last_seq = file.rows[-1][0] if file.rows else file.first_seq - 1

    def append(self, segment: Segment, rows: Sequence[Row]) -> None:
        """See ``SegmentStore``."""
        file = self._card.files[segment.number]
        assert segment.is_open
        assert not file.sealed
        if self._card.full:
            if self._chance.random() < 0.2:
                self._add(file, rows)
            raise StoreFailed("no space left on the card")
        if self.tear_next:
            self.tear_next = False
            if self._chance.random() < 0.5:
                self._add(file, rows)
            self._cut()
        self._add(file, rows)

    def _add(self, file: _File, rows: Sequence[Row]) -> None:
        file.rows += rows
        file.unsynced = file.unsynced + len(rows) if self._card.lying else 0
        for row in rows:
            self._written(file.epoch, row)

    def rows(self, segment: Segment, after_seq: int, limit: int) -> list[Row]:
        """See ``SegmentStore``."""
        file = self._card.files[segment.number]
        if file.rotten:
            raise StoreFailed(f"{segment.name} could not be read: rotten")
        first = max(0, after_seq + 1 - file.first_seq)
        return file.rows[first : first + limit]

    def seal(self, segment: Segment) -> None:
        """See ``SegmentStore``."""
        self.let_go(segment)
        if self._card.full:
            raise StoreFailed("no space left on the card")
        self._card.files[segment.number].sealed = True

    def let_go(self, segment: Segment) -> None:
        """See ``SegmentStore``."""
        segment.is_open = False

    def remove(self, segment: Segment) -> None:
        """See ``SegmentStore``."""
        self._card.files.pop(segment.number, None)

    def put_aside(self, segment: Segment, why: str, found: Recovery) -> None:
        """See ``SegmentStore``."""
        self._card.aside.append(self._card.files.pop(segment.number))
        found.quarantined.append(f"{segment.name}: {why}")

    def size(self, segment: Segment) -> int:
        """See ``SegmentStore``."""
        file = self._card.files.get(segment.number)
        if file is None:
            return 0
        return _SEGMENT_BYTES + sum(_ROW_BYTES + len(body) for _, body in file.rows)

    def free_bytes(self) -> int:
        """See ``SegmentStore``."""
        return 0 if self._card.full else 2**40

    def log_bytes(self, segment: Segment) -> int:
        """See ``SegmentStore``."""
        file = self._card.files[segment.number]
        return 0 if file.sealed else _ROW_BYTES * len(file.rows)

    def may_grow(self, segment: Segment) -> bool:
        """See ``SegmentStore``."""
        return not self._card.files[segment.number].sealed

    def load_position(self) -> dict[str, object]:
        """See ``SegmentStore``."""
        return copy.deepcopy(self._card.position)

    def save_position(self, position: dict[str, object]) -> None:
        """See ``SegmentStore``; a lying card may keep the older one."""
        if self._card.full:
            raise StoreFailed("no space left on the card")
        if not self._card.lying or self._chance.random() < 0.5:
            self._card.position = copy.deepcopy(position)

    def close(self) -> None:
        """See ``SegmentStore``."""
