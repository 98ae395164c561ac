"""Many rows into a PostgreSQL table by COPY, which takes them with a third of the work that an
INSERT makes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import Connection

from central.database.prepared import as_told

__all__ = ["WORTH_IT", "copied", "lines_of"]

WORTH_IT = 20
"""Rows from which on it pays: COPY is planned anew each time, and asks the server twice."""
_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copied(conn: Connection, statement: str, lines: str) -> None:
    """Carry ``COPY ... FROM STDIN`` out; raises what SQLAlchemy raises of any other statement."""
    driver: Any = conn.connection.dbapi_connection
    with driver.cursor() as cursor:
        try:
            with cursor.copy(statement) as copy:
                copy.write(lines)
        except psycopg.Error as error:
            raise as_told(error, statement, conn) from error


def lines_of(rows: Sequence[tuple[object, ...]]) -> str | None:
    """Rows as COPY's text format has them, see "File Formats" of COPY in PostgreSQL's manual;
    ``None`` where a value is neither text nor a number.
    """
    columns = []
    for values in zip(*rows, strict=True):
        column = _column(values)
        if column is None:
            return None
        columns.append(column)
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def _column(values: tuple[object, ...]) -> Sequence[str] | None:
    kinds = set(map(type, values))
    if kinds == {str}:
        return _texts(values)  # type: ignore[arg-type]
    if kinds <= {int} or kinds <= {float}:
        return list(map(repr, values))
    if kinds <= {str, int, float, type(None)}:
        return [_NULL if value is None else str(value).translate(_ESCAPES) for value in values]
    if all(value is None or isinstance(value, str) for value in values):  # some are enums
        return [_NULL if one is None else str.__str__(one).translate(_ESCAPES) for one in values]
    return None


def _texts(values: tuple[str, ...]) -> Sequence[str]:
    """Most columns have nothing in them to be escaped, which is seen at a glance."""
    together = "".join(values)
    if any(sign in together for sign in "\\\t\n\r"):
        return [value.translate(_ESCAPES) for value in values]
    return values
