"""A shop that is watched: two items, a tree of places, movements, and a clock that a test moves."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from central import audit, schema
from central.alerts import book, rules
from central.alerts.model import Alert, Kind, Rule, State
from central.alerts.watch import Watch
from central.catalogue import tree
from central.catalogue.changes import Told
from central.catalogue.items import Item, add_item
from central.catalogue.tree import Location, add_location
from central.catalogue.warehouses import Warehouse, add_warehouse
from central.database.moments import from_us, to_us
from central.database.store import Database
from central.database.tide import Tide
from central.stock import ledger
from central.stock.model import Movement
from tests.central.shop import NOON
from tests.fakes.clock import FakeClock

T = TypeVar("T")
NOON_US = to_us(NOON)
OPEN: tuple[State, ...] = ("waiting", "raised", "acknowledged")


class Stage:
    """shop (Berlin) > hall > shelf, bin; and yard, which is no part of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = FakeClock(wall_us=NOON_US)
        self.watch = self.new_watch()
        self._numbers = itertools.count()
        self.write(self._open)

    def new_watch(self) -> Watch:
        """As after a start of central."""
        return Watch(self.database, Tide(), clock=self.clock)

    @staticmethod
    def _open(conn: Connection) -> None:
        add_item(conn, Item(sku="NUT", name="Nut", category="steel"))
        add_item(conn, Item(sku="BOLT", name="Bolt", category="steel"))
        add_warehouse(
            conn, Warehouse(code="shop", name="Shop", time_zone="Europe/Berlin"), created_us=1
        )
        for code, parent in (("hall", "shop"), ("shelf", "hall"), ("bin", "hall"), ("yard", None)):
            add_location(conn, Location(code=code, name=code, parent=parent))

    def write(self, work: Callable[[Connection], T]) -> T:
        """A write transaction, now."""
        return self.database._writer.submit(self.database.write_now, work).result()

    def told(self) -> Told:
        return Told(by="anna", at_us=self.clock.wall_us)

    def rule(self, name: str, kind: str, limit: int | None, **more: Any) -> None:
        rule = Rule(id=name, kind=Kind(kind), limit=limit, **more)
        self.write(lambda c: rules.add(c, rule, self.told()))

    def change(self, name: str, **changes: Any) -> None:
        def work(conn: Connection) -> None:
            there = rules.get(conn, name)
            values = {one: getattr(there, one) for one in Rule.__struct_fields__}
            rules.change(conn, Rule(**values | changes), self.told())

        self.write(work)

    def move(
        self, source: str, destination: str, quantity: int, sku: str = "NUT", lot: str = ""
    ) -> None:
        now_us = self.clock.wall_us
        movement = Movement(
            id=f"movement-{next(self._numbers)}", sku=sku, lot=lot, quantity=quantity,
            source=source, destination=destination, biz_step="storing",
            event_time=from_us(now_us),
        )  # fmt: skip
        self.write(lambda c: ledger.post(c, [movement], record_us=now_us))

    def put(self, code: str, **changes: object) -> None:
        """Change a place, with what a command leaves in the audit."""

        def work(conn: Connection) -> None:
            tree.change_location(conn, code, changes)
            change = audit.Change(f"location {code}", {}, {})
            audit.record(conn, [change], actor="anna", action="change location", at_us=1)

        self.write(work)

    async def look(self) -> None:
        """Look until there is nothing more to look at."""
        while await self.watch.step():
            pass

    async def after(self, seconds: float) -> None:
        """Look again when so much time has passed."""
        self.clock.pass_s(seconds)
        await self.look()

    def open(self) -> dict[str, Alert]:
        """What is not over, by what it says."""
        found = self.database.read_now(lambda c: book.listing(c, states=OPEN))
        return {one.says: one for one in found}

    def happened(self) -> list[str]:
        """Everything that ever happened."""
        event = schema.alert_event.c
        return list(
            self.database.read_now(
                lambda c: c.execute(select(event.what).order_by(event.seq)).scalars().all()
            )
        )
