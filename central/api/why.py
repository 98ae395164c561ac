"""Why did this post? Or why did it not."""

from __future__ import annotations

from fastapi import APIRouter, Response

from central.api.permits import needs
from central.api.services import Services, json_answer
from central.why.story import why


def router(services: Services) -> APIRouter:
    """The route of why."""
    made = APIRouter(tags=["why"])

    @made.get("/why/{of}", summary="Why did this post?", openapi_extra=needs("read:devices", "own"))
    async def explain(of: str) -> Response:
        """The stages of a decision, by the id of a movement, a review or a portal's pass: what
        was heard, what each tag looked like and what that weighed, what its company added, what
        documents said, what was decided by which thresholds and versions, what a person said,
        and what was posted. `observations` points at the log. For an EPC: why that tag was left
        alone when it last went by and nothing moved (the newest 200 such passes of a read point).
        """
        return json_answer(await services.read(lambda c: why(c, of)))

    return made
