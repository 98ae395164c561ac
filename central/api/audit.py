"""Who changed what by command, and which plates were set to zero anew."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Response

from central import audit
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services
from central.audit.export import Format, Masked, lines


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

    @made.get(
        "/audit/export",
        summary="The audit as a file",
        openapi_extra=needs("read:audit"),
        responses={200: {"content": {"text/csv": {}, "application/jsonl": {}}}, **shown_as(422)},
    )
    async def export(
        format: Format = "jsonl",  # noqa: A002 (the query's word)
        masked: bool = False,
        after: Number = None,
        limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    ) -> Response:
        """The oldest first, those behind the entry `after`; the header `X-Next` says how to go on
        where there may be more. `masked` puts words that stand for them in the place of people's
        names, addresses and browsers: others in each answer.
        """
        found = await services.read(lambda c: audit.behind(c, after or 0, limit))
        mask = Masked(secrets.token_bytes(32)).entry if masked else None
        media = "text/csv" if format == "csv" else "application/jsonl"
        answer = Response("".join(lines(found, format, mask)), media_type=media)
        answer.headers["content-disposition"] = f"attachment; filename=audit.{format}"
        if len(found) == limit:
            answer.headers["x-next"] = str(found[-1].id)
        return answer

    return made
