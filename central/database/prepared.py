"""Questions that are asked thousands of times a second, put into words once.

Building a query and finding its words again costs several times what an indexed look-up does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, TextClause, text
from sqlalchemy.engine.default import DefaultDialect

__all__ = ["prepared"]

_PLAIN = DefaultDialect(paramstyle="named")


def prepared(query: Select[*tuple[Any, ...]]) -> TextClause:
    """The words of a query, for both engines; what it asks for are its ``bindparam``s. Its rows
    are plain: no type of a column is made anything else of.
    """
    return text(str(query.compile(dialect=_PLAIN)))
