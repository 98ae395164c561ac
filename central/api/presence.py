"""Where tags are and were, as zones tell: by tag, by place, and what happened."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central import whereabouts
from central.api.problems import Problem
from central.api.sensed import Limit, told_row
from central.api.services import Services, page

Epc = Annotated[str | None, Query(description="Hexadecimal, as readers tell it.")]
Place = Annotated[str | None, Query(description="An antenna's alias, or a zone's location.")]


def router(services: Services) -> APIRouter:
    """Routes of presence."""
    made = APIRouter(prefix="/presence", tags=["presence"])

    @made.get("", summary="Which tags are in which zone now")
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
        behind = _pair(after) if after is not None else None

        def work(connection: Connection) -> tuple[list[object], str | None]:
            found = whereabouts.present(
                connection,
                epc=_upper(epc),
                place=place,
                read_point=read_point,
                after=behind,
                limit=limit,
            )
            last = found[-1] if len(found) == limit else None
            following = None if last is None else f"{last['read_point']}~{last['epc']}"
            return [told_row(row) for row in found], following

        return page(*await services.read(work))

    @made.get("/events", summary="What happened in zones")
    async def events(
        epc: Epc = None,
        place: Place = None,
        read_point: str | None = None,
        after: str | None = None,
        limit: Limit = 50,
    ) -> Response:
        """Arrivals, moves and departures, newest first: `event_at` is when it became true,
        `decided_at` when it could be known, `heard_at` the tag's last read until then.
        """
        if after is not None and not after.isdecimal():
            raise _wrong()

        def work(connection: Connection) -> tuple[list[object], str | None]:
            found = whereabouts.events(
                connection,
                epc=_upper(epc),
                place=place,
                read_point=read_point,
                before=int(after) if after is not None else None,
                limit=limit,
            )
            following = str(found[-1]["no"]) if len(found) == limit else None
            return [told_row(row) for row in found], following

        return page(*await services.read(work))

    return made


def _pair(after: str) -> tuple[str, str]:
    read_point, tilde, epc = after.partition("~")
    if not tilde:
        raise _wrong()
    return read_point, epc


def _wrong() -> Problem:
    return Problem(422, "`after` is not what `next` of an answer said: begin again")


def _upper(epc: str | None) -> str | None:
    return None if epc is None else epc.upper()
