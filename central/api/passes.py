"""Putting a portal's pass right: what it would do to stock, doing it, and taking it back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Body, CommandId, Epc
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.api.stock.commands import Key, command_id
from central.passes import corrections
from central.passes.model import flipped
from central.passes.standing import standing

__all__ = ["CorrectionBody", "router", "wanted_of"]

Way = Literal["in", "out", "none"]
_MAY = needs("write:reviews", "own")
_REFUSED = shown_as(404, 409, 422)


class CorrectionBody(Body):
    """What really happened: of some ``tags`` by EPC, or of the ``whole`` pass (every tag that is
    held to have crossed). ``none`` is that it did not cross.
    """

    id: CommandId | None = None
    tags: Annotated[dict[Epc, Way], Field(max_length=2_000, default_factory=dict)]
    whole: Way | None = None

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"id": "right-4711", "tags": {"3034257BF7194E4000001A85": "none"}}]
        },
    )


def wanted_of(conn: Connection, pass_id: str, body: CorrectionBody) -> dict[str, Way]:
    """Which tag shall go which way. Raises ``Problem`` where that is not said."""
    if bool(body.tags) == (body.whole is not None):
        raise Problem(422, "say the way of some `tags`, or of the `whole` pass")
    if body.whole is None:
        return dict(body.tags)
    way: Way = body.whole
    return dict.fromkeys(flipped(standing(conn, pass_id), way), way)


def router(services: Services) -> APIRouter:
    """The routes."""
    made = APIRouter(tags=["sensed"])

    @made.post(
        "/passes/{pass_id}/corrections/preview", summary="What a correction would do",
        responses=_REFUSED, openapi_extra=_MAY,
    )  # fmt: skip
    async def preview(pass_id: str, body: CorrectionBody) -> Response:
        """The movements that would be posted and their effect on stock as it is now; `refused`
        says why they could not be. Nothing is posted.
        """
        return json_answer(
            await services.read(
                lambda c: corrections.preview(c, pass_id, wanted_of(c, pass_id, body))
            )
        )

    @made.post(
        "/passes/{pass_id}/corrections", status_code=201, summary="Correct a pass",
        responses=_REFUSED, openapi_extra=_MAY,
    )  # fmt: skip
    async def correct(
        pass_id: str, body: CorrectionBody, told: Telling, key: Key = None
    ) -> Response:
        """Movements take back what the pass posted for these tags (`corrects` names it) and post
        what should have been. What is said becomes a label for calibration. A repeat of a known
        id answers 200 with the first result. Where a tag has moved on since, or a review that is
        open asks about it, 409 says so.
        """
        name = body.id or command_id(key)
        done = await services.write(
            lambda c: corrections.correct(c, pass_id, wanted_of(c, pass_id, body), told, name=name)
        )
        return json_answer(done, 200 if done.repeated else 201)

    @made.post(
        "/passes/{pass_id}/corrections/{correction}/undo", status_code=201,
        summary="Take a correction back", responses=_REFUSED, openapi_extra=_MAY,
    )  # fmt: skip
    async def undo(pass_id: str, correction: str, told: Telling) -> Response:
        """Its movements are posted the other way round, and what it taught is forgotten; 409 where
        a tag has moved on since.
        """
        done = await services.write(lambda c: corrections.undo(c, pass_id, correction, told))
        return json_answer(done, 201)

    return made
