"""How balances are asked for: questions of a few shapes, each put into words once."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BindParameter,
    Select,
    bindparam,
    literal_column,
    select,
    tuple_,
)

from central import schema
from central.database.prepared import Prepared
from central.stock.model import Balance, LocationKind

__all__ = ["KEY", "Shape", "question", "words"]

KEY = ("sku", "lot", "location", "status")
"""What names a balance; as a parameter, each is the last one's that was seen, with an ``_``."""
_balance = schema.balance.c


class Shape(NamedTuple):
    """What is asked for, without the values: these are the parameters of the same names, the
    ``KEY``'s of ``after``, and ``n``, how many at most.
    """

    sku: bool
    location: bool
    below: bool
    virtual: bool
    zero: bool
    status: bool
    after: bool


@cache
def words(shape: Shape) -> Prepared:
    """The question, ready to be asked."""
    return Prepared(question(shape))


def question(shape: Shape) -> Select[*tuple[Any, ...]]:
    """The question, to be narrowed further."""
    key = [_balance[name] for name in KEY]
    query: Select[*tuple[Any, ...]] = select(
        *(_balance[name] for name in Balance.__struct_fields__)
    )
    query = query.order_by(*key).limit(bindparam("n"))
    if shape.after:
        query = query.where(tuple_(*key) > tuple_(*(bindparam(f"{name}_") for name in KEY)))
    if not shape.virtual:
        query = query.join(schema.location, schema.location.c.code == _balance.location).where(
            schema.location.c.kind == literal_column(f"'{LocationKind.INTERNAL.value}'")
        )
    if not shape.zero:
        query = query.where(_balance.on_hand != literal_column("0"))
    if shape.sku:
        query = query.where(_balance.sku == bindparam("sku"))
    if shape.status:
        query = query.where(_balance.status == bindparam("status"))
    if shape.location:
        root: BindParameter[str] = bindparam("location")
        inside = _balance.location.in_(select(_subtree(root).c.code))
        query = query.where(inside if shape.below else _balance.location == root)
    return query


def _subtree(root: BindParameter[str]) -> CTE:
    """The codes of a location and of all that lies below it."""
    place = schema.location.c
    tree = select(place.code).where(place.code == root).cte("subtree", recursive=True)
    child = schema.location.alias("child")
    return tree.union_all(select(child.c.code).join(tree, child.c.parent == tree.c.code))
