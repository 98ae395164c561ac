"""What can be asked for by GraphQL: items, places, stock, movements, questions, alerts, papers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, NewType, TypeVar

import strawberry
from strawberry.types import Info as _Info
from strawberry.types.scalar import ScalarDefinition

from central.api.graph.asking import Asked, bounded
from central.api.graph.limits import FIRST
from central.api.graph.naming import field, shape
from central.database.moments import from_us

__all__ = [
    "SCALARS",
    "Alert",
    "Balance",
    "Document",
    "Info",
    "Item",
    "Line",
    "Location",
    "Long",
    "Movement",
    "Page",
    "Review",
]  # fmt: skip

Info = _Info[Asked, None]
T = TypeVar("T")
Long = NewType("Long", int)
SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long", description="A whole number of up to 63 bits.", serialize=int, parse_value=int
    )
}


def _at(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


@shape
class Page(Generic[T]):
    """A page of a listing; `next` goes into `after` for the following one."""

    nodes: list[T]
    next: str | None


@shape
class Item:
    """An item of the catalogue (SKU)."""

    sku: str
    name: str
    category: str
    unit: str
    unit_mg: Long | None
    family: bool
    status: str
    above: strawberry.Private[str | None]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Item:
        """Of a row of the table."""
        names = ("sku", "name", "category", "unit", "unit_mg", "family", "status")
        return cls(**{name: row[name] for name in names}, above=row["parent"])

    @field
    async def parent(self, info: Info) -> Item | None:
        """What it is a variant or a part of."""
        row = None if self.above is None else await info.context.item.load(self.above)
        return None if row is None else Item.of(row)

    @field
    async def stock(self, info: Info, first: int = FIRST) -> list[Balance]:
        """Where it lies, by lot, place and status; virtual places too."""
        info.context.need("read:stock")
        rows = await info.context.stock_of.load((self.sku, bounded(first)))
        return [Balance.of(row) for row in rows]

    @field
    async def movements(self, info: Info, first: int = FIRST) -> list[Movement]:
        """The newest first."""
        info.context.need("read:stock")
        rows = await info.context.movements_of.load((self.sku, bounded(first)))
        return [Movement.of(row) for row in rows]

    @field
    async def alerts(self, info: Info, first: int = FIRST) -> list[Alert]:
        """Those that are open, the newest first."""
        info.context.need("read:alerts")
        rows = await info.context.alerts_of.load((self.sku, bounded(first)))
        return [Alert.of(row) for row in rows]


@shape
class Location:
    """A place, or a virtual end of the books (supplier, customer, ...)."""

    code: str
    name: str
    kind: str
    type: str
    status: str
    above: strawberry.Private[str | None]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Location:
        """Of a row of the table."""
        names = ("code", "name", "kind", "type", "status")
        return cls(**{name: row[name] for name in names}, above=row["parent"])

    @field
    async def parent(self, info: Info) -> Location | None:
        """The place around it."""
        row = None if self.above is None else await info.context.location.load(self.above)
        return None if row is None else Location.of(row)

    @field
    async def children(self, info: Info, first: int = FIRST) -> list[Location]:
        """The places in it, by code."""
        rows = await info.context.children.load((self.code, bounded(first)))
        return [Location.of(row) for row in rows]

    @field
    async def stock(self, info: Info, first: int = FIRST) -> list[Balance]:
        """What lies in it, but not in places within it."""
        info.context.need("read:stock")
        rows = await info.context.stock_at.load((self.code, bounded(first)))
        return [Balance.of(row) for row in rows]


async def _item(info: Info, sku: str) -> Item | None:
    info.context.need("read:catalogue")
    row = await info.context.item.load(sku)
    return None if row is None else Item.of(row)


async def _location(info: Info, code: str) -> Location | None:
    info.context.need("read:places")
    row = await info.context.location.load(code)
    return None if row is None else Location.of(row)


@shape
class Balance:
    """How much of an item and lot lies in a place in a status."""

    sku: str
    lot: str
    status: str
    on_hand: Long
    place: strawberry.Private[str]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Balance:
        """Of a row of the table."""
        names = ("sku", "lot", "status", "on_hand")
        return cls(**{name: row[name] for name in names}, place=row["location"])

    @field
    async def item(self, info: Info) -> Item | None:
        """What of."""
        return await _item(info, self.sku)

    @field
    async def location(self, info: Info) -> Location | None:
        """Where."""
        return await _location(info, self.place)


@shape
class Movement:
    """A movement on the ledger."""

    seq: Long
    id: str
    sku: str
    lot: str
    quantity: Long
    biz_step: str
    disposition: str
    origin: str
    reason: str
    confidence: float
    event_time: datetime
    record_time: datetime
    ends: strawberry.Private[tuple[str, str]]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Movement:
        """Of a row of the table."""
        names = ("seq", "id", "sku", "lot", "quantity", "biz_step", "disposition", "origin",
                 "reason", "confidence")  # fmt: skip
        return cls(
            **{name: row[name] for name in names},
            event_time=from_us(row["event_us"]),
            record_time=from_us(row["record_us"]),
            ends=(row["source"], row["destination"]),
        )

    @field
    async def item(self, info: Info) -> Item | None:
        """What of."""
        return await _item(info, self.sku)

    @field
    async def source(self, info: Info) -> Location | None:
        """Where from."""
        return await _location(info, self.ends[0])

    @field
    async def destination(self, info: Info) -> Location | None:
        """Where to."""
        return await _location(info, self.ends[1])


@shape
class Alert:
    """What is wrong with one thing, under its nearest rule."""

    no: Long
    kind: str
    rule: str
    severity: str
    state: str
    says: str
    value: Long
    limit: Long | None
    subject: str
    since: datetime
    raised_at: datetime | None
    acknowledged_by: str
    cleared_at: datetime | None
    about: strawberry.Private[tuple[str, str]]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Alert:
        """Of a row of the table."""
        names = ("no", "rule", "severity", "state", "says", "value", "limit", "subject",
                 "acknowledged_by")  # fmt: skip
        return cls(
            **{name: row[name] for name in names},
            kind=str(row["kind"]),
            since=from_us(row["since_us"]),
            raised_at=_at(row["raised_us"]),
            cleared_at=_at(row["cleared_us"]),
            about=(row["sku"], row["location"]),
        )

    @field
    async def item(self, info: Info) -> Item | None:
        """What of."""
        return await _item(info, self.about[0]) if self.about[0] else None

    @field
    async def location(self, info: Info) -> Location | None:
        """Where."""
        return await _location(info, self.about[1]) if self.about[1] else None


@shape
class Review:
    """A question that judging has for a person."""

    id: str
    read_point: str
    reason: str
    status: str
    opened_at: datetime
    event_time: datetime
    escalated_at: datetime | None


@shape
class Line:
    """A line of a document."""

    line: str
    sku: str
    quantity: Long
    lot: str

    @field
    async def item(self, info: Info) -> Item | None:
        """What of."""
        return await _item(info, self.sku)


@shape
class Document:
    """Announced goods: a notice, an order or a transfer."""

    id: str
    kind: str
    status: str
    expected_until: datetime | None
    goods: strawberry.Private[tuple[Line, ...]]
    ends: strawberry.Private[tuple[str, str]]

    @field
    async def lines(self, first: int = FIRST) -> list[Line]:
        """In the order in which they were announced."""
        return list(self.goods[: bounded(first)])

    @field
    async def source(self, info: Info) -> Location | None:
        """Where from."""
        return await _location(info, self.ends[0])

    @field
    async def destination(self, info: Info) -> Location | None:
        """Where to."""
        return await _location(info, self.ends[1])
