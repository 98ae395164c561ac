"""The routes of orders: the list, the form of a new one, one order of any way, and a pick list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from central.api.etags import etag
from central.api.orders import bodies as leaving
from central.api.orders.outbound import whole as shown_leaving
from central.api.pages import Cursor
from central.api.permits import needs
from central.api.receiving import bodies as coming
from central.api.receiving.orders import whole as shown_coming
from central.api.services import Services, now_us
from central.orders import picking
from central.orders import store as outbound
from central.orders.model import NoSuchOrder
from central.returns import store as returns
from central.web.desk import Desk, may_at, place_choices
from central.web.orders import words
from central.web.pages import Pages
from central.web.views import order_in, order_list, order_out
from central.web.views.stock import item_names, location_names

__all__ = ["OrderPages"]

_CURSOR: Cursor[order_list.Key] = Cursor(order_list.Key)  # type: ignore[arg-type]
_Search = Annotated[str, Query(max_length=200)]
_Word = Annotated[str, Query(max_length=300)]
_WORDS = {
    "ways": words.WAYS, "states": words.STATES, "reasons": words.INBOUND_REASONS,
    "return_reasons": words.RETURN_REASONS, "dispositions": words.DISPOSITIONS,
    "differs_words": words.DIFFERS,
}  # fmt: skip


class OrderPages:
    """The routes. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._desk = Desk(services, pages)

    def router(self) -> APIRouter:
        """The form before an order: no order is called ``new``, ids are longer."""
        made = APIRouter(include_in_schema=False)
        for path, page in (
            ("/screen/orders", self.listed),
            ("/screen/orders/new", self.new),
            ("/screen/orders/{order_id}", self.one),
            ("/screen/picking/{task_id}", self.task),
        ):
            made.add_api_route(path, page, openapi_extra=needs("read:orders", "own"))
        return made

    async def listed(
        self,
        way: order_list.Way = "out",
        choice: order_list.Choice = "open",
        q: _Search = "",
        after: _Word | None = None,
    ) -> Response:
        """Orders of a way, what is due first before all."""
        choices = order_list.CHOICES[way]
        choice = choice if choice in choices else "open"
        wanted = order_list.Wanted(
            way=way, choice=choice, search=q.strip(), after=_CURSOR.read(after)
        )

        def read(conn: Connection) -> Mapping[str, Any]:
            limit = order_list.ROWS + 1
            found = order_list.listed(conn, wanted, now_us=now_us(), limit=limit)
            rows, more = found[: order_list.ROWS], len(found) > order_list.ROWS
            said = {"way": way, "choice": choice, "q": wanted.search}
            return _WORDS | {
                "rows": rows, "wanted": wanted,
                "older": _address(said | {"after": _CURSOR.told(rows[-1].key)}) if more else "",
                "first": _address(said) if after else "",
                "here": _address(said | ({"after": after} if after else {})),
                "tabs": [(name, _address({"way": one}), one == way)
                         for one, name in words.WAYS.items()],
                "chips": [(name, _address(said | {"choice": one}), one == choice)
                          for one, name in choices.items()],
                "places_of": location_names(conn, {one.place for one in rows}),
            }  # fmt: skip

        return await self._desk.page("orders/list.html", read)

    async def new(self, way: Literal["out", "in"] = "out") -> Response:
        """The form of a new order."""

        def read(conn: Connection) -> Mapping[str, Any]:
            return {"way": way, "places": place_choices(conn)}

        return await self._desk.page("orders/new.html", read)

    async def one(self, order_id: str) -> Response:
        """An order that leaves or comes, or a return: whatever is called so."""
        return await self._desk.page("orders/one.html", lambda c: self._facts(c, order_id))

    async def task(self, task_id: str) -> Response:
        """The picks of a wave in the order of the walk, to print or to look at."""

        def read(conn: Connection) -> Mapping[str, Any]:
            task = picking.get(conn, task_id)
            return {
                "task": task,
                "names": item_names(conn, {one.sku for one in task.picks}),
                "places_of": location_names(conn, {one.location for one in task.picks}),
            }

        return await self._desk.page("orders/task.html", read)

    def _facts(self, conn: Connection, name: str) -> Mapping[str, Any]:
        at_us = now_us()
        common = _WORDS | {"now_us": at_us, "places": place_choices(conn)}
        found: dict[str, Any]
        template = _template(conn, name)
        if template == "orders/return.html":
            found = order_in.return_facts(conn, returns.get(conn, name))
            place = found["order"].location
        elif template == "orders/out.html":
            found = order_out.facts(conn, name, now_us=at_us)
            found["asked"] = msgspec.to_builtins(leaving.asked_of(found["order"]))
            found["tag"] = etag(shown_leaving(conn, name))
            place = found["order"].warehouse
            found["carriers"] = sorted(self._services.orders.carriers)
            found["packs"] = bool(self._services.orders.company_prefix)
        else:
            found = order_in.facts(conn, name, now_us=at_us)
            found["asked"] = msgspec.to_builtins(coming.asked_of(found["order"]))
            found["tag"] = etag(shown_coming(conn, name))
            place = found["order"].location
        return common | found | {
            "shown": template,
            "drawn": _drawn(found),
            "may_change": may_at(conn, "write:orders", place),
            "may_inspect": may_at(conn, "write:stock", place),
        }  # fmt: skip


def _template(conn: Connection, name: str) -> str:
    """Which page shows what is called so."""
    if returns.find(conn, name) is not None:
        return "orders/return.html"
    try:
        outbound.get(conn, name)
    except NoSuchOrder:
        return "orders/in.html"
    return "orders/out.html"


def _drawn(found: Mapping[str, Any]) -> str:
    """A word that is another one when other things can be done with an order: its page is drawn
    anew then, not only its figures.
    """
    order = found["order"]
    stands = found.get("stands") or order.state
    rest = (found.get(one, "") for one in ("came", "to_ship", "unpacked", "waits"))
    return "-".join([stands, *(str(len(one) if isinstance(one, list) else one) for one in rest)])


def _address(chosen: Mapping[str, str]) -> str:
    plain = {("way", "out"), ("choice", "open")}
    said = {one: told for one, told in chosen.items() if told and (one, told) not in plain}
    return f"/screen/orders?{urlencode(said)}" if said else "/screen/orders"
