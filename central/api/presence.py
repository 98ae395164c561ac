"""Where tags are and were, as zones tell: by tag, by place, and what happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from central.api.pages import Cursor, Limit, Number, following, page
from central.api.permits import needs
from central.api.sensed import told_row
from central.api.services import Services
from central.judging import whereabouts

Epc = Annotated[str | None, Query(description="Hexadecimal, as readers tell it.")]
Place = Annotated[str | None, Query(description="An antenna's alias, or a zone's location.")]
_CURSOR = Cursor(tuple[str, str])


def router(services: Services) -> APIRouter:
    """Routes of presence."""
    made = APIRouter(prefix="/presence", tags=["presence"])

    @made.get(
        "",
        summary="Which tags are in which zone now",
        openapi_extra=needs("read:devices", "own"),
    )
    async def present(
        epc: Epc = None,
        place: Place = None,
        read_point: str | None = None,
        after: str | None = None,
        limit: Limit = 50,
    ) -> Response:
        """Where is this EPC, who is at this place: by read point and EPC. A tag that two zones
        hear is in both. What is on hand where says the ledger. `unknown_since_at` is set while
        the tag's reader, or its edge, does not run: then nobody departs, and nobody knows.
        """
        seen = _CURSOR.read(after)
        found = await services.read(
            lambda c: whereabouts.present(
                c, epc=_upper(epc), place=place, read_point=read_point, after=seen, limit=limit
            )
        )
        behind = following(found, limit, lambda row: _CURSOR.told((row["read_point"], row["epc"])))
        return page([told_row(row) for row in found], behind)

    @made.get(
        "/events", summary="What happened in zones", openapi_extra=needs("read:devices", "own")
    )
    async def events(
        epc: Epc = None,
        place: Place = None,
        read_point: str | None = None,
        after: Number = None,
        limit: Limit = 50,
    ) -> Response:
        """Arrivals, moves and departures, newest first: `event_at` is when it became true,
        `decided_at` when it could be known, `heard_at` the tag's last read until then.
        """
        found = await services.read(
            lambda c: whereabouts.events(
                c, epc=_upper(epc), place=place, read_point=read_point, before=after, limit=limit
            )
        )
        behind = following(found, limit, lambda row: int(row["no"]))
        return page([told_row(row) for row in found], behind)

    return made


def _upper(epc: str | None) -> str | None:
    return None if epc is None else epc.upper()
