"""The stream of events for whoever asks instead of being told, and what events look like."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api.pages import Count, Cursor, page
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer
from central.events import kinds, stream
from central.events.model import Position, letter

_CURSOR = Cursor(tuple[Count, Count])
_SCHEMA_TYPE = "application/schema+json"
Limit = Annotated[int, Query(ge=1, le=500)]


def router(services: Services) -> APIRouter:
    """The routes of events."""
    made = APIRouter(tags=["events"])
    _add_schemas(made)

    @made.get(
        "/events",
        summary="What happened",
        responses=shown_as(422),
        openapi_extra=needs("read:events"),
    )
    async def happened(after: str | None = None, limit: Limit = 100) -> Response:
        """Oldest first, as CloudEvents. `next` is never empty: ask with it as `after` for what
        happens later. `after=now` begins with what happens from now on.
        """

        def work(connection: Connection) -> tuple[list[msgspec.Raw], str]:
            if after == "now":
                return [], _CURSOR.told(stream.head(connection)[:2])
            seen = _CURSOR.read(after)
            at = stream.BEGINNING if seen is None else Position(*seen)
            found = stream.read(connection, at, limit)
            rows = []
            for one in found:
                kind = kinds.known().get(one.kind)
                topic, version = (kind.topic, kind.version) if kind else ("other", 1)
                source = services.events.source
                told = letter(one, topic=topic, version=version, source=source)
                rows.append(msgspec.Raw(told.body))
            return rows, _CURSOR.told((found[-1].position if found else at)[:2])

        return page(*await services.read(work))

    return made


def _add_schemas(made: APIRouter) -> None:
    @made.get(
        "/events/schemas",
        summary="The kinds of events",
        openapi_extra=needs("read:events", "none"),
    )
    async def listed() -> Response:
        """Each with its topic and the version of its body that is told now."""
        rows = [
            kind._asdict() | {"schema": f"/events/schemas/{kind.name}/{kind.version}"}
            for kind in kinds.known().values()
        ]
        return page(rows)

    @made.get(
        "/events/schemas/{kind}/{version}",
        summary="The JSON Schema of an event's body",
        responses={
            200: {"content": {_SCHEMA_TYPE: {"schema": {"type": "object"}}}},
            **shown_as(404, 422),
        },
        openapi_extra=needs("read:events", "none"),
    )
    async def schema(kind: str, version: int) -> Response:
        """Draft 2020-12; `$id` is what an event says in `dataschema`."""
        found = kinds.schema(kind, version)
        if found is None:
            raise Problem(404, f"there is no version {version} of an event {kind}")
        answer = json_answer(found)
        answer.headers["content-type"] = _SCHEMA_TYPE
        return answer
