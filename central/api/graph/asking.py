"""What a query's fields ask the database for: everything of one kind at once, on one snapshot.

A field of a hundred things is asked for a hundred times within one turn of the loop; its loader
gathers that into one statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, select, union_all
from strawberry.dataloader import DataLoader

from central import schema
from central.access.model import Actor, Places, may
from central.api.graph.limits import MOST_FIRST, Refused

__all__ = ["Asked"]

T = TypeVar("T")
_Row = Mapping[str, Any]
_Some = tuple[str, int]
"""A key, and how many rows of it are wanted."""


class Asked:
    """Who asks, the snapshot, and the loaders of one query."""

    def __init__(self, connection: Connection, actor: Actor) -> None:
        self.connection = connection
        self._actor = actor
        item, place = schema.item, schema.location
        balance, movement, alert = schema.balance, schema.movement, schema.alert
        self.item = self._one(item, item.c.sku)
        self.location = self._one(place, place.c.code)
        self.children = self._some(place, place.c.parent, (place.c.code,))
        rest = (balance.c.sku, balance.c.lot, balance.c.location, balance.c.status)
        there = balance.c.on_hand != 0
        self.stock_of = self._some(balance, balance.c.sku, rest, there)
        self.stock_at = self._some(balance, balance.c.location, rest, there)
        self.movements_of = self._some(movement, movement.c.sku, (movement.c.seq.desc(),))
        still = alert.c.cleared_us.is_(None) & (alert.c.state != "waiting")
        self.alerts_of = self._some(alert, alert.c.sku, (alert.c.no.desc(),), still)

    def need(self, permission: str, places: Places = "all") -> None:
        """Raises ``Refused`` unless whoever asks has it, as on the REST routes."""
        if not may(self._actor, permission, places):
            raise Refused(f"{self._actor.name} may not see this: it needs {permission}"
                          f"{'' if places == 'none' else ' everywhere'}")  # fmt: skip

    def _one(self, table: Table, key: ColumnElement[str]) -> DataLoader[str, _Row | None]:
        async def load(keys: list[str]) -> list[_Row | None]:
            rows = self.connection.execute(select(table).where(key.in_(keys)))
            found = {getattr(row, str(key.key)): row._asdict() for row in rows}
            return [found.get(one) for one in keys]

        return DataLoader(load_fn=load, max_batch_size=MOST_FIRST)

    def _some(
        self,
        table: Table,
        key: ColumnElement[Any],
        order: Sequence[ColumnElement[Any]],
        *where: ColumnElement[bool],
    ) -> DataLoader[_Some, list[_Row]]:
        async def load(wanted: list[_Some]) -> list[list[_Row]]:
            def of(one: _Some) -> Select[Any]:
                rows = select(table).where(key == one[0], *where).order_by(*order).limit(one[1])
                return select(rows.subquery())

            # One statement, of which each part stops at its limit: an index gives its first rows.
            every = union_all(*map(of, wanted)) if len(wanted) > 1 else of(wanted[0])
            found: dict[str, list[_Row]] = defaultdict(list)
            for row in self.connection.execute(every):
                found[getattr(row, str(key.key))].append(row._asdict())
            return [found[one[0]] for one in wanted]

        return DataLoader(load_fn=load, max_batch_size=MOST_FIRST)


def bounded(first: int) -> int:
    """How many rows are given. Raises ``Refused``."""
    if not 1 <= first <= MOST_FIRST:
        raise Refused(f"`first` is 1 to {MOST_FIRST}, not {first}")
    return first
