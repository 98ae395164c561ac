"""An import as a whole: read, try, and keep all of it, what is right of it, or nothing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import xlsxwriter
from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.database import statistics
from central.imports import balances, items, lots, orders, places
from central.imports.model import Column, Fault, ImportRefused, Kind, Outcome, Row, normal
from central.imports.progress import Progress
from central.imports.tables import open_table

__all__ = ["KINDS", "Keep", "Wanted", "carry_out", "export", "read_file"]

MOST_ROWS = 1_000_000
MOST_FAULTS = 10_000
"""So many are told; all are counted."""
_PART = 5_000
"""Rows that are written in one go; behind each is told how far it came."""
Keep = Literal["all", "right", "none"]
"""What is written: everything or, with a mistake anywhere, nothing; what is right; or nothing."""


class Importer(NamedTuple):
    """One kind of rows: their columns, how they are written and how they are told. A value of the
    column ``once`` stands in one row only; rows with the same in ``together`` are written at once.
    """

    columns: tuple[Column, ...]
    apply: Callable[..., Sequence[Any]]
    tell: Callable[[Connection], Iterator[dict[str, object]]]
    once: str = ""
    together: str = ""


KINDS: dict[Kind, Importer] = {
    "items": Importer(items.COLUMNS, items.apply, items.tell, once="sku"),
    "locations": Importer(places.COLUMNS, places.apply, places.tell),
    "lots": Importer(lots.COLUMNS, lots.apply, lots.tell),
    "stock": Importer(balances.COLUMNS, balances.apply, balances.tell),
    "inbound-orders": Importer(
        orders.INBOUND, orders.apply_inbound, orders.tell_inbound, together="reference"
    ),
    "orders": Importer(orders.OUTBOUND, orders.apply_outbound, orders.tell_outbound, together="id"),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is read. ``mapping``: its titles to our columns; ``decimal``: its sign before a
    fraction, where it does not show.
    """

    kind: Kind
    mapping: Mapping[str, str] = {}
    decimal: Literal[",", "."] | None = None


class Undone(Exception):
    """Takes back what a transaction wrote, and carries what came of it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("nothing is kept")
        self.outcome = outcome


def read_file(path: Path, wanted: Wanted) -> tuple[list[Row], Outcome]:
    """The rows that can be read, and the faults of those that cannot. Raises ``ImportRefused``."""
    columns = KINDS[wanted.kind].columns
    table = open_table(path, columns, mapping=wanted.mapping, decimal=wanted.decimal)
    outcome = Outcome(unknown_columns=table.unknown)
    rows: list[Row] = []
    for one in normal(table.rows, columns, table.decimal):
        outcome.rows += 1
        if outcome.rows > MOST_ROWS:
            raise ImportRefused(f"a file has at most {MOST_ROWS} rows: send it in parts")
        if isinstance(one, Row):
            rows.append(one)
        else:
            _refuse(outcome, [one])
    return rows, outcome


def carry_out(  # noqa: PLR0917 (a transaction's work)
    conn: Connection,
    rows: Sequence[Row],
    outcome: Outcome,
    kind: Kind,
    keep: Keep,
    told: Told,
    progress: Progress | None = None,
) -> Outcome:
    """Write the rows; raises ``Undone`` where nothing is to be kept, for the transaction's end."""
    importer = KINDS[kind]
    seen = progress or Progress("", kind)
    seen.stage, seen.rows, seen.done = "writing", outcome.rows, outcome.refused
    # What a part does not write, the next one does not find.
    dry = keep == "none" and len(rows) <= _PART
    for part in _parts(_first_of_each(rows, importer.once, outcome), importer.together):
        for came in importer.apply(conn, part, told, dry=dry):
            if isinstance(came, list):
                _refuse(outcome, came)
            else:
                setattr(outcome, came, getattr(outcome, came) + 1)
        seen.went(len(part))
    outcome.faults.sort(key=lambda fault: fault.row)
    outcome.kept = keep == "right" or (keep == "all" and not outcome.refused)
    if not outcome.kept:
        raise Undone(outcome)
    if outcome.rows >= statistics.MANY:
        statistics.refresh(conn)
    return outcome


def _first_of_each(rows: Sequence[Row], column: str, outcome: Outcome) -> list[Row]:
    """Without those whose value of the column stands in an earlier row, which are refused."""
    if not column:
        return list(rows)
    first: dict[str, int] = {}
    kept = []
    for row in rows:
        value = row.values.get(column)
        before = row.number if value is None else first.setdefault(value, row.number)
        if before == row.number:
            kept.append(row)
        else:
            _refuse(outcome, [Fault(row.number, column, f"stands in row {before} already")])
    return kept


def _parts(rows: Sequence[Row], together: str) -> Iterator[list[Row]]:
    """The rows in parts of some thousands, those of one thing in one part."""
    if not together:
        yield from (list(rows[at : at + _PART]) for at in range(0, len(rows), _PART))
        return
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.values.get(together, row.number), []).append(row)
    part: list[Row] = []
    for group in groups.values():
        part += group
        if len(part) >= _PART:
            yield part
            part = []
    if part:
        yield part


def _refuse(outcome: Outcome, faults: Iterable[Fault]) -> None:
    outcome.refused += 1
    outcome.faults.extend(list(faults)[: MOST_FAULTS - len(outcome.faults)])


def export(conn: Connection, kind: Kind, form: Literal["csv", "xlsx"], target: Path) -> int:
    """Write everything of a kind as a file that can be imported; how many rows it has."""
    rows = list(KINDS[kind].tell(conn))
    named = [column.name for column in KINDS[kind].columns]
    more = dict.fromkeys(name for row in rows for name in row if name not in named)
    titles = [*named, *more]
    lines: Iterable[list[object]] = ([row.get(title) for title in titles] for row in rows)
    if form == "csv":
        with target.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.writer(file)
            writer.writerow(titles)
            writer.writerows(lines)
    else:
        with xlsxwriter.Workbook(str(target), {"constant_memory": True}) as book:
            sheet = book.add_worksheet(kind)
            for number, line in enumerate([list[object](titles), *lines]):
                for place, value in enumerate(line):
                    if isinstance(value, int | float) and not isinstance(value, bool):
                        sheet.write_number(number, place, value)
                    elif value not in {None, ""}:
                        sheet.write_string(number, place, str(value))
    return len(rows)
