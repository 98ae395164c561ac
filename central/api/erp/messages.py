"""Messages of connected programs: looked up, tried again, given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Body, Said
from central.api.pages import following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.catalogue.changes import Told
from central.erp import again, messages
from central.erp.messages import Message, Wanted

__all__ = ["MOST", "ChosenBody", "chosen", "details", "router"]

MOST = 10_000
"""So many are tried again, or given up, at once."""
_SHOWN_BYTES = 65_536
No = Annotated[int, Path(ge=1, le=2**62)]
Work = Callable[[Connection, Sequence[Message], Told], None]
Direction = Literal["in", "out"]
State = Literal["received", "failed", "applied", "dead", "discarded"]


class ChosenBody(Body):
    """Which dead messages: all that fit."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"connection": "main", "reason": "unknown-item"}]},
    )

    connection: Annotated[Said, Field(max_length=32)] | None = None
    direction: Direction | None = None
    reason: Annotated[Said, Field(max_length=100)] | None = None


class MessagesAsked(BaseModel):
    """Which messages are listed; `after` is `next` of the last answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connection: Annotated[Said, Field(max_length=32)] | None = None
    direction: Direction | None = None
    state: State | None = None
    reason: Annotated[Said, Field(max_length=100)] | None = None
    after: (
        Annotated[int, Field(ge=0, le=2**62, description="`next` of the last answer.")] | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100

    @property
    def wanted(self) -> Wanted:
        """As ``messages`` has it."""
        return Wanted(**self.model_dump(exclude={"after", "limit"}))


def router(services: Services) -> APIRouter:
    """The routes of messages."""
    made = APIRouter(prefix="/erp", tags=["ERP"])
    _add_lookups(made, services)
    _add_commands(made, services)
    return made


def shown(one: Message) -> dict[str, Any]:
    """A message in a listing."""
    told = msgspec.structs.asdict(one)
    del told["mapped"]
    return told | {"faults": [msgspec.structs.asdict(fault) for fault in one.faults]}


def details(conn: Connection, no: int) -> dict[str, Any]:
    """A message with what came (as text, at most 64 KiB) and what was made of it. Raises
    ``NotFound``.
    """
    one = messages.get(conn, no)
    raw = messages.raw_of(conn, no)
    return shown(one) | {
        "bytes": len(raw),
        "raw": raw[:_SHOWN_BYTES].decode("utf-8", "replace"),
        "mapped": one.mapped,
    }


def chosen(conn: Connection, body: ChosenBody) -> list[Message]:
    """The dead messages that fit, the oldest last."""
    wanted = Wanted(
        connection=body.connection, direction=body.direction, reason=body.reason, state="dead"
    )
    return messages.listing(conn, wanted, limit=MOST)


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/messages",
        summary="List ERP messages",
        responses=shown_as(422),
        openapi_extra=needs("read:erp"),
    )
    async def listed(asked: Annotated[MessagesAsked, Query()]) -> Response:
        """The newest first, in and out, each with its state and all that is wrong with it."""
        found = await services.read(
            lambda c: messages.listing(c, asked.wanted, before=asked.after, limit=asked.limit)
        )
        rows = [shown(one) for one in found]
        return page(rows, following(found, asked.limit, lambda one: one.no))

    @made.get("/reasons", summary="Why ERP messages are dead", openapi_extra=needs("read:erp"))
    async def reasons() -> Response:
        """How many wait for somebody, by connection, direction and reason."""
        found = await services.read(messages.reasons)
        return page([one._asdict() for one in found])

    @made.get(
        "/messages/{no}",
        summary="One ERP message",
        responses=shown_as(404),
        openapi_extra=needs("read:erp"),
    )
    async def one(no: No) -> Response:
        """With what came or happened (`raw`), and what was made of it (`mapped`)."""
        return json_answer(await services.read(lambda c: details(c, no)))

    @made.get(
        "/messages/{no}/raw",
        summary="An ERP message as it came",
        response_class=Response,
        responses={
            **shown_as(404),
            200: {
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
                }
            },
        },
        openapi_extra=needs("read:erp"),
    )
    async def raw(no: No) -> Response:
        """Byte for byte."""

        def work(connection: Connection) -> bytes:
            messages.get(connection, no)
            return messages.raw_of(connection, no)

        headers = {"content-disposition": f'attachment; filename="message-{no}"'}
        found = await services.read(work)
        return Response(found, media_type="application/octet-stream", headers=headers)


def _add_commands(made: APIRouter, services: Services) -> None:
    for verb, work, says in (
        ("replay", again.replay, "Try"),
        ("discard", again.discard, "Give up"),
    ):
        _add_command(made, services, verb, work, says)


def _add_command(
    made: APIRouter,
    services: Services,
    verb: str,
    work: Work,
    says: str,
) -> None:
    @made.post(
        f"/messages/{{no}}/{verb}",
        name=f"{verb} message",
        operation_id=f"erp_{verb}_one",
        summary=f"{says} a dead ERP message{' again' if verb == 'replay' else ''}",
        responses=shown_as(404, 409),
        openapi_extra=needs("write:erp"),
    )
    async def one(no: No, told: Telling) -> Response:
        """Refused with 409 for one that waits for nobody. It is written into the audit."""

        def change(connection: Connection) -> dict[str, Any]:
            work(connection, [messages.get(connection, no)], told)
            return shown(messages.get(connection, no))

        return json_answer(await services.write(change))

    @made.post(
        f"/messages/{verb}",
        name=f"{verb} messages",
        operation_id=f"erp_{verb}_all",
        summary=f"{says} dead ERP messages{' again' if verb == 'replay' else ''}",
        responses=shown_as(422),
        openapi_extra=needs("write:erp"),
    )
    async def many(body: ChosenBody, told: Telling) -> Response:
        """All that fit, at most 10,000; `messages` is how many."""
        return json_answer(
            {"messages": await services.write(lambda c: all_of(c, body, work, told))}
        )


def all_of(conn: Connection, body: ChosenBody, work: Work, told: Told) -> int:
    """Do so with all that fit; how many."""
    found = chosen(conn, body)
    work(conn, found, told)
    return len(found)
