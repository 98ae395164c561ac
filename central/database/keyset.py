"""Pages of a listing by the key of the last row that was seen: cheap at any depth, and rows that
come or go in the meantime neither repeat nor hide others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_

S = TypeVar("S", bound=tuple[Any, ...])
Columns = Sequence[ColumnElement[Any]]


def ascending(query: Select[S], key: Columns, after: Sequence[object] | None, n: int) -> Select[S]:
    """The ``n`` rows with the least ``key`` behind ``after``; ``None``: from the first on."""
    page = query.order_by(*key).limit(n)
    return page if after is None else page.where(tuple_(*key) > tuple_(*after))


def newest(query: Select[S], key: Columns, before: Sequence[object] | None, n: int) -> Select[S]:
    """The ``n`` rows with the greatest ``key`` before ``before``; ``None``: from the last on."""
    page = query.order_by(*(column.desc() for column in key)).limit(n)
    return page if before is None else page.where(tuple_(*key) < tuple_(*before))
