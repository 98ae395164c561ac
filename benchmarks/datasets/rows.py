"""Rows of a CSV file, plain or gzip-compressed, with errors that name file and line."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from drivers.recording import TagHeard


class DatasetError(ValueError):
    """A data set that is not as its importer expects it; the message says where."""


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """``(line number, column -> text)``, both stripped; raises ``DatasetError``."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        reader = csv.DictReader(io.StringIO(content.decode()), skipinitialspace=True)
        for row in reader:
            if None in row or None in row.values():
                raise DatasetError(f"{path}, line {reader.line_num}: not as many columns as named")
            yield reader.line_num, {name.strip(): text.strip() for name, text in row.items()}
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error


@contextmanager
def at_line(path: Path, number: int) -> Iterator[None]:
    """Say in a ``DatasetError`` where a column was missing or held what nobody can read."""
    try:
        yield
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{path}, line {number}: {error!r}") from error


def reads(
    path: Path, time: str, read: Callable[[dict[str, str], float], TagHeard]
) -> tuple[float, tuple[TagHeard, ...]]:
    """When the first row was (Unix time), and every row in order of its column ``time``, as
    ``read`` makes it of the row and the seconds since the first. Raises ``DatasetError``.
    """
    rows: list[tuple[float, int, dict[str, str]]] = []
    for number, row in read_rows(path):
        with at_line(path, number):
            rows.append((float(row[time]), number, row))
    if not rows:
        raise DatasetError(f"{path}: no reads")
    rows.sort(key=lambda timed: timed[:2])
    origin_s = rows[0][0]
    heard = []
    for at_s, number, row in rows:
        with at_line(path, number):
            heard.append(read(row, round(at_s - origin_s, 6)))
    return origin_s, tuple(heard)


def stem(path: Path) -> str:
    """The file's name without ``.csv`` and ``.gz``."""
    return path.name.removesuffix(".gz").removesuffix(".csv")


def csv_files(source: Path) -> list[Path]:
    """``source`` itself, or every CSV file below it, in order."""
    if source.is_file():
        return [source]
    return sorted(
        path
        for path in source.rglob("*")
        if path.name.endswith((".csv", ".csv.gz")) and path.is_file()
    )


def moment(epoch_s: float) -> datetime:
    """Seconds since 1970 as a UTC time."""
    return datetime.fromtimestamp(epoch_s, UTC)
