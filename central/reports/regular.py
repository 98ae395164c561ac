"""Reports that are made every night into a folder, and how long they stay there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from central.reports.catalogue import REPORTS
from central.reports.desk import ReportDesk
from central.reports.model import Asked

__all__ = ["RegularReports"]

_log = structlog.get_logger(__name__)


class RegularReports:
    """Writes the ``names`` as ``form`` into ``folder``: NAME-YYYY-MM-DD.FORM, of the day before in
    UTC, whole or not at all. Its own files of more than ``keep_days`` ago go.
    """

    def __init__(
        self, desk: ReportDesk, folder: Path, names: Sequence[str], form: str, keep_days: int
    ) -> None:
        self._desk = desk
        self._folder = folder
        self._names = names
        self._form = form
        self._keep_days = keep_days

    async def write(self, now: datetime | None = None) -> list[Path]:
        """Make them, of yesterday; what was written. Raises OSError."""
        now = now or datetime.now(UTC)
        day = now.astimezone(UTC).date() - timedelta(days=1)
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        written = []
        for name in self._names:
            target = self._folder / f"{name}-{day}.{self._form}"
            fresh = target.with_name(f".{target.name}.new")
            rows = await self._desk.file(REPORTS[name], Asked(until=day), now, self._form, fresh)
            fresh.replace(target)
            written.append(target)
            _log.info("report_written", report=name, rows=rows, file=str(target))
        await asyncio.to_thread(self._forget, day - timedelta(days=self._keep_days))
        return written

    def _forget(self, before: date) -> None:
        for name in REPORTS:
            for path in self._folder.glob(f"{name}-*"):
                day = re.fullmatch(rf"{name}-(\d{{4}}-\d\d-\d\d)\.(?:csv|xlsx|parquet)", path.name)
                if day and date.fromisoformat(day[1]) < before:
                    path.unlink(missing_ok=True)
