"""What people were told, and what could not be told."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response

from central.alerts.telling import outbox
from central.api.acting import Telling
from central.api.bodies import Said
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer

__all__ = ["router"]


def router(services: Services) -> APIRouter:
    """The routes of messages."""
    made = APIRouter(tags=["alerts"])

    @made.get(
        "/alerts/messages",
        summary="List what people were told",
        responses=shown_as(422),
        openapi_extra=needs("read:alerts"),
    )
    async def listed(
        state: Literal["due", "sent", "dead"] | None = None,
        channel: Said | None = None,
        after: Number = None,
        limit: Limit = 100,
    ) -> Response:
        """The newest first. `due`: not taken yet, `error` says why not; `dead`: given up."""
        found = await services.read(
            lambda c: outbox.listing(c, state=state, channel=channel, before=after, limit=limit)
        )
        return page(found, following(found, limit, lambda one: one.no))

    @made.post(
        "/alerts/messages/{message_id}/resend",
        summary="Send a message again that was given up",
        responses=shown_as(404, 409, 422),
        openapi_extra=needs("write:alert-rules"),
    )
    async def resend(message_id: Said, told: Telling) -> Response:
        """It keeps its id, so that who has it already can tell."""
        return json_answer(await services.write(lambda c: outbox.resend(c, message_id, told.at_us)))

    return made
