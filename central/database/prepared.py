"""Questions that are asked thousands of times a second, put into words once and asked past
SQLAlchemy, whose own work at each of them costs several times what an indexed look-up does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import Compiled
from sqlalchemy.exc import DBAPIError

__all__ = ["Prepared", "as_told"]

_DIALECTS: tuple[Dialect, ...] = (
    SQLiteDialect_pysqlite(paramstyle="named"),
    PGDialect_psycopg(),  # type: ignore[no-untyped-call]
)


class Prepared:
    """A query whose ``bindparam``s are all that is asked of it anew."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        compiled = [query.compile(dialect=dialect) for dialect in _DIALECTS]
        self._words = {one.dialect.name: str(one) for one in compiled}
        self._fixed = {one.dialect.name: _fixed(one) for one in compiled}

    def rows(self, conn: Connection, asked: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Its rows, plain: no type of a column is made anything else of. Raises what SQLAlchemy
        raises of any other question.
        """
        engine = conn.dialect.name
        words, everything = self._words[engine], {**self._fixed[engine], **asked}
        driver: Any = conn.connection.dbapi_connection
        try:
            rows: list[tuple[Any, ...]] = driver.execute(words, everything).fetchall()
        except Exception as error:
            raise as_told(error, words, conn) from error
        return rows


def _fixed(compiled: Compiled) -> dict[str, object]:
    """What the words ask for beside that: values of the query's own, such as no offset."""
    return {name: value for name, value in compiled.params.items() if value is not None}


def as_told(error: Exception, words: str, conn: Connection) -> Exception:
    """A driver's error as SQLAlchemy would have raised it; any other one as it is."""
    its_errors = conn.dialect.loaded_dbapi.Error
    if not isinstance(error, its_errors):
        return error
    return DBAPIError.instance(words, None, error, its_errors, dialect=conn.dialect)
