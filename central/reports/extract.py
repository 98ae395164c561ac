"""A copy of the ledger and the master data as Parquet files: what reports read, and what is handed
to a data warehouse.

The ledger is copied once: each time only what is behind the last number that was copied is read,
in pages, and added as a new file or to the last one while that is small. ``extract.json`` names
the files of the copy and comes last, so that a copy that broke off is as it was before. Its chain
head tells whether the books are still those that were copied: after a restore it is begun anew.
Master data is small; it is copied as a whole when the audit says that some of it changed.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from sqlalchemy import Connection, func, select

from central import schema
from central.reports import masters
from central.stock import chain
from central.stock.flat import COLUMNS, flat_rows

__all__ = ["Extract", "Kept", "Read", "open_duckdb"]

FORMAT = 2
"""Another one when the columns are others: an older copy is then begun anew."""
SEGMENT = 200_000
"""Movements from which on a file is left alone."""
_PAGE = 50_000
_MANIFEST = "extract.json"


Read = Callable[[Callable[[Connection], Any]], Any]
"""How the books are asked: each call sees one consistent state."""


class Segment(msgspec.Struct, frozen=True):
    """A file with the movements ``first`` to ``last``."""

    file: str
    first: int
    last: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds: movements up to ``upto_seq`` of the books whose chain had this head."""

    format: int = FORMAT
    upto_seq: int = 0
    head: chain.Head = chain.Head(0, 0, chain.GENESIS)
    segments: tuple[Segment, ...] = ()
    masters_at: tuple[int, ...] = ()


class Extract:
    """The copy in ``folder``; processes that share it wait for each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bring_up(self, read: Read) -> Kept:
        """Copy what is new in the books. Raises OSError, ``duckdb.Error``."""
        (self.folder / "movement").mkdir(parents=True, exist_ok=True)
        with self._held(fcntl.LOCK_EX):
            kept = self._kept()
            if read(lambda c: chain.compare(c, [kept.head]) if kept.head.no else []):
                kept = Kept()
            while True:
                rows, head = read(_page_behind(kept.upto_seq))
                if rows:
                    kept = self._add(kept, rows, head)
                if len(rows) < _PAGE:
                    break
            at = read(_masters_at)
            if at != kept.masters_at:
                read(lambda c: masters.write(c, self.folder))
                kept = msgspec.structs.replace(kept, masters_at=at)
                self._keep(kept)
            self._sweep(kept)
            return kept

    def paths(self, kept: Kept) -> list[str]:
        """The files of movements."""
        return [str(self.folder / one.file) for one in kept.segments]

    @contextlib.contextmanager
    def reading(self) -> Iterator[Kept]:
        """What the folder holds, which no other process changes inside."""
        with self._held(fcntl.LOCK_SH):
            yield self._kept()

    @contextlib.contextmanager
    def _held(self, how: int) -> Iterator[None]:
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, how)
            yield

    def _kept(self) -> Kept:
        try:
            kept = msgspec.json.decode((self.folder / _MANIFEST).read_bytes(), type=Kept)
        except (FileNotFoundError, msgspec.DecodeError):
            return Kept()
        whole = all((self.folder / one.file).exists() for one in kept.segments)
        return kept if whole and kept.format == FORMAT else Kept()

    def _keep(self, kept: Kept) -> None:
        fresh = self.folder / f"{_MANIFEST}.new"
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
        fresh.replace(self.folder / _MANIFEST)

    def _add(self, kept: Kept, rows: Sequence[Sequence[Any]], head: chain.Head) -> Kept:
        segments = list(kept.segments)
        grown = None
        if segments and segments[-1].last - segments[-1].first < SEGMENT:
            grown = segments.pop()
        first = grown.first if grown else int(rows[0][0])
        last = int(rows[-1][0])
        made = Segment(f"movement/{first:012}-{last:012}.parquet", first, last)
        before = str(self.folder / grown.file) if grown else None
        _write(self.folder / made.file, rows, before)
        kept = msgspec.structs.replace(kept, upto_seq=last, head=head, segments=(*segments, made))
        self._keep(kept)
        return kept

    def _sweep(self, kept: Kept) -> None:
        """Files that no manifest names any more: older forms of the last segment."""
        named = {one.file for one in kept.segments}
        for path in (self.folder / "movement").iterdir():
            if f"movement/{path.name}" not in named:
                path.unlink(missing_ok=True)


def open_duckdb(memory_mib: int = 512, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that fetches nothing from anywhere; days are told in UTC."""
    connection = duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": f"{memory_mib}MiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            **({"temp_directory": str(spill)} if spill else {}),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _write(target: Path, rows: Sequence[Sequence[Any]], before: str | None) -> None:
    """``rows``, behind those of the file ``before``, as a new file: whole, or not there."""
    fresh = target.with_suffix(".new")
    with contextlib.closing(open_duckdb()) as db:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        db.execute(f"CREATE TABLE fresh ({columns})")
        appender = db.appender("fresh")
        appender.append_rows([tuple(row) for row in rows])
        appender.flush()
        older = "SELECT * FROM read_parquet($before) UNION ALL " if before else ""
        given = {"before": before} if before else {}
        db.execute(
            f"COPY ({older}SELECT * FROM fresh) TO '{_quoted(fresh)}' "  # noqa: S608
            "(FORMAT parquet, COMPRESSION zstd)",
            given,
        )
    fresh.replace(target)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _page_behind(seq: int) -> Callable[[Connection], tuple[Sequence[Any], chain.Head]]:
    return lambda conn: (flat_rows(conn, seq, _PAGE), chain.head(conn))


def _masters_at(conn: Connection) -> tuple[int, ...]:
    """Another one as soon as master data is: every change of it is in the audit."""
    newest = select(func.coalesce(func.max(schema.audit.c.id), 0))
    counted = [select(func.count()).select_from(t) for t in (schema.item, schema.location)]
    # a lot that arrives is not a change by command: it is counted, and so are dates told later
    dated = select(func.count() * 2 + func.count(schema.lot.c.expires_on)).select_from(schema.lot)
    return tuple(int(conn.execute(one).scalar_one()) for one in (newest, *counted, dated))
