"""Reports as files: CSV, XLSX, Parquet."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from central.reports.model import Report, ReportRefused

__all__ = ["FORMS", "MEDIA_TYPES", "plain", "write"]

Rows = Iterable[Sequence[Any]]
_MOST_XLSX_ROWS = 1_048_576 - 1
_CHUNK = 20_000
_SQL = {
    "text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "date": "DATE",
    "moment": "TIMESTAMP",
}  # fmt: skip
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def plain(value: object) -> object:
    """A value as JSON and CSV have it: moments in UTC with their zone, six decimals at most."""
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 6) if isinstance(value, float) else value


def write(report: Report, rows: Rows, form: str, target: Path) -> int:
    """Write a report as ``form`` to ``target``; how many rows it has. Raises ``ReportRefused``."""
    counted = _Counted(rows)
    FORMS[form](report, counted, target)
    return counted.seen


class _Counted:
    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.seen = 0

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self._rows:
            self.seen += 1
            yield row


def _csv(report: Report, rows: Rows, target: Path) -> None:
    """RFC 4180 in UTF-8. A text that a spreadsheet would run as a formula begins with a quote."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in report.columns])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return f"'{value}"
    return plain(value)


def _xlsx(report: Report, rows: Rows, target: Path) -> None:
    """One sheet, its columns' units and meanings as notes of its head."""
    options = {
        "constant_memory": True,
        "default_date_format": "yyyy-mm-dd",
        "strings_to_urls": False,
        "strings_to_formulas": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(str(target), options) as book:
        sheet = book.add_worksheet(report.title[:31])
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for place, column in enumerate(report.columns):
            sheet.write_string(0, place, column.name, bold)
            unit = f" ({column.unit})" if column.unit else ""
            sheet.write_comment(0, place, f"{column.means}{unit}")
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, start=1):
            if number > _MOST_XLSX_ROWS:
                raise ReportRefused(
                    f"a sheet holds {_MOST_XLSX_ROWS} rows: ask for less, or for CSV or Parquet"
                )
            for place, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(number, place, value, moment)
                elif isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif value is not None:
                    sheet.write(number, place, value)


def _parquet(report: Report, rows: Rows, target: Path) -> None:
    with contextlib.closing(duckdb.connect()) as db:
        columns = ", ".join(f'"{one.name}" {_SQL[one.kind]}' for one in report.columns)
        db.execute(f"CREATE TABLE report ({columns})")
        appender = db.appender("report")
        coming = iter(rows)
        while part := list(itertools.islice(coming, _CHUNK)):
            appender.append_rows([tuple(row) for row in part])
        appender.flush()
        said = str(target).replace("'", "''")
        db.execute(f"COPY report TO '{said}' (FORMAT parquet, COMPRESSION zstd)")


FORMS: dict[str, Callable[[Report, Rows, Path], None]] = {
    "csv": _csv, "xlsx": _xlsx, "parquet": _parquet,
}  # fmt: skip
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
