"""The journal's segments as write-once DuckDB files: created, repaired, sealed, unlinked.

A single long-lived DuckDB file does not survive every power cut: each checkpoint rewrites a
live metadata block in place, and a write torn there makes the file unreadable. So a segment
is checkpointed exactly once in its life, when no more will be added, and before that its
write-ahead log (WAL) holds everything. A torn WAL tail is cut off at the byte that DuckDB
names; a header torn by that one checkpoint is taken back to what it was before, as the WAL is
removed only after it; a file that still does not open is put aside as ``*.bad`` and the
journal goes on.

DuckDB's own checksum is the exclusive or of a hash of each 8-byte word: a sector that holds
the same word over and over may come back as zeros without its notice. So every row has a sum of
its own (see ``edge.sums``), and what stands behind the first bad one does not count.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import weakref
from collections.abc import Sequence
from pathlib import Path

import duckdb

from edge import sums
from edge.duckdb_instance import connect, is_fatal, is_starved
from edge.segments import Recovery, Row, Segment, SegmentLost, Starved, StoreFailed
from gateway import files

_NAME = re.compile(r"^([0-9a-z]+)-(\d{8})-(\d{19})\.duckdb$")
_ANY_NAME = re.compile(r"^[0-9a-z]+-(\d{8})-\d{19}\.duckdb")
_TORN = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
_TORN_HEADER = re.compile(r"Corrupt database file: .* in block at location (4096|8192)$")
_WAL_ENTRY_HEADER = 16
"""DuckDB names the position after an entry's size and checksum (8 bytes each)."""
_PRISTINE_SIZE = 12_288
"""Size of a DuckDB file that was created and never checkpointed: three 4 KiB headers, of which
a checkpoint rewrites one of the last two."""
_HEADER = 4_096
_WAL_WITHOUT_ROWS = 300
"""Making the table takes some 215 bytes of the WAL, and the smallest append 200 more."""
_COLUMNS = "seq BIGINT NOT NULL, body BLOB NOT NULL, sum UINTEGER NOT NULL"
_CHECKED_AT_ONCE = 1_000
_REPAIRS = 3
_COPIES = 4


class JournalInUse(OSError):
    """Another process works with this journal."""


