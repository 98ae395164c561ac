"""The list of items, and the page of one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, get_args
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from central.api.pages import Cursor
from central.api.services import json_answer
from central.catalogue import items
from central.web.ops.ground import OWN, Ground
from central.web.views import item_history, item_page, stock, stock_list
from central.web.views.stock_list import Key, Only, Sort
from central.web.views.units import ItemUnits

__all__ = ["ItemPages"]

_CURSOR: Cursor[Key] = Cursor(Key)  # type: ignore[arg-type]
_Search = Annotated[str, Query(max_length=200)]
_Word = Annotated[str, Query(max_length=300)]


def _now_us() -> int:
    return time.time_ns() // 1_000


class ItemPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._units = ItemUnits()

    def router(self) -> APIRouter:
        """The list first: its ``rows`` are no item."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/items", self.listed),
            ("/screen/items/{sku}/now", self.now),
            ("/screen/items/{sku}/movements", self.movements),
            ("/screen/items/{sku}/places", self.places),
            ("/screen/items/{sku}/history", self.history),
            ("/screen/items/{sku}", self.one),
        ):
            made.add_api_route(path, page, openapi_extra=OWN)
        return made

    async def listed(
        self,
        request: Request,
        q: _Search = "",
        only: Only = "",
        sort: Sort = "sku",
        after: _Word | None = None,
    ) -> Response:
        """The items that fit; asked by htmx only their rows."""
        seen = _CURSOR.read(after)
        if seen is not None and isinstance(seen[0], str) != (sort in {"sku", "name"}):
            seen = None  # of another order: from the start
        wanted = stock_list.Wanted(search=q, only=only, sort=sort, after=seen)

        def read(connection: Connection) -> Mapping[str, object]:
            found = stock_list.listed(connection, wanted, self._units, limit=stock_list.ROWS + 1)
            rows, more = found[: stock_list.ROWS], len(found) > stock_list.ROWS
            chosen = {"q": q, "only": only, "sort": sort}
            key = _CURSOR.told(rows[-1].key) if more else ""
            return {
                "rows": rows,
                "total": stock_list.total(connection),
                "wanted": wanted,
                "older": _address(chosen | {"after": key}) if key else "",
                "first": "" if after is None else _address(chosen),
                "chips": [(name, _address(chosen | {"only": code}), code == only)
                          for code, name in stock_list.ONLY.items()],
                "sorts": stock_list.SORTS,
                "days": {"expiring": stock_list.EXPIRING_DAYS, "still": stock_list.STILL_DAYS},
            }  # fmt: skip

        part = request.headers.get("hx-request") == "true"
        return await self._ground.shown("ops/items_rows.html" if part else "ops/items.html", read)

    async def one(self, sku: str) -> Response:
        """All that is known of an item."""
        at_us = _now_us()

        def read(connection: Connection) -> Mapping[str, object]:
            now = item_page.now(connection, sku, at_us=at_us)
            facts = item_page.facts(connection, sku, at_us=at_us)
            return now | facts | {"printers": self._ground.printers(connection)}

        return await self._ground.shown("ops/item.html", read)

    async def now(self, sku: str) -> Response:
        """What of it changes as goods move."""
        return await self._ground.shown(
            "ops/item_now.html", lambda c: item_page.now(c, sku, at_us=_now_us())
        )

    async def movements(self, sku: str, before: Annotated[int, Query(ge=0, le=2**62)]) -> Response:
        """Older movements of it, for the foot of the list."""

        def read(connection: Connection) -> Mapping[str, object]:
            rows = stock.movements(
                connection, sku=sku, before_seq=before, limit=item_page.MOVEMENTS + 1
            )
            return {"movements": rows, "shown": item_page.MOVEMENTS, "sku": sku}

        return await self._ground.shown("ops/movement_rows.html", read)

    async def places(self, sku: str, skip: Annotated[int, Query(ge=0, le=2**31)]) -> Response:
        """Further places where it lies, for the foot of that list."""
        return await self._ground.shown(
            "ops/lying_rows.html", lambda c: item_page.where(c, sku, skip)
        )

    async def history(self, sku: str) -> Response:
        """What its chart shows."""

        def read(connection: Connection) -> item_history.History:
            items.get_item(connection, sku)
            return item_history.history(connection, sku, now_us=_now_us())

        return json_answer(msgspec.to_builtins(await self._ground.services.read(read)))


def _address(chosen: Mapping[str, str]) -> str:
    plain = {("sort", "sku")}
    said = {one: told for one, told in chosen.items() if told and (one, told) not in plain}
    return f"/screen/items?{urlencode(said)}" if said else "/screen/items"


assert set(get_args(Only)) == set(stock_list.ONLY), "every filter has its words"
