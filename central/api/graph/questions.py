"""What a query may begin with: the listings of the REST API, by the same questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import strawberry
from strawberry.schema.config import StrawberryConfig

from central.alerts import book
from central.alerts.model import State
from central.api.graph.asking import bounded
from central.api.graph.limits import FIRST, Refused, extensions
from central.api.graph.naming import field, shape
from central.api.graph.shapes import (
    SCALARS,
    Alert,
    Balance,
    Document,
    Info,
    Item,
    Line,
    Location,
    Long,
    Movement,
    Page,
    Review,
)
from central.api.pages import Count, Cursor
from central.api.problems import Problem
from central.catalogue import items, tree
from central.config import GraphSection
from central.database.moments import from_us, to_us
from central.documents import books
from central.reviews import store as reviews
from central.stock import queries
from central.stock.model import Posted

__all__ = ["schema_of"]

T = TypeVar("T")
K = TypeVar("K")
_BY_CODE = Cursor[str](str)
_BY_NUMBER = Cursor[int](Count)
_BY_BALANCE = Cursor[tuple[str, str, str, str]](tuple[str, str, str, str])
_BY_TIME = Cursor[tuple[int, str]](tuple[Count, str])
_STATES: dict[str, list[State]] = {
    "open": ["raised", "acknowledged"],
    "cleared": ["cleared"],
    "all": ["waiting", "raised", "acknowledged", "cleared"],
}


def _read(cursor: Cursor[K], after: str | None) -> K | None:
    try:
        return cursor.read(after)
    except Problem as problem:
        raise Refused(str(problem)) from problem


def _one_of(known: Mapping[str, T], said: str, name: str) -> T:
    if said not in known:
        raise Refused(f"`{name}` is one of {', '.join(known)}, not {said!r}")
    return known[said]


def _page(nodes: list[T], first: int, cursor: Cursor[Any], last: object) -> Page[T]:
    ends = last is None or len(nodes) < first
    return Page(nodes=nodes, next=None if ends else cursor.told(last))


@shape
class Query:
    """Everything is read, nothing is changed; each field needs what its REST route needs."""

    @field
    async def item(self, info: Info, sku: str) -> Item | None:
        """One item."""
        info.context.need("read:catalogue")
        row = await info.context.item.load(sku)
        return None if row is None else Item.of(row)

    @field
    async def items(
        self, info: Info, first: int = FIRST, after: str | None = None, search: str = "",
        category: str | None = None,
    ) -> Page[Item]:  # fmt: skip
        """By SKU; `search` looks into SKU, name and category."""
        info.context.need("read:catalogue")
        found = items.list_items(
            info.context.connection, after=_read(_BY_CODE, after) or "", limit=bounded(first),
            wanted=items.Wanted(search=search, category=category),
        )  # fmt: skip
        nodes = [Item.of(msgspec.structs.asdict(one)) for one in found]
        return _page(nodes, first, _BY_CODE, nodes[-1].sku if nodes else None)

    @field
    async def location(self, info: Info, code: str) -> Location | None:
        """One place."""
        info.context.need("read:places")
        row = await info.context.location.load(code)
        return None if row is None else Location.of(row)

    @field
    async def locations(
        self, info: Info, first: int = FIRST, after: str | None = None, under: str | None = None
    ) -> Page[Location]:
        """By code; `under` one place and all within it."""
        with info.context.granted("read:places"):
            found = tree.list_locations(
                info.context.connection, under=under, after=_read(_BY_CODE, after) or "",
                limit=bounded(first),
            )  # fmt: skip
        nodes = [Location.of(msgspec.structs.asdict(one.location)) for one in found]
        return _page(nodes, first, _BY_CODE, nodes[-1].code if nodes else None)

    @field
    async def stock(  # noqa: PLR0917 (filters)
        self, info: Info, first: int = FIRST, after: str | None = None, sku: str | None = None,
        location: str | None = None, below: bool = False,
    ) -> Page[Balance]:  # fmt: skip
        """What lies there; `below`: in the places within it, too."""
        with info.context.granted("read:stock"):
            found = queries.on_hand(
                info.context.connection, sku=sku, location=location, below=below,
                after=_read(_BY_BALANCE, after), limit=bounded(first),
            )  # fmt: skip
        nodes = [Balance.of(msgspec.structs.asdict(one)) for one in found]
        last = found[-1] if found else None
        key = None if last is None else (last.sku, last.lot, last.location, last.status)
        return _page(nodes, first, _BY_BALANCE, key)

    @field
    async def movements(
        self, info: Info, first: int = FIRST, after: str | None = None, sku: str | None = None,
        location: str | None = None,
    ) -> Page[Movement]:  # fmt: skip
        """The newest first."""
        with info.context.granted("read:stock"):
            found = queries.movements(
                info.context.connection, sku=sku, location=location,
                before_seq=_read(_BY_NUMBER, after), limit=bounded(first),
            )  # fmt: skip
        nodes = [Movement.of(_as_row(one)) for one in found]
        return _page(nodes, first, _BY_NUMBER, nodes[-1].seq if nodes else None)

    @field
    async def reviews(
        self, info: Info, first: int = FIRST, after: str | None = None, status: str | None = "open"
    ) -> Page[Review]:
        """The newest first; `status` is open, resolved, ..."""
        with info.context.granted("read:reviews"):
            found = reviews.page(
                info.context.connection, status=status, before=_read(_BY_TIME, after),
                limit=bounded(first),
            )  # fmt: skip
        names = ("id", "read_point", "reason", "status", "opened_at", "event_time", "escalated_at")
        nodes = [Review(**{name: getattr(one, name) for name in names}) for one in found]
        key = (to_us(found[-1].opened_at), found[-1].id) if found else None
        return _page(nodes, first, _BY_TIME, key)

    @field
    async def alerts(
        self, info: Info, first: int = FIRST, after: str | None = None, state: str = "open"
    ) -> Page[Alert]:
        """The newest first; `state` is open, cleared or all."""
        with info.context.granted("read:alerts"):
            found = book.listing(
                info.context.connection, states=_one_of(_STATES, state, "state"),
                before=_read(_BY_NUMBER, after), limit=bounded(first),
            )  # fmt: skip
        nodes = [Alert.of(msgspec.structs.asdict(one)) for one in found]
        return _page(nodes, first, _BY_NUMBER, nodes[-1].no if nodes else None)

    @field
    async def documents(
        self, info: Info, first: int = FIRST, after: str | None = None, status: str = "open"
    ) -> Page[Document]:
        """Announced goods, by id; `status` is open, closed or all."""
        wanted: dict[str, str | None] = {"open": "open", "closed": "closed", "all": None}
        with info.context.granted("read:documents"):
            found = books.list_documents(
                info.context.connection, status=_one_of(wanted, status, "status"),
                after=_read(_BY_CODE, after) or "", limit=bounded(first),
            )  # fmt: skip
        nodes = [_document(one) for one in found]
        return _page(nodes, first, _BY_CODE, nodes[-1].id if nodes else None)


def _as_row(posted: Posted) -> dict[str, object]:
    moved = posted.movement
    times = {"event_us": to_us(moved.event_time), "record_us": to_us(posted.record_time)}
    return {**msgspec.structs.asdict(moved), **times, "seq": posted.seq}


def schema_of(settings: GraphSection) -> strawberry.Schema:
    """The schema, with the limits of the settings."""
    return strawberry.Schema(
        query=Query,
        extensions=extensions(settings),
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
    )


def _document(listed: books.Listed) -> Document:
    one = listed.document
    return Document(
        id=one.id,
        kind=one.kind,
        status=one.status,
        goods=tuple(
            Line(line=line.line, sku=line.sku, quantity=Long(line.quantity), lot=line.lot)
            for line in one.lines
        ),
        expected_until=None if one.until_us is None else from_us(one.until_us),
        ends=(one.source, one.destination),
    )
