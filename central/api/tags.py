"""Tags of which people say what they stand for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from central.api.acting import Telling
from central.api.bodies import Said
from central.api.item_bodies import BindingBody
from central.api.pages import following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.catalogue import changes, tags

_HEX = r"^[0-9A-F]{2,128}$"
InPath = Annotated[str, Path(pattern=_HEX, description="Upper-case hexadecimal.")]


def router(services: Services) -> APIRouter:
    """The routes of tag bindings."""
    made = APIRouter(tags=["catalogue"])

    @made.post(
        "/tag-bindings",
        status_code=201,
        summary="Bind a tag to an item",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:catalogue"),
    )
    async def bind(body: BindingBody, told: Telling) -> Response:
        """From the next observation on the tag stands for units of this item (of a lot, or for the
        piece with a serial), whatever is written in it, and moves that item's stock. What it stands
        for already is answered with 200; for something else, it is refused with 409.
        """
        made_now = await services.write(lambda c: changes.bind(c, body.binding(), told))
        return json_answer(body.binding(), 201 if made_now else 200)

    @made.get(
        "/tag-bindings",
        summary="List bound tags",
        responses=shown_as(422),
        openapi_extra=needs("read:catalogue", "none"),
    )
    async def list_bindings(
        sku: Annotated[Said | None, Query(max_length=64)] = None,
        after: Annotated[
            Said, Query(max_length=128, description="`next` of the last answer.")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Response:
        """By EPC; those of one item when `sku` is given."""
        found = await services.read(
            lambda c: tags.list_bindings(c, sku=sku, after=after, limit=limit)
        )
        return page(found, following(found, limit, lambda one: one.epc))

    @made.get(
        "/tag-bindings/{epc}",
        summary="What a tag is bound to",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:catalogue", "none"),
    )
    async def get_binding(epc: InPath) -> Response:
        """404 where nobody said: it stands then for what is written in it."""
        return json_answer(await services.read(lambda c: tags.binding_of(c, epc)))

    @made.delete(
        "/tag-bindings/{epc}",
        summary="Unbind a tag",
        responses=shown_as(404, 422),
        openapi_extra=needs("write:catalogue"),
    )
    async def unbind(epc: InPath, told: Telling) -> Response:
        """From the next observation on it says only what is written in it. Answers what it was
        bound to; what it moved before stays as it is.
        """
        return json_answer(await services.write(lambda c: changes.unbind(c, epc, told)))

    return made
