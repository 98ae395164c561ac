"""Announced goods: advance shipping notices, orders and transfers, and what was seen of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

import msgspec
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from central.api.bodies import Code, CommandId, Quantity, Sku
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.services import Services, json_answer, now_us
from central.database.moments import to_us
from central.documents import announcing, books
from central.documents.announcing import Goods
from central.reconcile.expected import Content, Document, Line, Unit

Names = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=200)]],
    Field(description="EPCs: hexadecimal, a URI, a Digital Link or a label's element string."),
]
Lot = Annotated[str, Field(max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ContentBody(_Body):
    """Units of an item, or packs of a GTIN."""

    sku: Sku | None = None
    gtin: Annotated[str, Field(pattern=r"^\d{8,14}$")] | None = None
    quantity: Quantity
    lot: Lot = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sku is None) == (self.gtin is None):
            raise ValueError("give either sku or gtin")
        return self


class DocumentLineBody(ContentBody):
    """A line of a document. ``line`` is its name there; without one it is its number."""

    line: Annotated[str, Field(max_length=64)] = ""
    epcs: Names = []


class UnitBody(_Body):
    """A pallet or box and what is in it: its SSCC, or the EPC of its own tag."""

    sscc: Annotated[str, Field(pattern=r"^\d{18}$")] | None = None
    epc: Annotated[str, Field(pattern=r"^[0-9A-F]{2,128}$")] | None = None
    epcs: Names = []
    contents: list[ContentBody] = []

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sscc is None) == (self.epc is None):
            raise ValueError("give either sscc or epc")
        return self


class DocumentBody(_Body):
    """Goods that are announced."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "asn-2026-0131-7",
                    "kind": "asn",
                    "destination": "backroom",
                    "read_point": "dock-1",
                    "lines": [{"sku": "OAT-500", "quantity": 240}],
                    "units": [{"sscc": "340123450000000017", "epcs": []}],
                }
            ]
        },
    )

    id: CommandId
    kind: Literal["asn", "purchase_order", "return", "sales_order", "transfer"]
    source: Code | None = None
    destination: Code | None = None
    read_point: Code | None = None
    expected_from: AwareDatetime | None = None
    expected_until: AwareDatetime | None = None
    lines: list[DocumentLineBody] = []
    units: list[UnitBody] = []


def router(services: Services) -> APIRouter:
    """Routes of documents."""
    made = APIRouter(tags=["documents"])

    @made.post(
        "/documents",
        status_code=201,
        summary="Announce goods",
        openapi_extra=needs("write:documents", "own"),
    )
    async def announce(body: DocumentBody) -> Response:
        """From the next observation on, judging knows of them: doubts are settled, lines ticked
        off. Nothing is received by it. A repeat of a known id answers 200; the same id with other
        content is refused with 409.
        """

        def work(connection: Connection) -> tuple[dict[str, object], bool]:
            document = _document(connection, body)
            listed, known = books.add_document(connection, document, at_us=now_us())
            return _shown(listed), known

        shown, known = await services.write(work)
        return json_answer(shown, 200 if known else 201)

    @made.get("/documents", summary="List documents", openapi_extra=needs("read:documents", "own"))
    async def documents(
        status: Literal["open", "closed", "all"] = "open", after: str = "", limit: Limit = 100
    ) -> Response:
        """By id."""
        wanted = None if status == "all" else status
        found = await services.read(
            lambda c: books.list_documents(c, status=wanted, after=after, limit=limit)
        )
        behind = following(found, limit, lambda one: one.document.id)
        return page([_shown(one) for one in found], behind)

    @made.get(
        "/documents/{document_id}",
        summary="One document",
        openapi_extra=needs("read:documents", "own"),
    )
    async def document(document_id: str) -> Response:
        """With what was read and inferred of each line so far, and what every pass or scan meant
        for it: matched, short, over, unexpected, the wrong way.
        """

        def work(connection: Connection) -> dict[str, object]:
            listed = books.get_document(connection, document_id)
            notes = books.notes_of(connection, document_id)
            progress = books.progress(listed.document, notes)
            return _shown(listed) | {"progress": progress, "notes": notes}

        return json_answer(await services.read(work))

    @made.post(
        "/documents/{document_id}/close",
        summary="Expect nothing more of a document",
        openapi_extra=needs("write:documents", "own"),
    )
    async def close(document_id: str) -> Response:
        """What was short of it stays short: no stock moves. Closing again changes nothing."""
        listed = await services.write(
            lambda c: books.close_document(c, document_id, at_us=now_us())
        )
        return json_answer(_shown(listed))

    return made


def _document(connection: Connection, body: DocumentBody) -> Document:
    source, destination = announcing.ends(body.kind, body.source, body.destination)
    return Document(
        id=body.id,
        kind=body.kind,
        source=source,
        destination=destination,
        read_point=body.read_point,
        from_us=None if body.expected_from is None else to_us(body.expected_from),
        until_us=None if body.expected_until is None else to_us(body.expected_until),
        lines=lines_of(connection, body.lines),
        units=units_of(connection, body.units),
    )


def lines_of(
    connection: Connection, bodies: Sequence[DocumentLineBody], *, numbered: bool = True
) -> tuple[Line, ...]:
    """Announced lines; ``numbered`` ones without a name are called by their number."""
    lines = []
    for number, one in enumerate(bodies, 1):
        goods = _goods(connection, one)
        lines.append(
            Line(
                line=one.line or (str(number) if numbered else ""),
                sku=goods.sku,
                quantity=goods.units,
                lot=one.lot,
                epcs=announcing.named(one.epcs),
            )
        )
    return tuple(lines)


def units_of(connection: Connection, bodies: Sequence[UnitBody]) -> tuple[Unit, ...]:
    """Announced pallets and boxes."""
    return tuple(_unit(connection, one) for one in bodies)


def _unit(connection: Connection, body: UnitBody) -> Unit:
    contents = []
    for one in body.contents:
        goods = _goods(connection, one)
        contents.append(Content(sku=goods.sku, quantity=goods.units, lot=one.lot))
    return Unit(
        name=announcing.unit_name(body.sscc, body.epc),
        epcs=announcing.named(body.epcs),
        contents=tuple(contents),
    )


def _goods(connection: Connection, body: ContentBody) -> Goods:
    return announcing.goods(connection, body.sku, body.gtin, body.quantity)


def _shown(listed: books.Listed) -> dict[str, object]:
    return {**msgspec.structs.asdict(listed.document), "changed_us": listed.changed_us}
