"""Labels as documents: what templates there are, and PDF or ZPL of things."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.labels.bodies import MakeBody
from central.api.pages import page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services
from central.api.stock.commands import Key, command_id
from central.catalogue.changes import Told
from central.labels.binding import bind_all
from central.labels.desk import Gathered, Wish
from central.labels.model import (
    FIELDS,
    MEDIA_TYPES,
    Dpi,
    Form,
    Kind,
    LabelClash,
    LabelRefused,
    NoSuchLabel,
    Printed,
    Subject,
    default_dpi,
)
from central.labels.template import Template
from central.orders import packing, store

_FILE: dict[str, object] = {"schema": {"type": "string", "format": "binary"}}
DOCUMENT: dict[int | str, dict[str, object]] = {
    200: {"description": "The labels", "content": dict.fromkeys(MEDIA_TYPES.values(), _FILE)}
}
_REFUSED = shown_as(403, 404, 409, 422)
Dots = Annotated[Dpi, BeforeValidator(int), Query(description="Dots of an inch of the printer.")]


def router(services: Services) -> APIRouter:
    """The routes of labels that are downloaded."""
    made = APIRouter(tags=["labels"])
    _add_templates(made, services)
    _add_making(made, services)
    _add_cartons(made, services)
    return made


def _add_templates(made: APIRouter, services: Services) -> None:
    @made.get(
        "/labels/templates",
        summary="List label templates",
        responses=shown_as(422),
        openapi_extra=needs("read:labels", "none"),
    )
    async def templates(kind: Kind | None = None) -> Response:
        """Those that come with Tallyport and those of the folder in the settings, with the fields
        that a template of that kind may name.
        """
        found = sorted(services.labels.shelf.templates.items())
        return page([_shown(name, one) for name, one in found if kind in {None, one.kind}])


def _add_making(made: APIRouter, services: Services) -> None:
    @made.post(
        "/labels",
        summary="Make labels",
        response_class=Response,
        responses={**DOCUMENT, **_REFUSED},
        openapi_extra=needs("write:labels", "own"),
    )
    async def make(body: MakeBody, told: Telling, key: Key = None) -> Response:
        """As PDF (a page each, or sheets) or ZPL. With `rfid` each label's EPC is given here and
        never again, but to the same `id`; with `bind` the tags stand for the goods from now on.
        """
        if body.rfid and body.format != "zpl":
            raise LabelRefused("tags are written by ZPL: ask for `format` zpl, or leave `rfid` out")
        wish, command = body.wish(), body.id or command_id(key)
        gathered = await gather(services, wish, command, told)
        dpi = body.dpi or default_dpi(sheet=body.sheet)
        made = await document(services, wish, gathered, body.format, dpi)
        if refused := await bind_all(services.write, gathered.bindings, told):
            raise LabelClash(refused[0])
        return made


def _add_cartons(made: APIRouter, services: Services) -> None:
    @made.get(
        "/api/orders/outbound/{order_id}/cartons/{sscc}/label",
        summary="The label of a carton",
        response_class=Response,
        responses={**DOCUMENT, **shown_as(404, 422)},
        openapi_extra=needs("read:orders", "own"),
    )
    async def carton(  # noqa: PLR0917 (a query's words)
        order_id: str,
        sscc: str,
        told: Telling,
        format: Form = "pdf",  # noqa: A002 (as clients say it)
        dpi: Dots = 203,
        kind: Annotated[Kind, Query(description="shipping or logistic")] = "shipping",
        template: Annotated[str, Query(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = "",
    ) -> Response:
        """Whom it goes to, by whom, which carton of how many, and its SSCC; the carrier's tracking
        number once it has told one. `kind=logistic`: the GS1 logistic label, with what is in it.
        """

        def check(conn: Connection) -> None:
            order = store.get(conn, order_id)
            if sscc not in {one.sscc for one in packing.cartons_of(conn, order.id)}:
                raise NoSuchLabel(f"order {order_id} has no carton {sscc}")

        if kind not in {"shipping", "logistic"}:
            raise LabelRefused("a carton's label is of kind shipping or logistic")
        await services.read(check)
        wish = Wish(kind=kind, template=template, subjects=(Subject(sscc=sscc),))
        gathered = await gather(services, wish, "", told)
        return await document(services, wish, gathered, format, dpi)


async def gather(services: Services, wish: Wish, command: str, told: Told) -> Gathered:
    """What the labels show."""

    def work(conn: Connection) -> Gathered:
        return services.labels.gather(conn, wish, command, told)

    return await (services.write(work) if wish.gives_numbers else services.read(work))


async def render(
    services: Services, wish: Wish, gathered: Gathered, form: Form, dpi: Dpi
) -> Printed:
    """The document, made beside the event loop."""
    return await asyncio.to_thread(services.labels.render, wish, gathered, form, dpi)


async def document(
    services: Services, wish: Wish, gathered: Gathered, form: Form, dpi: Dpi
) -> Response:
    """The document as an answer, to be saved or shown."""
    printed = await render(services, wish, gathered, form, dpi)
    headers = {
        "Content-Disposition": f'inline; filename="{wish.kind}-labels.{form}"',
        "X-Labels": str(printed.labels),
        "Cache-Control": "private, no-store",
    }
    return Response(printed.content, media_type=MEDIA_TYPES[form], headers=headers)


def _shown(name: str, one: Template) -> dict[str, object]:
    return {
        "name": name,
        "kind": one.kind,
        "title": one.title,
        "width_mm": one.width_mm,
        "height_mm": one.height_mm,
        "sheet": None if one.sheet is None else one.sheet.model_dump(),
        "fields": FIELDS[one.kind],
    }
