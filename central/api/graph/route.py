"""The route of the GraphQL read API."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field, JsonValue
from sqlalchemy import Connection
from strawberry.types import ExecutionResult

from central.access.behalf import reaching
from central.access.model import SIGNED_IN, Actor
from central.api.access.gate import actor_of
from central.api.bodies import Body, Said
from central.api.graph.asking import Asked
from central.api.graph.questions import schema_of
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.config import GraphSection

__all__ = ["router"]

_EXAMPLE = """query Low($after: String) {
  alerts(after: $after) {
    nodes { says severity item { sku name stock { onHand location { code } } } }
    next
  }
}"""


class QueryBody(Body):
    """A query in the GraphQL language, and the values of its variables."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"query": _EXAMPLE, "variables": {"after": None}}]},
    )

    query: Annotated[Said, Field(min_length=1, max_length=100_000)]
    variables: dict[str, JsonValue] | None = None
    operationName: Annotated[Said, Field(max_length=200)] | None = None  # noqa: N815 (the wire's)


def router(services: Services, settings: GraphSection | None = None) -> APIRouter:
    """One route, or none where the settings switch it off."""
    made = APIRouter(tags=["graphql"])
    settings = settings or GraphSection()
    if not settings.enabled:
        return made
    schema = schema_of(settings)

    @made.post(
        "/graphql",
        summary="Ask for just what is needed",
        responses=shown_as(422),
        openapi_extra=needs(SIGNED_IN, "none"),
    )
    async def ask(body: QueryBody, request: Request) -> Response:
        """Reading only. Answers `data` and, where something was refused or wrong, `errors`. All of
        it is of one moment. Each field needs what its REST route needs, and shows
        what lies where whoever asks has that.
        """
        actor = actor_of(request)

        def work(connection: Connection) -> ExecutionResult:
            # A loop of its own in the reader's thread: the fields of a query gather what they ask
            # for, and the snapshot belongs to this thread.
            return asyncio.run(_carried_out(connection, actor, body))

        async def _carried_out(
            connection: Connection, actor: Actor, body: QueryBody
        ) -> ExecutionResult:
            result = await schema.execute(
                body.query,
                variable_values=body.variables,
                context_value=Asked(connection, actor),
                operation_name=body.operationName,
            )
            assert isinstance(result, ExecutionResult), "nothing here comes in parts"
            return result

        with reaching(None):  # each field looks itself at what was granted
            result = await services.read(work)
        return json_answer(_shown(result))

    return made


def _shown(result: ExecutionResult) -> dict[str, Any]:
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [error.formatted for error in result.errors]
    return shown
