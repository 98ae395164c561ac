"""Queries that stand under a name (EPCIS 2.0, 12.7): ``/epcis/queries``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import ConfigDict, Field, ValidationError

from central.api.acting import Telling
from central.api.bodies import Body, Said
from central.api.epcis.answers import (
    HEADERS,
    JSON_LD,
    JSON_ONLY,
    events_of,
    next_page,
    refusal,
    refused_as_said,
)
from central.api.epcis.asked import Asked
from central.api.epcis.extensions import Prefixes
from central.api.epcis.parameters import Paged
from central.api.pages import Cursor
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.epcis import standing
from central.epcis.fields import prefixes_of
from central.epcis.model import Wanted
from central.epcis.timetable import FIELDS

__all__ = ["OF_SOCKETS", "QueryName", "router"]

_ASIDE = {"perPage", "nextPageToken"}
"""Of a page, and no part of what is asked."""
OF_SOCKETS = ("stream", "reportIfEmpty", "initialRecordTime", *FIELDS)
"""What a WebSocket is asked for by (EPCIS 2.0, 12.7.4)."""
_CURSOR = Cursor(tuple[str])
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._~-]*$"
QueryName = Annotated[Said, Path(min_length=1, max_length=100, alias="name")]


class NamedQueryBody(Body):
    """What is asked under a name, in the words of the EPCIS query language."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "arrivals",
                    "query": {"eventType": ["ObjectEvent"], "EQ_bizStep": ["receiving"]},
                }
            ]
        },
    )

    name: Annotated[Said, Field(min_length=1, max_length=100, pattern=_NAME)]
    query: Annotated[dict[str, Any], Field(max_length=100)]

    def wanted(self, prefixes: Mapping[str, str]) -> Wanted:
        """What is asked for; its own ``@context`` comes before the request's ``prefixes``. Raises
        ``Problem`` 400 for what is no query.
        """
        said = {name: value for name, value in self.query.items() if name != "@context"}
        wrong = sorted(_ASIDE & said.keys())
        if wrong:
            raise _no_query(f"{', '.join(wrong)} is of whoever asks for its events")
        try:
            asked = Asked.model_validate({name: _text(name, one) for name, one in said.items()})
        except ValidationError as error:
            told = "; ".join(
                ": ".join([*map(str, one["loc"][:1]), one["msg"]]) for one in error.errors()
            )
            raise _no_query(told) from error
        return asked.wanted({**prefixes, **prefixes_of(self.query.get("@context"))})


def router(services: Services) -> APIRouter:
    """The routes of named queries."""
    made = APIRouter(tags=["epcis"], dependencies=JSON_ONLY, responses=shown_as(406))
    _add_making(made, services)
    _add_asking(made, services)
    return made


def _add_making(made: APIRouter, services: Services) -> None:
    @made.post(
        "/epcis/queries",
        status_code=201,
        summary="Have a query stand under a name",
        responses=shown_as(400, 409, 413, 415, 422),
        openapi_extra=needs("write:epcis", "none"),
    )
    async def add(body: NamedQueryBody, told: Telling, prefixes: Prefixes) -> Response:
        """`Location` is where it is; its events are at `.../events`."""
        query = standing.Query(
            name=body.name, query=body.query, wanted=body.wanted(prefixes), made_by=told.by,
            made_us=told.at_us,
        )  # fmt: skip
        with refused_as_said():
            await services.write(lambda c: standing.add(c, query, told))
        where = {"Location": f"/epcis/queries/{quote(body.name)}"}
        return _headed(json_answer(_shown(query), 201), where)

    @made.delete(
        "/epcis/queries/{name}",
        status_code=204,
        summary="Take a query away",
        responses=shown_as(403, 404, 422),
        openapi_extra=needs("write:epcis", "own"),
    )
    async def remove(name: QueryName, told: Telling) -> Response:
        """Whoever subscribed to it is told no more. Who was granted some places only takes away
        what he made himself.
        """
        with refused_as_said():
            await services.write(lambda c: standing.remove(c, name, told))
        return Response(status_code=204)


def _add_asking(made: APIRouter, services: Services) -> None:
    @made.get(
        "/epcis/queries",
        summary="Queries that stand",
        responses=shown_as(422),
        openapi_extra=needs("read:epcis", "none"),
    )
    async def listed(paged: Annotated[Paged, Query()]) -> Response:
        """By name. While there is more, `Link` says where."""
        seen, limit = _CURSOR.read(paged.token), paged.per_page
        after = None if seen is None else seen[0]
        found = await services.read(lambda c: standing.listed(c, after=after, limit=limit))
        more = {}
        if len(found) == limit:
            token = _CURSOR.told((found[-1].name,))
            more["Link"] = next_page("/epcis/queries", {"perPage": str(limit)}, token)
        return _headed(json_answer([_shown(one) for one in found]), more)

    @made.get(
        "/epcis/queries/{name}",
        summary="A query that stands",
        responses=shown_as(404, 422),
        openapi_extra=needs("read:epcis", "none"),
    )
    async def get(name: QueryName) -> Response:
        """As it was asked."""
        with refused_as_said():
            found = await services.read(lambda c: standing.find(c, name))
        return _headed(json_answer(_shown(found)), {})

    @made.get(
        "/epcis/queries/{name}/events",
        summary="What a query finds",
        responses={
            200: {"content": {JSON_LD: {"schema": {"type": "object"}}}},
            **shown_as(400, 404, 413, 422),
        },
        openapi_extra=needs("read:epcis", "own"),
        dependencies=[Depends(_refuse_controls)],
    )
    async def events(name: QueryName, paged: Annotated[Paged, Query()]) -> Response:
        """An EPCISQueryDocument. While there is more, `Link` says where. As a WebSocket
        (`Upgrade: websocket`, with `stream=true` or the fields of a schedule) whoever asks is told
        what the query finds for as long as he listens.
        """
        with refused_as_said():
            found = await services.read(lambda c: standing.find(c, name))
        return await events_of(
            services, found.wanted, path=f"/epcis/queries/{quote(name)}/events",
            said={"perPage": str(paged.per_page)}, token=paged.token, per_page=paged.per_page,
            name=name,
        )  # fmt: skip


async def _refuse_controls(request: Request) -> None:
    """Raises ``Problem`` 400 for a subscription that does not ask for a WebSocket."""
    asked = [one for one in request.query_params if one in OF_SOCKETS]
    if asked:
        raise refusal(
            400, "SubscriptionControlsException",
            f"{', '.join(asked)} subscribe by WebSocket: ask with `Upgrade: websocket` (ws:// or "
            "wss:// in the place of http), or leave them out",
        )  # fmt: skip


def _text(name: str, said: object) -> object:
    """A parameter as it stands in a URL. Raises ``Problem``."""
    if not isinstance(said, list):
        if said is None and name.startswith("EXISTS_"):
            return "true"
        return str(said).lower() if isinstance(said, bool) else said
    texts = [one if isinstance(one, str) else _number(name, one) for one in said]
    if any("|" in one for one in texts):
        raise _no_query(f"{name}: a value with | in it cannot be asked for")
    return "|".join(texts)


def _number(name: str, said: object) -> str:
    if isinstance(said, int | float):
        return msgspec.json.encode(said).decode()
    raise _no_query(f"{name} is a list of texts, or of numbers")


def _no_query(why: str) -> Problem:
    return refusal(400, "QueryParameterException", why)


def _shown(one: standing.Query) -> dict[str, object]:
    return {"name": one.name, "query": one.query}


def _headed(answer: Response, more: dict[str, str]) -> Response:
    answer.headers.update(HEADERS | more)
    return answer
