"""The edge's log: what was appended here is on disk, in order, until central has it too.

A ring of write-once segments (see ``edge.segments``). ``append`` returns after the operating
system has synced the rows; only then do they have sequence numbers that anybody may see.
Rows go when central has committed them (``trim``), or when the journal is full and its owner
chose to lose the oldest (``drop_oldest``) rather than to refuse the newest
(``refuse_newest``); either is counted, and a gap is declared to central, never hidden.

Every start opens a new *chapter* with an epoch of its own, whose numbers begin at 1. What
earlier starts left is kept under their epochs and is sent first. So no number is ever given
twice, even by a card that lied about what it had synced, or that was copied.

Blocking and thread-safe: call it from a worker thread, never from the event loop.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.chapters import Chapter, Stretch, following, in_order, read_chapters
from edge.segments import Recovery, Row, Segment, SegmentLost, SegmentStore, Starved, StoreFailed
from edge.segments_duckdb import DuckDBSegments
from gateway.clock import Clock, SystemClock

_POSITION_EVERY_S = 5.0


class JournalFull(Exception):
    """The journal is at its limit and refuses the newest; nothing was appended."""


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """How much the journal may take, and what gives when it is full.

    ``max_bytes`` bounds the disk used, and once more what was put aside for a person;
    ``segment_rows`` and ``segment_bytes`` say when a segment is sealed. ``memory_mib`` is
    DuckDB's budget.
    """

    max_bytes: int = 2 * 2**30
    segment_rows: int = 50_000
    segment_bytes: int = 16 * 2**20
    when_full: Literal["drop_oldest", "refuse_newest"] = "drop_oldest"
    memory_mib: int = 48


@dataclass(frozen=True, slots=True)
class JournalStats:
    """Figures for health and metrics. ``limit_bytes`` is what it may take in all, less than its
    limit where the disk has no more; ``rows`` are those not yet trimmed. What was refused is
    counted by whoever appends, who may try again.
    """

    bytes_on_disk: int
    limit_bytes: int
    segments: int
    rows: int
    dropped: int


class Journal:
    """See the module. ``Journal.open`` makes one in a directory; another store and clock may be
    handed over. Damage never stops it: torn tails are cut off, bad segments put aside, and
    ``recovery`` says so.
    """

    def __init__(
        self,
        store: SegmentStore,
        limits: JournalLimits,
        *,
        clock: Clock | None = None,
        new_epoch: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._store = store
        self.limits = limits
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._segments: list[Segment] = []
        self._undeleted: list[Segment] = []
        self._active: Segment | None = None
        self._doubt: tuple[Segment, list[bytes]] | None = None
        self._standing: list[bytes] = []
        self._position_saved = 0.0
        self._dropped = 0
        self.recovery = Recovery()
        self.epoch = new_epoch()
        self._chapters = [Chapter(self.epoch)]
        self._recover()

    @classmethod
    def open(cls, directory: Path, limits: JournalLimits | None = None) -> Journal:
        """Open or make the journal in ``directory``."""
        limits = limits or JournalLimits()
        return cls(DuckDBSegments(directory, limits.memory_mib, limits.max_bytes), limits)

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """Oldest first; the last is this start's own, the others have rows that wait."""
        with self._lock:
            return tuple(self._chapters)

    @property
    def next_seq(self) -> int:
        """The number that the next row will get."""
        return self._chapters[-1].last_seq + 1

    # ---- adding ------------------------------------------------------------------------
    def append(self, bodies: Sequence[bytes]) -> range:
        """Make ``bodies`` durable and give their sequence numbers. All or nothing.

        Raises JournalFull when the limit is reached and the newest are to be refused, or when
        the disk itself is full and nothing can be dropped.
        """
        with self._lock:
            if not bodies:
                return range(self.next_seq, self.next_seq)
            self._settle_doubt()
            same = list(bodies[: len(self._standing)]) == self._standing
            stand = len(self._standing) if same else 0
            seqs = range(self.next_seq - stand, self.next_seq - stand + len(bodies))
            if stand < len(bodies):
                self._add(bodies[stand:])
            self._standing = []
            return seqs

    def _add(self, bodies: Sequence[bytes]) -> None:
        self._make_room()
        active = self._writable()
        seqs = range(self.next_seq, self.next_seq + len(bodies))
        try:
            self._store.append(active, list(zip(seqs, bodies, strict=True)))
        except StoreFailed as failed:
            self._doubt = (active, list(bodies))
            self._settle_doubt()
            if not self._standing:
                raise JournalFull(str(failed)) from failed
        else:
            active.last_seq = seqs[-1]
            self._grown_to(seqs[-1])
            if self._is_complete(active):
                self._seal(active)

    def _settle_doubt(self) -> None:
        """Find out whether the rows of a failed commit stand all the same: whoever offers them
        again gets the numbers that they have. JournalFull while the disk cannot be asked.
        """
        if self._doubt is None:
            return
        active, bodies = self._doubt
        try:
            stands = self._stands_after_failure(active, self.next_seq + len(bodies) - 1)
        except Starved as starved:
            raise JournalFull(str(starved)) from starved
        self._doubt, self._standing = None, bodies if stands else []

    def _grown_to(self, last_seq: int) -> None:
        self._chapters[-1] = self._chapters[-1]._replace(last_seq=last_seq)

    def _writable(self) -> Segment:
        """The active segment, or a new one; JournalFull when the disk has no room for it."""
        try:
            if self._active is not None and not self._active.is_open:
                self._stands_after_failure(self._active, self.next_seq)
            if self._active is None:
                self._active = self._store.create(self.epoch, self.next_seq)
                self._segments.append(self._active)
        except StoreFailed as failed:
            raise JournalFull(str(failed)) from failed
        return self._active

    def _stands_after_failure(self, active: Segment, last_seq: int) -> bool:
        """Start the active segment afresh from disk, and say whether the rows that a failed
        commit was about stand there all the same: then they must not be appended again. Raises
        ``Starved``.
        """
        self._store.let_go(active)
        last = active.last_seq
        try:
            self._store.open(active, self.recovery)
        except SegmentLost:
            self._segments.remove(active)
        else:
            last = max(last, active.last_seq)
        self._grown_to(max(self.next_seq - 1, last))
        goes_on = active.is_open and self._store.may_grow(active)
        self._active = active if goes_on and active.last_seq + 1 == self.next_seq else None
        return last >= last_seq

    def _make_room(self) -> None:
        if self._size() < self.limits.max_bytes:
            return
        if self.limits.when_full == "refuse_newest":
            raise JournalFull(
                f"the journal holds its limit of {self.limits.max_bytes // 2**20} MiB; "
                "central has not taken anything: check the connection, or raise journal.max_mib"
            )
        while self._size() >= self.limits.max_bytes:
            oldest = self._segments[0]
            if oldest is self._active:
                return
            self._dropped += self._waiting(oldest)
            self._forget(oldest)

    def _is_complete(self, active: Segment) -> bool:
        smaller = min(self.limits.segment_bytes, self.limits.max_bytes // 8)
        return active.rows >= self.limits.segment_rows or self._store.size(active) >= smaller

    def _seal(self, active: Segment) -> None:
        """No more is added to it; the next append starts another. A failure (a full disk) costs
        nothing: its log still holds every row.
        """
        self._active = None
        try:
            self._store.seal(active)
        except StoreFailed as failed:
            self.recovery.note(str(failed))
        active.sealed_bytes = self._store.size(active)

    # ---- taking ------------------------------------------------------------------------
    def read(self, epoch: str, after_seq: int, limit: int) -> Stretch:
        """Up to ``limit`` consecutive rows of a chapter after ``after_seq``.

        Without rows, ``lost_before`` tells how many numbers up to the chapter's end are gone.
        Raises ``Starved``.
        """
        with self._lock:
            for segment in [one for one in self._segments if one.epoch == epoch]:
                if segment.last_seq <= after_seq:
                    continue
                if rows := self._rows(segment, after_seq, limit):
                    first = rows[0][0]
                    return Stretch(first, first - after_seq - 1, [body for _, body in rows])
            at = self._chapter_at(epoch)
            gap = 0 if at is None else max(0, self._chapters[at].last_seq - after_seq)
            return Stretch(after_seq + gap + 1, gap, [])

    def _rows(self, segment: Segment, after_seq: int, limit: int) -> list[Row]:
        try:
            if not segment.is_open:
                self._store.open(segment, self.recovery)
            rows = self._store.rows(segment, after_seq, limit)
        except Starved:
            raise
        except (SegmentLost, StoreFailed) as failed:
            self._lose(segment, failed)
            return []
        finally:
            if segment is not self._active:
                self._store.let_go(segment)
        return _consecutive(rows)

    def _lose(self, segment: Segment, why: SegmentLost | StoreFailed) -> None:
        """A sealed segment turned out unreadable: the rest of the journal goes on without it."""
        if segment is self._active:
            self._stands_after_failure(segment, segment.last_seq)
            return
        self._store.let_go(segment)
        self._segments.remove(segment)
        if isinstance(why, StoreFailed):
            self._store.put_aside(segment, str(why), self.recovery)

    # ---- letting go --------------------------------------------------------------------
    def trim(self, epoch: str, upto_seq: int) -> None:
        """Central has committed everything of ``epoch`` up to ``upto_seq``: remove what is not
        needed. A chapter of an earlier start that is done with ends.
        """
        with self._lock:
            at = self._chapter_at(epoch)
            if at is None:
                return
            chapter = self._chapters[at]
            if upto_seq > chapter.last_seq:
                self._note_missing(chapter, upto_seq)
            upto_seq = max(chapter.trimmed_upto, min(upto_seq, chapter.last_seq))
            self._chapters[at] = chapter._replace(trimmed_upto=upto_seq)
            mine = [one for one in self._segments if one.epoch == epoch and one is not self._active]
            done = [one for one in mine if one.last_seq <= upto_seq]
            if done:  # the last trace of how far the chapter went must not go with the file
                self._save_position()
            for segment in done:
                self._forget(segment)
            if epoch != self.epoch and upto_seq >= chapter.last_seq:
                del self._chapters[at]
                self._save_position()
            elif self._clock.steady_s() - self._position_saved >= _POSITION_EVERY_S:
                self._save_position()

    def set_aside(self, epoch: str, why: str) -> int:
        """Central will never take the rest of an earlier chapter: keep its files for a person.
        How many rows are concerned.
        """
        with self._lock:
            at = self._chapter_at(epoch)
            if at is None or epoch == self.epoch:
                return 0
            concerned = 0
            for segment in [s for s in self._segments if s.epoch == epoch]:
                concerned += self._waiting(segment)
                self._store.let_go(segment)
                self._store.put_aside(segment, why, self.recovery)
                self._segments.remove(segment)
            del self._chapters[at]
            self._save_position()
            return concerned

    def _note_missing(self, chapter: Chapter, upto_seq: int) -> None:
        self.recovery.note(
            f"central holds observations up to {upto_seq} of {chapter.epoch}, this card only up "
            f"to {chapter.last_seq}: the card lost what it had promised to keep, or is a copy"
        )

    def stats(self) -> JournalStats:
        """Figures as of now."""
        with self._lock:
            size = self._size()
            return JournalStats(
                bytes_on_disk=size,
                limit_bytes=min(self.limits.max_bytes, size + self._store.free_bytes()),
                segments=len(self._segments),
                rows=sum(self._waiting(segment) for segment in self._segments),
                dropped=self._dropped,
            )

    def close(self) -> None:
        """Remember the position and let go of the files. Nothing is lost without it."""
        with self._lock:
            self._save_position()
            self._store.close()

    # ---- opening -----------------------------------------------------------------------
    def _recover(self) -> None:
        known = read_chapters(self._store.load_position())
        found = self._store.scan()
        earlier = []
        for epoch in in_order(known, found):
            mine = [segment for segment in found if segment.epoch == epoch]
            hint = known.get(epoch, Chapter(epoch))
            last_seq = max(hint.last_seq, self._recover_segments(mine))
            earlier.append(hint._replace(last_seq=last_seq))
        self._chapters = [*earlier, following(earlier, self.epoch)]
        for chapter in earlier:
            self.trim(chapter.epoch, chapter.trimmed_upto)
        self._save_position()

    def _recover_segments(self, mine: list[Segment]) -> int:
        """Sealed segments are known by their neighbours' names and opened when read; those
        with a log are opened now, so that damage is known at the start. The last number.
        """
        last_seq = 0
        for index, segment in enumerate(mine):
            following = mine[index + 1] if index + 1 < len(mine) else None
            if following is not None and not self._store.log_bytes(segment):
                segment.last_seq = following.first_seq - 1
            else:
                try:
                    self._store.open(segment, self.recovery)
                except SegmentLost:
                    continue
                self._store.let_go(segment)
            segment.sealed_bytes = self._store.size(segment)
            self._segments.append(segment)
            last_seq = segment.last_seq
        return last_seq

    def _chapter_at(self, epoch: str) -> int | None:
        return next((at for at, one in enumerate(self._chapters) if one.epoch == epoch), None)

    def _waiting(self, segment: Segment) -> int:
        """How many of its rows central has not confirmed."""
        at = self._chapter_at(segment.epoch)
        trimmed_upto = 0 if at is None else self._chapters[at].trimmed_upto
        return max(0, segment.last_seq - max(trimmed_upto, segment.first_seq - 1))

    def _forget(self, segment: Segment) -> None:
        self._store.let_go(segment)
        self._segments.remove(segment)
        self._undeleted.append(segment)
        self._delete()

    def _delete(self) -> None:
        """A read-only disk deletes nothing, and is tried again: what stays would be shown as
        waiting at the next start.
        """
        for segment in list(self._undeleted):
            try:
                self._store.remove(segment)
            except StoreFailed as failed:
                self.recovery.note(str(failed))
            else:
                self._undeleted.remove(segment)

    def _size(self) -> int:
        return sum(
            self._store.size(one) if one.sealed_bytes is None else one.sealed_bytes
            for one in self._segments
        )

    def _save_position(self) -> None:
        """A hint, not a truth: losing it only means sending again what central has."""
        self._delete()
        try:
            self._store.save_position({"chapters": [list(one) for one in self._chapters]})
        except StoreFailed as failed:  # a full disk must not stop reading and sending
            self.recovery.note(str(failed))
        self._position_saved = self._clock.steady_s()


def _consecutive(rows: list[Row]) -> list[Row]:
    for index, (seq, _) in enumerate(rows):
        if seq != rows[0][0] + index:
            return rows[:index]
    return rows
