"""One write-once DuckDB file of the journal: named, created, repaired, sealed, unlinked.

A single long-lived DuckDB file does not survive every power cut: each checkpoint rewrites a
live metadata block in place, and a write torn there makes the file unreadable. So a segment
is checkpointed exactly once in its life, when no more will be added, and before that its
write-ahead log (WAL) holds everything. A torn WAL tail is cut off at the byte that DuckDB
names; a file that still does not open is put aside as ``*.bad`` and the journal goes on.

The name carries what must survive the loss of the content:
``<epoch>-<number>-<first seq>.duckdb``.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

_NAME = re.compile(r"^([0-9a-z]+)-(\d{8})-(\d{19})\.duckdb$")
_ANY_NAME = re.compile(r"^[0-9a-z]+-(\d{8})-\d{19}\.duckdb")
_TORN = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
_WAL_ENTRY_HEADER = 16
"""DuckDB names the position after an entry's size and checksum (8 bytes each)."""
_PRISTINE_SIZE = 12_288
"""Size of a DuckDB file that was created and never checkpointed: three 4 KiB headers."""
_REPAIRS = 3


class SegmentLost(Exception):
    """A segment does not open, even after repair; its files were put aside as ``*.bad``."""


@dataclass(slots=True)
class Recovery:
    """What opening found and did, in sentences for logs and health. Empty when all was well."""

    repaired: list[str] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)


def fsync_directory(directory: Path) -> None:
    """Make the directory's entries durable (POSIX needs it after create, rename, unlink)."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def connect(memory_mib: int) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB to which segments are attached; it never checkpoints by itself."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": f"{memory_mib}MB",
            "checkpoint_threshold": "1TB",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    return connection


@dataclass(slots=True)
class Segment:
    """A segment's place in the journal. ``last_seq`` is ``first_seq - 1`` while empty."""

    path: Path
    epoch: str
    number: int
    first_seq: int
    last_seq: int
    attached: bool = False

    @property
    def alias(self) -> str:
        """The name under which DuckDB knows it."""
        return f"s{self.number}"

    @property
    def wal(self) -> Path:
        """Its write-ahead log."""
        return self.path.with_name(self.path.name + ".wal")

    @property
    def rows(self) -> int:
        """How many sequence numbers it covers."""
        return self.last_seq - self.first_seq + 1

    def size(self) -> int:
        """Bytes on disk, WAL included."""
        total = 0
        for path in (self.path, self.wal):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def never_checkpointed(self) -> bool:
        """Whether it may still be added to: only its WAL has content."""
        return self.wal.exists() and self.path.stat().st_size == _PRISTINE_SIZE


def scan(directory: Path) -> list[Segment]:
    """The segments of a directory by number; ``last_seq`` is not known yet."""
    found = []
    for path in directory.iterdir():
        if match := _NAME.match(path.name):
            first = int(match[3])
            found.append(Segment(path, match[1], int(match[2]), first, first - 1))
    return sorted(found, key=lambda segment: segment.number)


def highest_number(directory: Path) -> int:
    """The highest number ever used here, put-aside files included: a number is used once."""
    names = (_ANY_NAME.match(path.name) for path in directory.iterdir())
    return max((int(name[1]) for name in names if name), default=0)


def create(
    connection: duckdb.DuckDBPyConnection, directory: Path, epoch: str, number: int, first_seq: int
) -> Segment:
    """A new, empty, attached segment whose directory entry is durable.

    No key, no index, no default: the sequence is given, and DuckDB's replay of a WAL with
    any of those has had faults.
    """
    path = directory / f"{epoch}-{number:08d}-{first_seq:019d}.duckdb"
    segment = Segment(path, epoch, number, first_seq, first_seq - 1)
    try:
        connection.execute(f"ATTACH '{_quoted(path)}' AS {segment.alias}")
        connection.execute(
            f"CREATE TABLE {segment.alias}.ev(seq BIGINT NOT NULL, body BLOB NOT NULL)"
        )
        fsync_directory(directory)
    except (duckdb.Error, OSError):
        detach(connection, segment)
        unlink(segment)
        raise
    segment.attached = True
    return segment


def attach(connection: duckdb.DuckDBPyConnection, segment: Segment, found: Recovery) -> None:
    """Open a segment and learn its last sequence number, repairing a torn WAL tail.

    Raises SegmentLost when it cannot be opened (the files stay, as ``*.bad``), or when it was
    never completely created (then there was nothing in it, and the files are removed).
    """
    for _ in range(_REPAIRS):
        try:
            connection.execute(f"ATTACH '{_quoted(segment.path)}' AS {segment.alias}")
            segment.attached = True
            newest = f"SELECT max(seq) FROM {segment.alias}.ev"  # noqa: S608 (our own alias)
            last = connection.execute(newest).fetchall()[0][0]
        except duckdb.Error as error:
            detach(connection, segment)
            if _repair(segment, str(error), found):
                continue
            _put_aside(segment, str(error), found)
            raise SegmentLost(str(error)) from error
        segment.last_seq = segment.first_seq - 1 if last is None else int(last)
        return
    _put_aside(segment, "its log is torn in more places than can be repaired", found)
    raise SegmentLost(segment.path.name)


def detach(connection: duckdb.DuckDBPyConnection, segment: Segment) -> None:
    """Let go of a segment's files; harmless when it is not attached."""
    with contextlib.suppress(duckdb.Error):
        connection.execute(f"DETACH {segment.alias}")
    segment.attached = False


def unlink(segment: Segment) -> None:
    """Remove a segment's files, the WAL first: a file without its WAL would be half a truth."""
    segment.wal.unlink(missing_ok=True)
    segment.path.unlink(missing_ok=True)


def _repair(segment: Segment, error: str, found: Recovery) -> bool:
    torn = _TORN.search(error)
    if not torn or not segment.wal.exists():
        return False
    keep = max(0, int(torn[1]) - _WAL_ENTRY_HEADER)
    size = segment.wal.stat().st_size
    if keep >= size:
        return False
    shutil.copyfile(segment.wal, segment.wal.with_name(segment.wal.name + ".torn"))
    with segment.wal.open("r+b") as wal:
        wal.truncate(keep)
        os.fsync(wal.fileno())
    found.repaired.append(f"{segment.path.name}: cut {size - keep} torn bytes off its log")
    return True


def _put_aside(segment: Segment, error: str, found: Recovery) -> None:
    nothing_in_it = not segment.wal.exists() or segment.wal.stat().st_size == 0
    if nothing_in_it and segment.path.exists() and segment.path.stat().st_size <= _PRISTINE_SIZE:
        unlink(segment)
        found.removed.append(f"{segment.path.name}: its creation had been interrupted")
        return
    for path in (segment.wal, segment.path):
        if path.exists():
            path.rename(path.with_name(path.name + ".bad"))
    found.quarantined.append(f"{segment.path.name}: {error.splitlines()[0][:200]}")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
