"""Files as rows: CSV as spreadsheets of any country write it, and XLSX."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import msgspec
from python_calamine import CalamineError, CalamineWorkbook

from central.imports.model import Column, ImportRefused, Row, named

__all__ = ["Table", "lines_of", "open_table"]

_XLSX = b"PK\x03\x04"
_MOST_UNPACKED = 1 << 30
_SAMPLE = 64 * 1024
_ENCODINGS = ("utf-8-sig", "cp1252")


class Table(msgspec.Struct):
    """A file's rows, its columns that nobody knows, and its sign before a fraction."""

    rows: Iterable[Row]
    unknown: list[str]
    decimal: str


def open_table(
    path: Path, columns: Sequence[Column], *, mapping: Mapping[str, str], decimal: str | None
) -> Table:
    """What is in the file, whose kind is told by its content. Raises ``ImportRefused``, OSError.

    A CSV may have commas, semicolons or tabs, a byte order mark, UTF-8, UTF-16 or Windows-1252;
    with semicolons fractions have a comma, unless ``decimal`` says otherwise.
    """
    lines, sign = _read(path)
    _, head = next(lines, (0, ()))
    places = named(head, columns, mapping)
    unknown = [title for place, title in enumerate(head) if place not in places and title.strip()]
    return Table(_rows(lines, places), unknown, decimal or sign)


def lines_of(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """Each line's number and cells, the head first. Raises as ``open_table``."""
    return _read(path)[0]


def _read(path: Path) -> tuple[Iterator[tuple[int, Sequence[str]]], str]:
    """The lines, and the sign before a fraction."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    if not sample.strip():
        raise ImportRefused("the file is empty")
    if sample.startswith(_XLSX):
        return _sheet(path), "."
    encoding, delimiter = _dialect(path, sample)
    return _lines(path, encoding, delimiter), "," if delimiter == ";" else "."


def _rows(lines: Iterable[tuple[int, Sequence[str]]], places: Mapping[int, str]) -> Iterator[Row]:
    for number, cells in lines:
        values = {
            name: cells[place].strip() for place, name in places.items() if place < len(cells)
        }
        if any(values.values()):
            yield Row(number, {name: value for name, value in values.items() if value})


def _dialect(path: Path, sample: bytes) -> tuple[str, str]:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = next(one for one in _ENCODINGS if _reads(path, one))
    head = sample.decode(encoding, "replace").lstrip("\r\n").partition("\n")[0]
    return encoding, max((",", ";", "\t"), key=head.count)


def _reads(path: Path, encoding: str) -> bool:
    if encoding == _ENCODINGS[-1]:
        return True
    try:
        with path.open(encoding=encoding) as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _lines(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    with path.open(newline="", encoding=encoding, errors="replace") as file:
        try:
            for number, cells in enumerate(csv.reader(file, delimiter=delimiter), start=1):
                if any(cell.strip() for cell in cells):
                    yield number, cells
        except csv.Error as error:
            raise ImportRefused(f"the file is no CSV: {error}") from error


def _sheet(path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The first sheet's rows. A small file may unpack to a huge one: that is not tried."""
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(one.file_size for one in packed.infolist()) > _MOST_UNPACKED:
                raise ImportRefused("the file unpacks to more than 1 GiB: send it as CSV")
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except (CalamineError, zipfile.BadZipFile) as error:
        raise ImportRefused(f"the file is no spreadsheet: {error}") from error
    for number, cells in enumerate(sheet.iter_rows(), start=1 + (sheet.start or (0, 0))[0]):
        said = [_said(cell) for cell in cells]
        if any(said):
            yield number, said


def _said(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell)
