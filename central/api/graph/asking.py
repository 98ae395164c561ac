"""What a query's fields ask the database for: everything of one kind at once, on one snapshot.

A field of a hundred things is asked for a hundred times within one turn of the loop; its loader
gathers that into one statement.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, select, true, union_all
from strawberry.dataloader import DataLoader

from central import schema
from central.access import model, reach
from central.access.behalf import reaching
from central.access.model import Actor, may
from central.api.graph.limits import MOST_FIRST, Refused
from central.stock.model import LocationKind

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
        self.location = self._one(place, place.c.code, self._places_of("read:places"))
        inside = self._within("read:places", place.c.code)
        self.children = self._some(place, place.c.parent, (place.c.code,), inside)
        rest = (balance.c.sku, balance.c.lot, balance.c.location, balance.c.status)
        there = balance.c.on_hand != 0
        inside = self._within("read:stock", balance.c.location)
        self.stock_of = self._some(balance, balance.c.sku, rest, there, inside)
        self.stock_at = self._some(balance, balance.c.location, rest, there, inside)
        inside = self._within("read:stock", movement.c.source, movement.c.destination)
        self.movements_of = self._some(movement, movement.c.sku, (movement.c.seq.desc(),), inside)
        still = alert.c.cleared_us.is_(None) & (alert.c.state != "waiting")
        inside = self._within("read:alerts", alert.c.location)
        self.alerts_of = self._some(alert, alert.c.sku, (alert.c.no.desc(),), still, inside)

    def need(self, permission: str) -> None:
        """Raises ``Refused`` unless whoever asks has it somewhere, as on the REST routes."""
        if not may(self._actor, permission, "own"):
            raise Refused(f"{self._actor.name} may not see this: it needs {permission}")

    @contextlib.contextmanager
    def granted(self, permission: str) -> Iterator[None]:
        """What is asked within reaches as far as whoever asks has it. Raises ``Refused``."""
        self.need(permission)
        with reaching(model.reach(self._actor, permission)):
            yield

    def _within(self, permission: str, *columns: ColumnElement[str]) -> ColumnElement[bool]:
        """The condition that one of these names a place where whoever asks has it."""
        with reaching(model.reach(self._actor, permission)):
            found = reach.within(*columns)
        return true() if found is None else found

    def _places_of(self, permission: str) -> ColumnElement[bool]:
        """Of a location: it is one of these, or an end of the books, which is everybody's."""
        place = schema.location.c
        return self._within(permission, place.code) | (place.kind != LocationKind.INTERNAL)

    def _one(
        self, table: Table, key: ColumnElement[str], where: ColumnElement[bool] | None = None
    ) -> DataLoader[str, _Row | None]:
        async def load(keys: list[str]) -> list[_Row | None]:
            query = select(table).where(key.in_(keys), true() if where is None else where)
            rows = self.connection.execute(query)
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
