"""Where the plates of a shelf lie, over REST: read, look over, say."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central import audit
from central.access import reach
from central.api.acting import Telling
from central.api.bodies import Body
from central.api.etags import IfMatch, check, tagged
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.catalogue import geometry, layouts
from central.catalogue.geometry import MOST_BOARDS, MOST_PLATES, Layout

Number = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Millimetres = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class BoardBody(Body):
    """A board of a shelf, counted from below."""

    board: Number
    width_mm: Millimetres
    depth_mm: Millimetres


class LaidBody(Body):
    """A plate: its left front corner on the board, as one stands before it, and its size."""

    plate: Number
    board: Number
    x_mm: Annotated[Millimetres, Field(description="From the left end of the board.")]
    y_mm: Annotated[Millimetres, Field(description="From the front edge of the board.")]
    width_mm: Millimetres
    depth_mm: Millimetres


class LayoutBody(Body):
    """A shelf as it stands there. Without boards and plates it is forgotten."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "boards": [{"board": 1, "width_mm": 900, "depth_mm": 400}],
                    "plates": [
                        {
                            "plate": 1,
                            "board": 1,
                            "x_mm": 0,
                            "y_mm": 0,
                            "width_mm": 290,
                            "depth_mm": 400,
                        }
                    ],
                }
            ]
        },
    )

    boards: Annotated[list[BoardBody], Field(max_length=MOST_BOARDS)]
    plates: Annotated[list[LaidBody], Field(max_length=MOST_PLATES)]

    def layout(self) -> Layout:
        """The same as the books know it."""
        return Layout(
            boards=tuple(geometry.Board(**one.model_dump()) for one in self.boards),
            plates=tuple(geometry.Laid(**one.model_dump()) for one in self.plates),
        )


def router(services: Services) -> APIRouter:
    """The routes of layouts."""
    made = APIRouter(tags=["places"])

    @made.get(
        "/read-points/{code}/layout",
        summary="How a shelf stands",
        responses=shown_as(404),
        openapi_extra=needs("read:devices", "own"),
    )
    async def layout(code: str) -> Response:
        """Its boards, and where on them each plate lies, in millimetres; without boards where
        nobody has said it. With the `ETag` that a change can name.
        """

        def work(connection: Connection) -> Layout:
            reach.check_read_point(connection, code)
            return layouts.layout_of(connection, code)

        return tagged(await services.read(work))

    @made.post(
        "/read-points/{code}/layout/preview",
        summary="What of a layout cannot be",
        responses=shown_as(404),
        openapi_extra=needs("write:plates", "own"),
    )
    async def preview(code: str, body: LayoutBody) -> Response:
        """Every mistake for which it would be refused; nothing is changed."""

        def work(connection: Connection) -> list[geometry.Mistake]:
            reach.check_read_point(connection, code)
            return layouts.look_over(connection, code, body.layout())

        return json_answer({"mistakes": await services.read(work)})

    _add_change(made, services)
    return made


def _add_change(made: APIRouter, services: Services) -> None:
    @made.put(
        "/read-points/{code}/layout",
        summary="Say how a shelf stands",
        responses=shown_as(404, 412),
        openapi_extra=needs("write:plates", "own"),
    )
    async def put_layout(
        code: str, body: LayoutBody, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """The whole layout in place of the one before. What cannot be is refused with every
        mistake in `mistakes`. It changes pictures only, and nothing of what is judged.
        """

        def work(connection: Connection) -> Layout:
            reach.check_read_point(connection, code)
            before = layouts.layout_of(connection, code)
            check(if_match, before, needed=False)
            after = layouts.put_layout(connection, code, body.layout())
            if after != before:
                change = audit.Change(
                    f"layout {code}",
                    msgspec.to_builtins(before) if before.boards else None,
                    msgspec.to_builtins(after),
                )
                audit.record(
                    connection, [change], actor=told.by, action="lay out shelf", at_us=told.at_us
                )
            return after

        return tagged(await services.write(work))
