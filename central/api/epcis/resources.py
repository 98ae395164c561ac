"""What EPCIS events are about, and the events about each (EPCIS 2.0, 12.4)."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from central.api.bodies import Body, Said
from central.api.epcis.answers import (
    JSON_LD,
    JSON_ONLY,
    collection,
    events_of,
    next_page,
    refusal,
    refused_as_said,
)
from central.api.epcis.asked import Asked
from central.api.epcis.extensions import Prefixes, spelled_out
from central.api.pages import Count, Cursor
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services
from central.epcis import known
from central.epcis.known import KINDS, Kind
from central.epcis.names import Names

__all__ = ["router"]

_TOP = ("capture", "events", "queries", *KINDS)
_CURSOR = Cursor(tuple[Count, str])
Value = Annotated[Said, Path(min_length=1, max_length=2_048)]


class _Words(NamedTuple):
    """How a resource is called in the API's description."""

    one: str
    many: str


_CALLED = {
    "eventTypes": _Words("a type of events", "types of events"),
    "epcs": _Words("an EPC", "EPCs"),
    "bizSteps": _Words("a business step", "business steps"),
    "bizLocations": _Words("a business location", "business locations"),
    "readPoints": _Words("a read point", "read points"),
    "dispositions": _Words("a disposition", "dispositions"),
}


class ListedPage(Body):
    """Which page, and how long."""

    per_page: Annotated[int, Field(ge=1, le=500)] = Field(30, alias="perPage")
    token: Annotated[Said, Field(max_length=9_000)] | None = Field(None, alias="nextPageToken")


def router(services: Services) -> APIRouter:
    """The routes of the resources."""
    made = APIRouter(tags=["epcis"], dependencies=JSON_ONLY, responses=shown_as(406))
    _add_top(made)
    for name, kind in KINDS.items():
        _add_list(made, services, name, kind)
        _add_events(made, services, name, kind)
        _add_one(made, services, name, kind)
    return made


def _add_top(made: APIRouter) -> None:
    @made.get("/epcis", summary="What there is", openapi_extra=needs("read:epcis", "none"))
    async def top() -> Response:
        """The names of the resources below."""
        return collection(_TOP)


def _add_list(made: APIRouter, services: Services, name: str, kind: Kind) -> None:
    names = Names(services.epcis.locations)

    @made.get(
        f"/epcis/{name}",
        summary=f"EPCIS: {_CALLED[name].many}",
        responses=shown_as(422),
        openapi_extra=needs("read:epcis", "own"),
    )
    async def listed(paged: Annotated[ListedPage, Query()]) -> Response:
        """All that are known. Who was granted some places only is listed these, and what lies
        there. While there is more, `Link` says where.
        """
        after, limit = _CURSOR.read(paged.token), paged.per_page
        page = await services.read(lambda c: known.members(c, kind, names, after, limit))
        answer = collection(page.members)
        if page.key is not None:
            said = {"perPage": str(limit)}
            answer.headers["Link"] = next_page(f"/epcis/{name}", said, _CURSOR.told(page.key))
        return answer


def _add_one(made: APIRouter, services: Services, name: str, kind: Kind) -> None:
    names = Names(services.epcis.locations)

    @made.get(
        f"/epcis/{name}/{{value:path}}",
        summary=f"EPCIS: {_CALLED[name].one}",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:epcis", "own"),
    )
    async def one(value: Value) -> Response:
        """What there is below it: its events."""
        await _check(services, name, kind, value, names)
        return collection(["events"])


def _add_events(made: APIRouter, services: Services, name: str, kind: Kind) -> None:
    names = Names(services.epcis.locations)

    @made.get(
        f"/epcis/{name}/{{value:path}}/events",
        summary=f"EPCIS: events of {_CALLED[name].one}",
        responses={
            200: {"content": {JSON_LD: {"schema": {"type": "object"}}}},
            **shown_as(400, 404, 413, 422),
        },
        openapi_extra=needs("read:epcis", "own"),
    )
    async def events(
        value: Value, request: Request, asked: Annotated[Asked, Query()], prefixes: Prefixes
    ) -> Response:
        """An EPCISQueryDocument, as of all events; asked for by what stands in the path, and by
        what the query has beside it. While there is more, `Link` says where.
        """
        if kind.parameter in request.query_params:
            raise refusal(
                400, "QueryParameterException",
                f"{kind.parameter} is what stands in the path: leave it out, or ask /epcis/events",
            )  # fmt: skip
        await _check(services, name, kind, value, names)
        return await events_of(
            services, known.narrowed(kind, asked.wanted(prefixes), value),
            path=f"/epcis/{name}/{quote(value, safe='')}/events",
            said=spelled_out(request.query_params, prefixes),
            token=asked.token, per_page=asked.per_page,
        )  # fmt: skip


async def _check(services: Services, name: str, kind: Kind, value: str, names: Names) -> None:
    """Raises ``Problem`` 404 for what nobody knows, or whoever asks may not see."""
    with refused_as_said():
        if await services.read(lambda c: known.is_known(c, kind, value, names)):
            return
    raise refusal(
        404, "NoSuchResourceException",
        f"{_CALLED[name].one.partition(' ')[2]} {value} is not known here: /epcis/{name} lists "
        "those that are",
    )  # fmt: skip
