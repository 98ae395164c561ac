"""Who changed what by command, and which plates were set to zero anew."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from central import audit
from central.api.sensed import Limit
from central.api.services import Services, page


def router(services: Services) -> APIRouter:
    """The route of the audit."""
    made = APIRouter(tags=["audit"])

    @made.get("/audit", summary="Who changed what")
    async def listed(
        action: str | None = None,
        subject: str | None = None,
        after: int | None = None,
        limit: Limit = 50,
    ) -> Response:
        """The newest first: changes by people (`resolve review`, `replay --mend`) and by judging
        (`re-zero`, of a plate that was empty while its zero had moved; its subject is
        `plate READ_POINT/PLATE`). `before` and `after` are what was changed.
        """

        def work(connection: Connection) -> tuple[list[object], int | None]:
            found = audit.entries(
                connection, action=action, subject=subject, before=after, limit=limit
            )
            return list(found), found[-1].id if len(found) == limit else None

        return page(*await services.read(work))

    return made