class DuckDBSegments:
    """A ``SegmentStore`` in a directory: ``<epoch>-<number>-<first seq>.duckdb`` and its WAL.
    What is put aside takes at most ``aside_bytes``; the oldest of it goes.

    Raises ``JournalInUse`` while another one has the same directory.
    """

    def __init__(self, directory: Path, memory_mib: int, aside_bytes: int = 2 * 2**30) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._release = weakref.finalize(self, os.close, _claim(directory))
        self._directory = directory
        self._aside_bytes = aside_bytes
        self._memory_mib = memory_mib
        self._db = connect(memory_mib)
        self._attached: dict[int, Segment] = {}
        self._appender: tuple[int, duckdb.Appender] | None = None

    # ---- what stands there -------------------------------------------------------------
    def scan(self) -> list[Segment]:
        """See ``SegmentStore``."""
        found = []
        for path in self._directory.iterdir():
            if match := _NAME.match(path.name):
                first = int(match[3])
                found.append(Segment(match[1], int(match[2]), first, first - 1))
        return sorted(found, key=lambda segment: segment.number)

    def size(self, segment: Segment) -> int:
        """See ``SegmentStore``; the WAL is included."""
        return _size(self._path(segment)) + _size(self._wal(segment))

    def free_bytes(self) -> int:
        """See ``SegmentStore``: what an ordinary user may still write."""
        return shutil.disk_usage(self._directory).free

    def log_bytes(self, segment: Segment) -> int:
        """See ``SegmentStore``."""
        return _size(self._wal(segment))

    def may_grow(self, segment: Segment) -> bool:
        """See ``SegmentStore``: only its WAL has content."""
        return self._wal(segment).exists() and _size(self._path(segment)) == _PRISTINE_SIZE

    # ---- a segment's life --------------------------------------------------------------
    def create(self, epoch: str, first_seq: int) -> Segment:
        """See ``SegmentStore``.

        No key, no index, no default: the sequence is given, and DuckDB's replay of a WAL with
        any of those has had faults.
        """
        try:
            number = self._highest_number() + 1
        except OSError as error:
            raise StoreFailed(f"no new journal segment can be made: {error}") from error
        segment = Segment(epoch, number, first_seq, first_seq - 1)
        alias = _alias(segment)
        try:
            self._db.execute(f"ATTACH '{_quoted(self._path(segment))}' AS {alias}")
            self._db.execute(f"CREATE TABLE {alias}.ev({_COLUMNS})")
            files.sync_folder(self._directory)
        except (duckdb.Error, OSError, MemoryError) as error:
            self._let_go_after(error, segment)
            with contextlib.suppress(StoreFailed):
                self.remove(segment)
            raise StoreFailed(f"no new journal segment can be made: {error}") from error
        self._attach(segment)
        return segment

    def open(self, segment: Segment, found: Recovery) -> None:
        """See ``SegmentStore``. On a disk that has become read-only, to be read."""
        mode = ""
        for _ in range(_REPAIRS):
            try:
                path = _quoted(self._path(segment))
                self._db.execute(f"ATTACH '{path}' AS {_alias(segment)} {mode}")
                self._attach(segment)
                last = self._last_sound(segment, found)
            except (duckdb.Error, MemoryError) as error:
                self._let_go_after(error, segment)
                if is_starved(error):
                    raise Starved(f"{segment.name} could not be opened: {error}") from error
                if not mode and os.strerror(errno.EROFS) in str(error):
                    mode = "(READ_ONLY)"
                    continue
                if self._repair(segment, str(error), found):
                    continue
                self.put_aside(segment, str(error), found)
                raise SegmentLost(str(error)) from error
            segment.last_seq = last
            return
        why = "its log is torn in more places than can be repaired"
        self.put_aside(segment, why, found)
        raise SegmentLost(f"{segment.name}: {why}")

    def append(self, segment: Segment, rows: Sequence[Row]) -> None:
        """See ``SegmentStore``: one commit, one fdatasync."""
        try:
            if self._appender is None or self._appender[0] != segment.number:
                made = self._db.appender(f"{_alias(segment)}.main.ev")
                self._appender = (segment.number, made)
            appender = self._appender[1]
            appender.append_rows(sums.added(rows))
            appender.flush()
        except (duckdb.Error, MemoryError) as error:
            self._appender = None
            self._begin_anew_after(error)
            raise StoreFailed(f"the journal could not be written: {error}") from error

    def rows(self, segment: Segment, after_seq: int, limit: int) -> list[Row]:
        """See ``SegmentStore``."""
        query = f"SELECT * FROM {_alias(segment)}.ev WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"  # noqa: S608
        try:
            found = self._db.execute(query, [after_seq + 1, segment.last_seq, limit]).fetchall()
        except (duckdb.Error, MemoryError) as error:
            self._begin_anew_after(error)
            kind = Starved if is_starved(error) else StoreFailed
            raise kind(f"{segment.name} could not be read: {error}") from error
        sound = sums.sound(found)
        if found and not sound:
            raise StoreFailed(f"{segment.name}: row {found[0][0]} is not what was written")
        return sound

    def seal(self, segment: Segment) -> None:
        """See ``SegmentStore``: the only checkpoint of its life."""
        self._forget_appender(segment)
        try:
            self._db.execute(f"CHECKPOINT {_alias(segment)}")
        except (duckdb.Error, MemoryError) as error:
            self._begin_anew_after(error)
            raise StoreFailed(f"{segment.name} stays unsealed: {error}") from error
        finally:
            self.let_go(segment)

    def let_go(self, segment: Segment) -> None:
        """See ``SegmentStore``."""
        self._forget_appender(segment)
        try:
            self._db.execute(f"DETACH {_alias(segment)}")
        except duckdb.Error as error:  # mostly that it was not attached
            self._begin_anew_after(error)
        segment.is_open = False
        self._attached.pop(segment.number, None)

    def _attach(self, segment: Segment) -> None:
        segment.is_open = True
        self._attached[segment.number] = segment

    def _let_go_after(self, error: Exception, segment: Segment) -> None:
        self._begin_anew_after(error)
        self.let_go(segment)

    def _begin_anew_after(self, error: Exception) -> None:
        """What is fatal for DuckDB in one file it holds against all: it answers nothing any more.
        Each of the others is opened again when it is asked for. Without memory for another one it
        stays, and is tried again after the next error.
        """
        if not is_fatal(error):
            return
        try:
            fresh = connect(self._memory_mib)
        except (duckdb.Error, MemoryError):
            return
        for segment in self._attached.values():
            segment.is_open = False
        self._attached.clear()
        self._appender = None
        with contextlib.suppress(duckdb.Error):
            self._db.close()
        self._db = fresh

    def remove(self, segment: Segment) -> None:
        """See ``SegmentStore``: the WAL first, as a file without its WAL would be half a truth."""
        try:
            self._wal(segment).unlink(missing_ok=True)
            self._path(segment).unlink(missing_ok=True)
        except OSError as error:
            raise StoreFailed(f"{segment.name} was not removed: {error}") from error

    def put_aside(self, segment: Segment, why: str, found: Recovery) -> None:
        """See ``SegmentStore``: the files stay as ``*.bad``, unless nothing was ever in them."""
        path, wal = self._path(segment), self._wal(segment)
        pristine = path.exists() and _size(path) <= _PRISTINE_SIZE
        try:
            if pristine and _size(wal) <= _WAL_WITHOUT_ROWS:
                self.remove(segment)
                found.removed.append(f"{path.name}: its creation had been interrupted")
                return
            for file in (wal, path):
                if file.exists():
                    file.rename(file.with_name(file.name + ".bad"))
        except (OSError, StoreFailed) as error:  # a read-only disk: it stays where it is
            found.note(f"{path.name} was not put aside: {error}")
        found.quarantined.append(f"{path.name}: {why.splitlines()[0][:200]}")
        self._bound_aside(found)

    def _bound_aside(self, found: Recovery) -> None:
        """A card that damages a segment at every start must not fill itself with them."""
        try:
            aside = sorted(self._directory.glob("*.bad"), key=lambda one: one.stat().st_mtime)
        except OSError as error:  # no file handle is left: the next one is bounded again
            found.note(f"what was put aside was not counted: {error}")
            return
        size = sum(map(_size, aside))
        for old in aside[:-1]:
            if size <= self._aside_bytes:
                return
            size -= _size(old)
            try:
                old.unlink()
            except OSError as error:  # a read-only disk, which cannot fill up either
                found.note(f"{old.name} was not removed: {error}")
            else:
                found.removed.append(f"{old.name}: too much had been put aside")

    def close(self) -> None:
        """See ``SegmentStore``."""
        self._appender = None
        self._db.close()
        self._release()

    # ---- the position ------------------------------------------------------------------
    def load_position(self) -> dict[str, object]:
        """See ``SegmentStore``."""
        try:
            loaded = json.loads((self._directory / "position.json").read_text())
        except (OSError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def save_position(self, position: dict[str, object]) -> None:
        """See ``SegmentStore``."""
        try:
            files.replace(self._directory / "position.json", json.dumps(position).encode())
        except OSError as error:
            raise StoreFailed(f"position.json was not saved: {error}") from error

    # ---- what was written --------------------------------------------------------------
    def _last_sound(self, segment: Segment, found: Recovery) -> int:
        """The last row's number. In a log, whose end may be torn, that before the first bad row:
        it and what follows were never acknowledged, or are lost.
        """
        table, before = f"{_alias(segment)}.ev", segment.first_seq - 1
        if not self.log_bytes(segment):
            newest = self._db.execute(f"SELECT max(seq) FROM {table}").fetchall()[0][0]  # noqa: S608
            return before if newest is None else int(newest)
        rows = self._db.execute(f"SELECT * FROM {table} ORDER BY seq")  # noqa: S608 (our own name)
        last = before
        while some := rows.fetchmany(_CHECKED_AT_ONCE):
            sound = sums.sound(some)
            last = sound[-1][0] if sound else last
            if len(sound) < len(some):
                told = f"{segment.name}: rows after {last} were torn, and left out"
                if told not in found.repaired:  # it is looked at whenever it is opened
                    found.repaired.append(told)
                break
        return last

    # ---- files -------------------------------------------------------------------------
    def _path(self, segment: Segment) -> Path:
        return self._directory / f"{segment.name}.duckdb"

    def _wal(self, segment: Segment) -> Path:
        return self._directory / f"{segment.name}.duckdb.wal"

    def _highest_number(self) -> int:
        """The highest number ever used here, put-aside files included: a number is used once."""
        names = (_ANY_NAME.match(path.name) for path in self._directory.iterdir())
        return max((int(name[1]) for name in names if name), default=0)

    def _repair(self, segment: Segment, error: str, found: Recovery) -> bool:
        """Take back what a power cut left half done, a copy kept beside it; false where there
        is no cure.
        """
        wal = self._wal(segment)
        if not _size(wal):
            return False
        try:
            if torn := _TORN.search(error):
                return self._cut_log(wal, int(torn[1]) - _WAL_ENTRY_HEADER, found)
            if torn := _TORN_HEADER.search(error.strip()):
                return self._take_back_checkpoint(segment, int(torn[1]), found)
        except OSError as failed:
            found.note(f"{segment.name} was not repaired: {failed}")
        return False

    def _cut_log(self, wal: Path, keep: int, found: Recovery) -> bool:
        keep, size = max(0, keep), wal.stat().st_size
        if keep >= size:
            return False
        self._keep_copy(wal, found)
        with wal.open("r+b") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
        found.repaired.append(f"{wal.name}: cut {size - keep} torn bytes off")
        return True

    def _take_back_checkpoint(self, segment: Segment, torn_at: int, found: Recovery) -> bool:
        """The other header is the one of the file's creation; with it the whole WAL counts."""
        path = self._path(segment)
        self._keep_copy(path, found)
        with path.open("r+b") as file:
            file.seek(_PRISTINE_SIZE - torn_at)
            before = file.read(_HEADER)
            file.seek(torn_at)
            file.write(before)
            file.truncate(_PRISTINE_SIZE)
            os.fsync(file.fileno())
        found.repaired.append(f"{path.name}: took back a checkpoint that had torn its header")
        return True

    def _keep_copy(self, path: Path, found: Recovery) -> None:
        """As it was found, for a person to look at; only the newest few, and no matter if not."""
        try:
            copies = sorted(self._directory.glob("*.torn"), key=lambda one: one.stat().st_mtime)
            for old in copies[: 1 - _COPIES]:
                old.unlink()
            shutil.copyfile(path, path.with_name(path.name + ".torn"))
        except OSError as error:  # a full disk
            found.note(f"no copy of {path.name} was kept before its repair: {error}")

    def _forget_appender(self, segment: Segment) -> None:
        if self._appender is not None and self._appender[0] == segment.number:
            self._appender = None


def _claim(directory: Path) -> int:
    """Lock the directory for as long as the handle is open, at most until this process dies.

    Raises ``JournalInUse``: a second process would find the segments locked by the first, take
    them for damaged and put them aside under its feet.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        os.close(handle)
        raise JournalInUse(
            f"another process works with the journal in {directory}: an agent? Stop it first"
        ) from held
    except OSError:  # a file system that knows no locks
        return handle
    return handle


def _alias(segment: Segment) -> str:
    return f"s{segment.number}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
