"""What became of orders, line by line and pick by pick: facts for reports. Read-only."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.sql.elements import ColumnElement

from central import schema
from central.access import reach

__all__ = ["LineFact", "PickFact", "Wanted", "lines_promised", "picks_done"]

_order = schema.outbound_order.c
_line = schema.outbound_line.c
_pick = schema.pick.c
_item = schema.item.c


class Wanted(NamedTuple):
    """Facts from ``from_us`` up to, without, ``until_us``; of one item, or of a category."""

    from_us: int
    until_us: int
    sku: str | None = None
    category: str | None = None


class LineFact(NamedTuple):
    """A line of an order. ``promised_us`` is when the order is due, if that was said, ``left_us``
    when the last of it left, if anything did. Times are microseconds since 1970.
    """

    order: str
    warehouse: str
    line: str
    sku: str
    quantity: int
    shipped: int
    left_us: int | None
    created_us: int
    promised_us: int | None

    @property
    def counts_us(self) -> int:
        """When it counts: when it is due, else when it was ordered."""
        return self.created_us if self.promised_us is None else self.promised_us


class PickFact(NamedTuple):
    """Units that somebody brought (``picked``, of ``quantity`` that were asked) at ``done_us``."""

    task: str
    wave: str
    by: str
    order: str
    sku: str
    location: str
    quantity: int
    picked: int
    done_us: int


def lines_promised(conn: Connection, wanted: Wanted) -> list[LineFact]:
    """Lines that count in a time: not those of cancelled orders."""
    counts = func.coalesce(_order.due_us, _order.created_us)
    query: Select[Any] = (
        select(
            _order.id, _order.warehouse, _line.line, _line.sku, _line.quantity, _line.shipped,
            _line.left_us, _order.created_us, _order.due_us,
        )
        .join(schema.outbound_line, _line.order_id == _order.id)
        .where(_order.state != "cancelled", counts >= wanted.from_us, counts < wanted.until_us)
        .order_by(_order.id, _line.line)
    )  # fmt: skip
    query = _of_items(query, _line.sku, wanted)
    if (granted := reach.within(_order.warehouse)) is not None:
        query = query.where(granted)
    return [LineFact(*row) for row in conn.execute(query)]


def picks_done(conn: Connection, wanted: Wanted) -> list[PickFact]:
    """What was brought in a time, or looked for in vain, by task and picker in their order."""
    task = schema.pick_task.c
    query: Select[Any] = (
        select(
            _pick.task, task.wave, _pick.done_by, _pick.order_id, _pick.sku, _pick.location,
            _pick.quantity, _pick.picked, _pick.done_us,
        )
        .join(schema.pick_task, task.id == _pick.task)
        .where(_pick.done_us >= wanted.from_us, _pick.done_us < wanted.until_us)
        .order_by(_pick.task, _pick.done_by, _pick.done_us, _pick.id)
    )  # fmt: skip
    query = _of_items(query, _pick.sku, wanted)
    if (granted := reach.within(_pick.location)) is not None:
        query = query.where(granted)
    return [PickFact(*row) for row in conn.execute(query)]


def _of_items(query: Select[Any], sku: ColumnElement[str], wanted: Wanted) -> Select[Any]:
    if wanted.sku is not None:
        query = query.where(sku == wanted.sku)
    if wanted.category is not None:
        query = query.join(schema.item, _item.sku == sku).where(_item.category == wanted.category)
    return query
