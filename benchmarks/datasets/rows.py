"""Rows of a CSV file, plain or gzip-compressed, with errors that name file and line."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path


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
