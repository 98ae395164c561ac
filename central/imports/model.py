"""What may be imported: columns with their aliases, and what is wrong with a row. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

__all__ = [
    "Column",
    "Fault",
    "ImportRefused",
    "Kind",
    "Outcome",
    "Row",
    "named",
    "normal",
    "number",
]

Kind = Literal["items", "locations", "lots", "stock", "inbound-orders", "orders"]


class ImportRefused(Exception):
    """The file cannot be read at all; the text is a sentence for people."""

    status = 422


class Column(msgspec.Struct, frozen=True):
    """A column: what it is also called, what it takes, whether every row needs it."""

    name: str
    takes: str
    aliases: tuple[str, ...] = ()
    needed: bool = False
    numeric: bool = False


class Row(msgspec.Struct, frozen=True):
    """A row of a file: ``number`` counts from 1, the head included, as spreadsheets do."""

    number: int
    values: dict[str, str]


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a row: in which column (empty: the row), what, and what is accepted."""

    row: int
    column: str
    what: str
    accepted: str = ""


class Outcome(msgspec.Struct, kw_only=True):
    """What came of an import. ``kept`` is false where nothing of it was written."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    kept: bool = False
    unknown_columns: list[str] = []
    faults: list[Fault] = []


def named(
    head: Sequence[str], columns: Iterable[Column], mapping: Mapping[str, str]
) -> dict[int, str]:
    """Which column of a file is which of ours: by ``mapping`` (theirs to ours), name or alias,
    whatever the case and blanks; ``attribute: colour`` is kept as such. Raises ``ImportRefused``
    where one that is needed is not there, or one is there twice.
    """
    known = {_plain(alias): one.name for one in columns for alias in (one.name, *one.aliases)}
    told = {_plain(theirs): ours for theirs, ours in mapping.items()}
    found: dict[int, str] = {}
    for place, title in enumerate(head):
        ours = told.get(_plain(title)) or known.get(_plain(title))
        if ours is None and re.match(r"attributes?[.: ]", title.strip(), re.IGNORECASE):
            ours = "attribute:" + re.split(r"[.: ]+", title.strip(), maxsplit=1)[1]
        if ours is None:
            continue
        if ours in found.values():
            raise ImportRefused(f"two columns of the file are {ours}: map or remove one")
        found[place] = ours
    lacking = [one.name for one in columns if one.needed and one.name not in found.values()]
    if lacking:
        raise ImportRefused(
            f"the file has no column {', '.join(lacking)}; it has {', '.join(head) or 'none'}. "
            "Name them so, or say which they are"
        )
    return found


def number(said: str, decimal: str) -> str:
    """A number as Python reads it; ``decimal`` is the sign before its fraction, the other one may
    part thousands. Raises ValueError.
    """
    text = said.replace("\u00a0", "").replace(" ", "").replace("'", "")
    other = "." if decimal == "," else ","
    whole, point, fraction = text.partition(decimal)
    if other in whole and not re.fullmatch(rf"[+-]?\d{{1,3}}(?:\{other}\d{{3}})+", whole):
        raise ValueError(f"{said!r} is no number with a decimal {decimal!r}")
    if other in fraction or decimal in fraction:
        raise ValueError(f"{said!r} is no number")
    return whole.replace(other, "") + ("." + fraction if point else "")


def normal(rows: Iterable[Row], columns: Iterable[Column], decimal: str) -> Iterator[Row | Fault]:
    """The rows, their numbers as Python reads them; or what is wrong with one."""
    numeric = {one.name: one.takes for one in columns if one.numeric}
    for row in rows:
        values = dict(row.values)
        fault = None
        for name in numeric.keys() & values.keys():
            try:
                values[name] = number(values[name], decimal)
            except ValueError as error:
                fault = Fault(row.number, name, str(error), numeric[name])
        yield fault or Row(row.number, values)


def _plain(title: str) -> str:
    return re.sub(r"[\s_\-]+", "", title.strip().lower())
