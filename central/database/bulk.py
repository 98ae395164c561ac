"""Many rows in one statement, on both engines.

SQLite takes rows fastest one by one through a prepared statement. PostgreSQL takes them as
arrays that one statement unnests, whose planning and round trip are paid once; many rows that are
only to be added it takes by COPY.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from central.database import copying
from central.database.ahead import Ahead

__all__ = [
    "BulkInsert",
    "BulkLookup",
    "WholeLookup",
    "ahead_of",
    "array_of",
    "columns_of",
    "storable",
]

_rows_of = msgspec.json.Decoder(list[list[Any]]).decode
_PIECE = 250
"""Rows that are made lines of in about a millisecond."""
_PLAIN = {str, int, float, type(None)}
_SQLITE_VALUE = {"text": "TEXT", "bigint": "INTEGER"}


def storable(said: str) -> str:
    """Text from a wire as both engines store it: PostgreSQL has no place for NUL in text, and
    a device that sends one must not stop everything behind it.
    """
    return said.replace("\x00", "\ufffd")


class BulkInsert:
    """``INSERT INTO table (columns) ... suffix`` for any number of rows.

    ``columns`` are pairs of name and PostgreSQL type; ``suffix`` is an ``ON CONFLICT``
    clause. Names and suffix are our own words, never input.
    """

    def __init__(self, table: str, columns: Sequence[tuple[str, str]], suffix: str = "") -> None:
        names = ", ".join(name for name, _type in columns)
        marks = ", ".join("?" for _column in columns)
        arrays = ", ".join(f"%s::{kind}[]" for _name, kind in columns)
        self._sqlite = f"INSERT INTO {table} ({names}) VALUES ({marks}) {suffix}"  # noqa: S608
        source = f"SELECT * FROM unnest({arrays})"  # noqa: S608
        self._postgres = f"INSERT INTO {table} ({names}) {source} {suffix}"
        self._copy = "" if suffix else f"COPY {table} ({names}) FROM STDIN"

    def run(self, conn: Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert the rows, in order."""
        if not rows:
            return
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql(self._sqlite, list(rows))
            return
        many = self._copy and len(rows) >= copying.WORTH_IT
        lines = copying.lines_of(rows) if many else None
        if lines is None:
            conn.exec_driver_sql(self._postgres, columns_of(rows))
        else:
            copying.copied(conn, self._copy, lines)

    def add(
        self, conn: Connection, ahead: Ahead | None, rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Insert rows of text and numbers, with ``ahead_of`` many of them before they are there."""
        if ahead is None:
            self.run(conn, rows)
        elif rows:
            ahead.copy(self._copy, "".join(_pieces(ahead, rows)))


def _pieces(ahead: Ahead, rows: Sequence[tuple[object, ...]]) -> Iterator[str]:
    """The lines of rows; the server is looked after meanwhile."""
    for first in range(0, len(rows), _PIECE):
        lines = copying.lines_of(rows[first : first + _PIECE])
        if lines is None:
            raise TypeError("rows that are added ahead are of text and numbers")
        ahead.go_on()
        yield lines


def ahead_of(conn: Connection, rows: int) -> AbstractContextManager[Ahead | None]:
    """What takes so many rows while more are made; nothing where that is not worth it."""
    worth_it = conn.dialect.name == "postgresql" and rows >= copying.WORTH_IT
    return Ahead(conn) if worth_it else nullcontext()


class BulkLookup:
    """A query over many keys at once: ``{keys}`` in ``query`` stands for a table ``k`` with
    the ``columns`` (pairs of name and ``text`` or ``bigint``).
    """

    def __init__(self, query: str, columns: Sequence[tuple[str, str]]) -> None:
        self._lone = len(columns) == 1  # a lone column is a plain list
        value = "value" if self._lone else "json_extract(value, '$[{}]')"
        values = ", ".join(
            f"CAST({value.format(index)} AS {_SQLITE_VALUE[kind]}) AS {name}"
            for index, (name, kind) in enumerate(columns)
        )
        names = ", ".join(name for name, _type in columns)
        arrays = ", ".join(f"%s::{kind}[]" for _name, kind in columns)
        self._sqlite = query.replace("{keys}", f"(SELECT {values} FROM json_each(?)) AS k")  # noqa: S608
        self._postgres = query.replace("{keys}", f"unnest({arrays}) AS k({names})")

    def run(
        self, conn: Connection, keys: Sequence[tuple[object, ...]]
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """The rows that belong to the keys; none without keys."""
        if not keys:
            return []
        if conn.dialect.name == "sqlite":
            asked = [key for (key,) in keys] if self._lone else keys
            return conn.exec_driver_sql(self._sqlite, (msgspec.json.encode(asked).decode(),)).all()
        return conn.exec_driver_sql(self._postgres, columns_of(keys)).all()


class WholeLookup:
    """The same where many rows are expected of texts and integers: ``told`` of ``source`` (from
    ``FROM`` on), in no order.

    SQLite's driver lets other threads run at each row, and beside a busy one waits for its turn as
    often: here it gives all rows as one.
    """

    def __init__(
        self, told: Sequence[str], source: str, columns: Sequence[tuple[str, str]]
    ) -> None:
        listed = ", ".join(told)
        self._rows = BulkLookup(f"SELECT {listed} {source}", columns)
        whole = f"SELECT json_group_array(json_array({listed})) {source}"
        self._whole = BulkLookup(whole, columns)

    def run(self, conn: Connection, keys: Sequence[tuple[object, ...]]) -> Sequence[Sequence[Any]]:
        """The rows that belong to the keys; none without keys."""
        if not keys or conn.dialect.name != "sqlite":
            return self._rows.run(conn, keys)
        ((said,),) = self._whole.run(conn, keys)
        return _rows_of(said)


def columns_of(rows: Sequence[tuple[object, ...]]) -> tuple[object, ...]:
    """Rows as PostgreSQL takes them: each column an array."""
    return tuple(array_of(column) for column in zip(*rows, strict=True))


def array_of(values: tuple[object, ...]) -> object:
    """A column as PostgreSQL reads an array, see "Array Input and Output Syntax" in its manual.

    psycopg would look each value over with regular expressions, which takes longer than the
    database does; what is neither text nor a number is left to it.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        return f"{{{str(values)[1:-1].rstrip(',')}}}"
    if kinds == {str}:
        return _texts(values)  # type: ignore[arg-type]
    if kinds <= _PLAIN:
        return f"{{{','.join(map(_element, values))}}}"
    if all(isinstance(value, str) for value in values):  # some are enums
        return _texts(tuple(map(str.__str__, values)))
    return list(values)


def _texts(values: tuple[str, ...]) -> str:
    """Hardly any text has something in it to be escaped, which is seen at a glance."""
    together = "".join(values)
    if "\\" in together or '"' in together:
        return f"{{{','.join(map(_element, values))}}}"
    return '{"' + '","'.join(values) + '"}'


def _element(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else repr(value)
