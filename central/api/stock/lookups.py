"""What is on hand: now, as of another time, and as it was known then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime
from sqlalchemy import Connection

from central.api.pages import Cursor, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.quick import QuickRoute
from central.api.services import Services, json_answer
from central.catalogue import items, tree
from central.database.moments import to_us
from central.stock import history, queries
from central.stock.model import Balance, Status

__all__ = ["router"]

Limit = Annotated[int, Query(ge=1, le=1000)]
_FEW = 200
_CURSOR = Cursor(tuple[str, str, str, str])
_MAY = needs("read:stock", "own")
AsOf = Annotated[
    AwareDatetime | None,
    Query(description="Only what had happened by then, by the devices' and people's word."),
]
KnownAt = Annotated[AwareDatetime | None, Query(description="Only what was on the ledger by then.")]
KnownSeq = Annotated[
    int | None, Query(ge=0, le=2**62, description="Only movements up to this number.")
]


def router(services: Services) -> APIRouter:
    """The routes of what is on hand."""
    made = APIRouter(tags=["stock"], route_class=QuickRoute)
    _add_item(made, services)
    _add_inventory(made, services)
    return made


def _add_item(made: APIRouter, services: Services) -> None:
    @made.get(
        "/stock/{sku}", summary="Stock of one item", responses=shown_as(404, 422),
        openapi_extra=_MAY,
    )  # fmt: skip
    async def stock(
        sku: str, as_of: AsOf = None, known_at: KnownAt = None, known_seq: KnownSeq = None
    ) -> Response:
        """On hand in all, by location, by status and by lot; `available` of it can be sold.
        Virtual locations are left out. With `as_of`, `known_at` or `known_seq` as it was: summed
        up from the item's movements.
        """
        then = history.Then(
            as_of_us=None if as_of is None else to_us(as_of),
            known_us=None if known_at is None else to_us(known_at),
            known_seq=known_seq,
        )

        past = any(one is not None for one in then)

        def work(connection: Connection) -> dict[str, object]:
            item = items.get_item(connection, sku)
            held = (
                history.stock_then(connection, sku, then)
                if past
                else queries.stock_of(connection, sku, virtual=False)
            )
            return {"sku": sku, "name": item.name, "unit": item.unit, **_summed(held)}

        ask = services.read if past else services.look_up
        return json_answer(await ask(work))


def _summed(held: list[Balance]) -> dict[str, object]:
    by_location: Counter[str] = Counter()
    by_status: Counter[str] = Counter()
    for balance in held:
        by_location[balance.location] += balance.on_hand
        by_status[balance.status] += balance.on_hand
    return {
        "on_hand": by_status.total(),
        "available": by_status["available"],
        "by_location": by_location,
        "by_status": by_status,
        "balances": held,
    }


def _add_inventory(made: APIRouter, services: Services) -> None:
    async def inventory(
        find: Callable[..., list[Balance]], after: str | None, limit: int, *, quick: bool
    ) -> Response:
        seen = _CURSOR.read(after)
        ask = services.look_up if quick else services.read
        found = await ask(lambda c: find(c, after=seen, limit=limit))
        behind = following(
            found, limit, lambda b: _CURSOR.told((b.sku, b.lot, b.location, b.status))
        )
        return page(found, behind)

    @made.get("/api/inventory", summary="Stock of all items", openapi_extra=_MAY)
    async def everything(
        sku: str | None = None,
        location: str | None = None,
        status: Status | None = None,
        after: str | None = None,
        limit: Limit = 200,
    ) -> Response:
        """By item, lot, location and status; `next` of an answer goes into `after`."""
        find = partial(queries.on_hand, sku=sku, location=location, status=status)
        return await inventory(find, after, limit, quick=sku is not None)

    @made.get("/locations/{code}/inventory", summary="Stock of one location", openapi_extra=_MAY)
    @made.get(
        "/api/locations/{code}/inventory",
        summary="Stock of one location (alias)",
        openapi_extra=_MAY,
    )
    async def at_location(
        code: str,
        subtree: bool = False,
        status: Status | None = None,
        after: str | None = None,
        limit: Limit = 200,
    ) -> Response:
        """By item, lot and status; `subtree=true` takes all places within this one in as well."""

        def find(connection: Connection, **which: Any) -> list[Balance]:  # noqa: ANN401 (of a page)
            find_here = partial(queries.on_hand, location=code, status=status, below=subtree)
            found = [] if subtree else find_here(connection, **which)
            if not found:  # where something lies is a place, and within reach
                tree.get_location(connection, code)
            return find_here(connection, **which) if subtree else found

        return await inventory(find, after, limit, quick=not subtree and limit <= _FEW)
