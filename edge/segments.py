"""The journal's store: write-once segments, as the journal sees them.

A segment is a stretch of rows that is added to, sealed once, and removed as a whole. The real
store is ``edge.segments_duckdb``; a simulation hands over one that forgets and fails on purpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

Row = tuple[int, bytes]
"""A sequence number and an encoded observation."""


class SegmentLost(Exception):
    """A segment does not open, even after repair, and was put aside (or, never completely
    made, removed).
    """


class StoreFailed(Exception):
    """The store could not do it now (a full disk, a dying card); the text says why."""


class Starved(StoreFailed):
    """The machine had no file handle or no memory left for it: nothing is wrong with what stands
    on the disk, which must stay where it is. To be tried again.
    """


@dataclass(slots=True)
class Recovery:
    """What opening found and did, in sentences for logs and health. Empty when all was well."""

    repaired: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """For the log; only the newest few, as a sick disk may have much to say."""
        self.noted.append(sentence)
        del self.noted[:-20]


@dataclass(slots=True)
class Segment:
    """A segment's place in the journal. ``last_seq`` is ``first_seq - 1`` while empty.

    ``is_open`` says that the store holds its files open; ``sealed_bytes`` is its size once it
    will not grow any more.
    """

    epoch: str
    number: int
    first_seq: int
    last_seq: int
    is_open: bool = False
    sealed_bytes: int | None = None

    @property
    def name(self) -> str:
        """Carries what must survive the loss of the content."""
        return f"{self.epoch}-{self.number:08d}-{self.first_seq:019d}"

    @property
    def rows(self) -> int:
        """How many sequence numbers it covers."""
        return self.last_seq - self.first_seq + 1


class SegmentStore(Protocol):
    """Where segments live. Blocking; called by one thread at a time."""

    def scan(self) -> list[Segment]:
        """All segments by number; their ``last_seq`` is not known yet."""
        ...

    def create(self, epoch: str, first_seq: int) -> Segment:
        """A new, empty, open segment that survives a power cut; its number was never used.

        Raises ``StoreFailed``.
        """
        ...

    def open(self, segment: Segment, found: Recovery) -> None:
        """Open a segment and learn its ``last_seq``, repairing a torn tail.

        Raises ``SegmentLost``, or ``Starved``, which changes nothing.
        """
        ...

    def append(self, segment: Segment, rows: Sequence[Row]) -> None:
        """Add rows in one commit that is synced when this returns. Raises ``StoreFailed``:
        then the rows may stand there or not.
        """
        ...

    def rows(self, segment: Segment, after_seq: int, limit: int) -> list[Row]:
        """Rows of an open segment by sequence number. Raises ``StoreFailed``."""
        ...

    def seal(self, segment: Segment) -> None:
        """No more will be added; lets go of it. Raises ``StoreFailed``, which loses nothing."""
        ...

    def let_go(self, segment: Segment) -> None:
        """Close a segment's files; harmless when they are not open."""
        ...

    def remove(self, segment: Segment) -> None:
        """Delete a segment. Raises ``StoreFailed``: then it may come back at the next start."""
        ...

    def put_aside(self, segment: Segment, why: str, found: Recovery) -> None:
        """Take a segment that cannot be read out of the ring, for a person to look at."""
        ...

    def size(self, segment: Segment) -> int:
        """Bytes on disk."""
        ...

    def free_bytes(self) -> int:
        """What the disk still has for more."""
        ...

    def log_bytes(self, segment: Segment) -> int:
        """Bytes written since it was made and not sealed; 0 once it is."""
        ...

    def may_grow(self, segment: Segment) -> bool:
        """Whether it was never sealed."""
        ...

    def load_position(self) -> dict[str, object]:
        """What ``save_position`` wrote last; empty when there is nothing readable."""
        ...

    def save_position(self, position: dict[str, object]) -> None:
        """Replace the position durably, all or nothing. Raises ``StoreFailed``."""
        ...

    def close(self) -> None:
        """Close everything. Nothing is lost without it."""
        ...
