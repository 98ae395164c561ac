"""Items: add, look up, change, retire."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.etags import IfMatch, check, tagged
from central.api.item_bodies import ItemBody, ItemPatch, ItemsAsked, ItemState, patched
from central.api.pages import following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.quick import QuickRoute
from central.api.services import Services, now_us
from central.catalogue import changes, items, packs
from central.catalogue.changes import Told

_PATCHES: dict[str, object] = {
    "price": {"value": {"unit_price": 27.5, "attributes": {"colour": "red"}}},
    "a variant no more": {"value": {"parent": None}},
}


def router(services: Services) -> APIRouter:
    """The routes of items."""
    made = APIRouter(tags=["catalogue"], route_class=QuickRoute)
    _add_lookups(made, services)
    _add_changes(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/items",
        summary="List items",
        responses=shown_as(422),
        openapi_extra=needs("read:catalogue", "none"),
    )
    async def list_items(asked: Annotated[ItemsAsked, Query()]) -> Response:
        """By SKU; `search` looks into SKU, name and category. `parent` is the item's whose
        variants are asked for, `gtin` one that stands for the item.
        """

        def work(connection: Connection) -> tuple[list[dict[str, object]], str | None]:
            pack = None if asked.gtin is None else packs.find_pack(connection, asked.gtin)
            if asked.gtin is not None and pack is None:
                return [], None
            wanted = items.Wanted(
                search=asked.search,
                category=asked.category,
                status=asked.status,
                parent=asked.parent,
                sku=None if pack is None else pack.sku,
            )
            found = items.list_items(
                connection, after=asked.after, limit=asked.limit, wanted=wanted
            )
            rows = [changes.described(connection, item) for item in found]
            return rows, following(found, asked.limit, lambda item: item.sku)

        return page(*await services.read(work))

    @made.get(
        "/items/{sku}",
        summary="One item",
        responses=shown_as(404),
        openapi_extra=needs("read:catalogue", "none"),
    )
    async def get_item(sku: str) -> Response:
        """With the GTINs that stand for it, and the `ETag` that a change of it asks for."""
        return tagged(await services.read(lambda c: changes.described(c, items.get_item(c, sku))))


def _add_changes(made: APIRouter, services: Services) -> None:
    _add_creation(made, services)

    async def replace(
        sku: str, state: ItemState | ItemPatch, if_match: str | None, told: Told
    ) -> Response:
        def work(connection: Connection) -> dict[str, object]:
            before = items.get_item(connection, sku)
            shown = changes.described(connection, before)
            check(if_match, shown)
            wanted = state if isinstance(state, ItemState) else patched(shown, state)
            item = wanted.item(sku, before.created_us)
            return changes.replace(connection, item, wanted.packs(), told)

        return tagged(await services.write(work))

    @made.put(
        "/items/{sku}",
        summary="Change an item",
        responses=shown_as(404, 409, 412, 422, 428),
        openapi_extra=needs("write:catalogue"),
    )
    async def put_item(
        sku: str, body: ItemState, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """As a whole: what is left out becomes what it is for a new item. `If-Match` says which
        state was seen; where somebody changed it since, 412 says so.
        """
        return await replace(sku, body, if_match, told)

    @made.patch(
        "/items/{sku}",
        summary="Change a part of an item",
        responses=shown_as(404, 409, 412, 422, 428),
        openapi_extra=needs("write:catalogue"),
    )
    async def patch_item(
        sku: str,
        body: Annotated[ItemPatch, Body(openapi_examples=_PATCHES)],
        told: Telling,
        if_match: IfMatch = None,
    ) -> Response:
        """A merge patch (RFC 7396): what is not named stays, what is null becomes what it is for a
        new item. `attributes` are merged one by one, `gtins` are replaced together.
        """
        return await replace(sku, body, if_match, told)

    @made.delete(
        "/items/{sku}",
        summary="Retire an item",
        responses=shown_as(404, 412),
        openapi_extra=needs("write:catalogue"),
    )
    async def retire_item(sku: str, told: Telling, if_match: IfMatch = None) -> Response:
        """It stays in the catalogue, for its history: it is received no more, though what is there
        can still be moved and shipped. Change its `status` to make it active again.
        """

        def work(connection: Connection) -> dict[str, object]:
            shown = changes.described(connection, items.get_item(connection, sku))
            check(if_match, shown, needed=False)
            return changes.retire(connection, sku, told)

        return tagged(await services.write(work))


def _add_creation(made: APIRouter, services: Services) -> None:
    refused = shown_as(404, 409, 422)

    @made.post(
        "/items",
        status_code=201,
        summary="Add an item",
        responses=refused,
        openapi_extra=needs("write:catalogue"),
    )
    @made.post(
        "/api/products",
        status_code=201,
        summary="Add an item (alias of /items)",
        responses=refused,
        openapi_extra=needs("write:catalogue"),
    )
    async def add_item(body: ItemBody, told: Telling) -> Response:
        """A SKU exists once: a second one of the same name is refused with 409."""

        def work(connection: Connection) -> dict[str, object]:
            item = body.item(body.sku, now_us())
            return changes.create(connection, item, body.packs(), told)

        return tagged(await services.write(work), 201)
