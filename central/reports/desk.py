"""Where reports are made: over the extract, one after the other, apart from the books."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from central.reports import forms, ground
from central.reports.extract import Extract, Kept, Read, open_duckdb
from central.reports.model import Asked, Report, ReportRefused

__all__ = ["ReportDesk"]

T = TypeVar("T")
_CHUNK = 10_000


class ReportDesk:
    """Makes reports from ``folder``, which holds the extract and is brought up to the books before
    each. One at a time: a report may take all of a core and half a GiB, and stock comes first.
    """

    def __init__(self, folder: Path, read: Read) -> None:
        self._extract = Extract(folder)
        self._read = read
        self._busy = threading.Lock()

    async def page(
        self, report: Report, asked: Asked, now: datetime, *, after: int, limit: int
    ) -> list[Sequence[Any]]:
        """The rows behind the first ``after``. Raises ``ReportRefused``."""
        return await asyncio.to_thread(
            lambda: self._among(
                report, asked, now, lambda rows: list(islice(rows, after, after + limit))
            )
        )

    async def file(self, report: Report, asked: Asked, now: datetime, form: str, to: Path) -> int:
        """The whole report as a file; how many rows it has. Raises ``ReportRefused``, OSError."""
        return await asyncio.to_thread(lambda: self.write(report, asked, now, form, to))

    def write(self, report: Report, asked: Asked, now: datetime, form: str, to: Path) -> int:
        """The same in the calling thread."""
        return self._among(report, asked, now, lambda rows: forms.write(report, rows, form, to))

    def bring_up(self) -> Kept:
        """Copy what is new of the books. Blocks."""
        with self._busy:
            return self._extract.bring_up(self._read)

    def _among(
        self,
        report: Report,
        asked: Asked,
        now: datetime,
        work: Callable[[Iterator[Sequence[Any]]], T],
    ) -> T:
        if not report.by_item and (asked.sku or asked.category):
            raise ReportRefused(f"{report.name} is not by item: leave item and category out")
        with self._busy:
            if report.gather is not None:
                gather = report.gather
                return work(iter(self._read(lambda conn: list(gather(conn, asked, now)))))
            self._extract.bring_up(self._read)
            folder = self._extract.folder
            with (
                self._extract.reading() as kept,
                contextlib.closing(open_duckdb(spill=folder / "spill")) as db,
            ):
                ground.lay(
                    db, folder, self._extract.paths(kept), report=report, asked=asked, now=now
                )
                return work(_rows(db.execute(report.query), report))


def _rows(found: Any, report: Report) -> Iterator[Sequence[Any]]:  # noqa: ANN401 (DuckDB's cursor)
    while part := found.fetchmany(_CHUNK):
        yield from part if report.finish is None else map(report.finish, part)
