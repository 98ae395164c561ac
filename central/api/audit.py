"""Who changed what by command, and which plates were set to zero anew."""

from __future__ import annotations

from fastapi import APIRouter, Response

from central import audit
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.services import Services


def router(services: Services) -> APIRouter:
    """The route of the audit."""
    made = APIRouter(tags=["audit"])

    @made.get("/audit", summary="Who changed what", openapi_extra=needs("read:audit"))
    async def listed(
        action: str | None = None,
        subject: str | None = None,
        after: Number = None,
        limit: Limit = 50,
    ) -> Response:
        """The newest first: changes by people (`resolve review`, `replay --mend`) and by judging
        (`re-zero`, of a plate that was empty while its zero had moved; its subject is
        `plate READ_POINT/PLATE`). `before` and `after` are what was changed.
        """
        found = await services.read(
            lambda c: audit.entries(c, action=action, subject=subject, before=after, limit=limit)
        )
        return page(found, following(found, limit, lambda entry: entry.id))

    return made
