"""The edge's log: what was appended here is on disk, in order, until central has it too.

A ring of write-once segments (see ``edge.segments``). ``append`` returns after the operating
system has synced the rows; only then do they have sequence numbers that anybody may see.
Rows go when central has committed them (``trim``), or when the journal is full and its owner
chose to lose the oldest (``drop_oldest``) rather than to refuse the newest
(``refuse_newest``); either is counted, and a gap is declared to central, never hidden.

Blocking and thread-safe: call it from a worker thread, never from the event loop.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import duckdb

from edge import segments
from edge.segments import Recovery, Segment, SegmentLost

_SMALLEST_ROW = 16
"""No row takes fewer bytes of a WAL: bounds what may have stood in a tail that was cut off."""
_POSITION_EVERY_S = 5.0


class JournalFull(Exception):
    """The journal is at its limit and refuses the newest; nothing was appended."""


@dataclass(frozen=True, slots=True)
class JournalLimits:
    """How much the journal may take, and what gives when it is full.

    ``max_bytes`` bounds the disk used; ``segment_rows`` and ``segment_bytes`` say when a
    segment is sealed. ``memory_mib`` is DuckDB's budget.
    """

    max_bytes: int = 2 * 2**30
    segment_rows: int = 50_000
    segment_bytes: int = 16 * 2**20
    when_full: Literal["drop_oldest", "refuse_newest"] = "drop_oldest"
    memory_mib: int = 48


class Stretch(NamedTuple):
    """Consecutive rows: ``first_seq``, ``first_seq + 1``, ... ``lost_before`` sequence numbers
    directly before them are gone for ever.
    """

    first_seq: int
    lost_before: int
    bodies: list[bytes]


@dataclass(frozen=True, slots=True)
class JournalStats:
    """Figures for health and metrics. ``rows`` are those not yet trimmed."""

    bytes_on_disk: int
    segments: int
    rows: int
    dropped: int
    refused: int


class Journal:
    """See the module. Construct it with ``Journal.open``."""

    def __init__(self, directory: Path, limits: JournalLimits) -> None:
        self._directory = directory
        self._limits = limits
        self._lock = threading.RLock()
        self._db = segments.connect(limits.memory_mib)
        self._segments: list[Segment] = []
        self._active: Segment | None = None
        self._appender: duckdb.Appender | None = None
        self._position_saved = 0.0
        self._dropped = 0
        self._refused = 0
        self.recovery = Recovery()
        self.epoch = ""
        self.next_seq = 1
        self.trimmed_upto = 0

    @classmethod
    def open(cls, directory: Path, limits: JournalLimits | None = None) -> Journal:
        """Open or make the journal in ``directory``. Damage never stops it: torn tails are cut
        off, bad segments put aside, and ``recovery`` says so.
        """
        directory.mkdir(parents=True, exist_ok=True)
        journal = cls(directory, limits or JournalLimits())
        journal._recover()
        return journal

    # ---- adding ------------------------------------------------------------------------
    def append(self, bodies: Sequence[bytes]) -> range:
        """Make ``bodies`` durable and give their sequence numbers. All or nothing.

        Raises JournalFull when the limit is reached and the newest are to be refused, or when
        the disk itself is full and nothing can be dropped.
        """
        with self._lock:
            if not bodies:
                return range(self.next_seq, self.next_seq)
            self._make_room(len(bodies))
            active = self._writable(len(bodies))
            seqs = range(self.next_seq, self.next_seq + len(bodies))
            try:
                self._write(active, list(zip(seqs, bodies, strict=True)))
            except duckdb.Error as error:
                if self._stands_after_failure(active, seqs[-1]):
                    return seqs
                self._refused += len(bodies)
                raise JournalFull(f"the journal could not be written: {error}") from error
            active.last_seq = seqs[-1]
            self.next_seq = seqs[-1] + 1
            if self._is_complete(active):
                self._seal()
            return seqs

    def _writable(self, rows: int) -> Segment:
        """The active segment, or a new one; JournalFull when the disk has no room for it."""
        if self._active is None:
            try:
                self._start_segment()
            except (duckdb.Error, OSError) as error:
                self._refused += rows
                raise JournalFull(f"no new journal segment can be made: {error}") from error
        assert self._active is not None
        return self._active

    def _write(self, active: Segment, rows: list[tuple[int, bytes]]) -> None:
        if self._appender is None:
            self._appender = self._db.appender(f"{active.alias}.main.ev")
        self._appender.append_rows(rows)
        self._appender.flush()  # one commit, one fdatasync

    def _stands_after_failure(self, active: Segment, last_seq: int) -> bool:
        """Start the active segment afresh from disk, and say whether the rows that a failed
        commit was about stand there all the same: then they must not be appended again.
        """
        self._appender = None
        segments.detach(self._db, active)
        last = active.last_seq
        try:
            segments.attach(self._db, active, self.recovery)
        except SegmentLost:
            self._segments.remove(active)
        else:
            if active.last_seq >= active.first_seq:
                last = active.last_seq
        self.next_seq = max(self.next_seq, last + 1)
        self._active = active if active.attached and self._continues(active) else None
        return last >= last_seq

    def _make_room(self, rows: int) -> None:
        if self._size() < self._limits.max_bytes:
            return
        if self._limits.when_full == "refuse_newest":
            self._refused += rows
            raise JournalFull(
                f"the journal holds its limit of {self._limits.max_bytes // 2**20} MiB; "
                "central has not taken anything: check the connection, or raise journal.max_mib"
            )
        while self._size() >= self._limits.max_bytes:
            oldest = self._segments[0]
            if oldest is self._active:
                return
            self._dropped += max(0, oldest.last_seq - max(self.trimmed_upto, oldest.first_seq - 1))
            self._forget(oldest)

    def _is_complete(self, active: Segment) -> bool:
        limits = self._limits
        smaller = min(limits.segment_bytes, limits.max_bytes // 8)
        return active.rows >= limits.segment_rows or active.size() >= smaller

    def _seal(self) -> None:
        """Checkpoint the active segment, for the only time in its life; the next append starts
        another. A failure (a full disk) costs nothing: its log still holds every row.
        """
        active = self._segments[-1]
        self._appender = self._active = None
        try:
            self._db.execute(f"CHECKPOINT {active.alias}")
        except duckdb.Error as error:
            self._note(f"{active.path.name} stays unsealed: {error}")
        segments.detach(self._db, active)

    # ---- taking ------------------------------------------------------------------------
    def read(self, after_seq: int, limit: int) -> Stretch:
        """Up to ``limit`` consecutive rows after ``after_seq``; empty when there are none."""
        with self._lock:
            for segment in list(self._segments):
                if segment.last_seq <= after_seq:
                    continue
                rows = self._rows(segment, after_seq, limit)
                if rows:
                    first = rows[0][0]
                    return Stretch(first, first - after_seq - 1, [body for _, body in rows])
            gap = max(0, self.next_seq - after_seq - 1)
            return Stretch(after_seq + gap + 1, gap, [])

    def _rows(self, segment: Segment, after_seq: int, limit: int) -> list[tuple[int, bytes]]:
        try:
            if not segment.attached:
                segments.attach(self._db, segment, self.recovery)
            rows: list[tuple[int, bytes]] = self._db.execute(
                f"SELECT seq, body FROM {segment.alias}.ev WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
                [after_seq, limit],
            ).fetchall()
        except (SegmentLost, duckdb.Error) as error:
            self._lose(segment, error)
            return []
        finally:
            if segment is not self._active:
                segments.detach(self._db, segment)
        return _consecutive(rows)

    def _lose(self, segment: Segment, error: Exception) -> None:
        """A sealed segment turned out unreadable: the rest of the journal goes on without it."""
        if segment is self._active:
            self._stands_after_failure(segment, segment.last_seq)
            return
        segments.detach(self._db, segment)
        self._segments.remove(segment)
        if segment.path.exists():
            segment.path.rename(segment.path.with_name(segment.path.name + ".bad"))
            self.recovery.quarantined.append(f"{segment.path.name}: {error}")

    # ---- letting go --------------------------------------------------------------------
    def trim(self, upto_seq: int) -> None:
        """Central has committed everything up to ``upto_seq``: unlink what is not needed."""
        with self._lock:
            self.trimmed_upto = max(self.trimmed_upto, upto_seq)
            if upto_seq >= self.next_seq:
                self._skip_to(upto_seq + 1)
            for segment in [s for s in self._segments if s.last_seq <= upto_seq]:
                if segment is not self._active:
                    self._forget(segment)
            if time.monotonic() - self._position_saved >= _POSITION_EVERY_S:
                self._save_position()

    def _skip_to(self, seq: int) -> None:
        """Central knows more of this epoch than the disk does: never give those numbers again."""
        self.recovery.repaired.append(
            f"central holds observations up to {seq - 1}, the journal only up to "
            f"{self.next_seq - 1}: the disk lost some; going on from {seq}"
        )
        self.next_seq = seq
        if self._active is not None:
            segments.detach(self._db, self._active)
        self._appender = self._active = None

    def stats(self) -> JournalStats:
        """Figures as of now."""
        with self._lock:
            return JournalStats(
                bytes_on_disk=self._size(),
                segments=len(self._segments),
                rows=sum(
                    max(0, s.last_seq - max(self.trimmed_upto, s.first_seq - 1))
                    for s in self._segments
                ),
                dropped=self._dropped,
                refused=self._refused,
            )

    def close(self) -> None:
        """Remember the position and let go of the files. Nothing is lost without it."""
        with self._lock:
            self._appender = None
            self._save_position()
            self._db.close()

    # ---- opening -----------------------------------------------------------------------
    def _recover(self) -> None:
        position = _load(self._directory / "position.json")
        found = segments.scan(self._directory)
        self.epoch = _text(position.get("epoch")) or (found[-1].epoch if found else "")
        if not self.epoch:
            self.epoch = secrets.token_hex(8)
        mine = [segment for segment in found if segment.epoch == self.epoch]
        self.trimmed_upto = _number(position.get("trimmed_upto"))
        self.next_seq = max(self.trimmed_upto, _number(position.get("next_seq")) - 1) + 1
        for index, segment in enumerate(mine):
            following = mine[index + 1] if index + 1 < len(mine) else None
            self._recover_segment(segment, following)
        newest = self._segments[-1] if self._segments else None
        if newest and newest.attached:
            if self._continues(newest):
                self._active = newest
            else:
                segments.detach(self._db, newest)
        self._save_position()

    def _recover_segment(self, segment: Segment, following: Segment | None) -> None:
        """Sealed segments are known by their neighbours' names and opened when read; those
        with a log are opened now, so that damage is known at the start.
        """
        cut_before = len(self.recovery.repaired)
        if following is not None and not segment.wal.exists():
            segment.last_seq = following.first_seq - 1
        else:
            wal_bytes = segment.wal.stat().st_size if segment.wal.exists() else 0
            try:
                segments.attach(self._db, segment, self.recovery)
            except SegmentLost:
                bound = min(self._limits.segment_rows * 2, wal_bytes // _SMALLEST_ROW + 1)
                self.next_seq = max(self.next_seq, segment.first_seq + (wal_bytes and bound))
                return
            self.next_seq = max(self.next_seq, segment.last_seq + 1)
            if len(self.recovery.repaired) > cut_before:
                # What was cut off may have been sent: its numbers are never given again.
                cut = wal_bytes - segment.wal.stat().st_size
                self.next_seq = max(self.next_seq, segment.last_seq + 1 + cut // _SMALLEST_ROW)
            if following is not None:
                segments.detach(self._db, segment)
        self.next_seq = max(self.next_seq, segment.last_seq + 1)
        self._segments.append(segment)

    def _continues(self, segment: Segment) -> bool:
        return segment.never_checkpointed() and segment.last_seq + 1 == self.next_seq

    def _start_segment(self) -> None:
        number = segments.highest_number(self._directory) + 1
        self._active = segments.create(self._db, self._directory, self.epoch, number, self.next_seq)
        self._segments.append(self._active)

    def _forget(self, segment: Segment) -> None:
        segments.detach(self._db, segment)
        segments.unlink(segment)
        self._segments.remove(segment)

    def _size(self) -> int:
        return sum(segment.size() for segment in self._segments)

    def _save_position(self) -> None:
        """A hint, not a truth: losing it only means sending again what central has."""
        path = self._directory / "position.json"
        fresh = path.with_suffix(".new")
        body = {
            "epoch": self.epoch,
            "trimmed_upto": self.trimmed_upto,
            "next_seq": self.next_seq,
        }
        try:
            with fresh.open("w") as file:
                json.dump(body, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            segments.fsync_directory(self._directory)
        except OSError as error:  # a full disk must not stop reading and sending
            self._note(f"position.json was not saved: {error}")
        self._position_saved = time.monotonic()

    def _note(self, sentence: str) -> None:
        self.recovery.noted.append(sentence)
        del self.recovery.noted[:-20]


def _consecutive(rows: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    for index, (seq, _) in enumerate(rows):
        if seq != rows[0][0] + index:
            return rows[:index]
    return rows


def _load(path: Path) -> dict[str, object]:
    try:
        loaded = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
