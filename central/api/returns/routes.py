"""Returns: announce, authorise or refuse, look up, inspect, close. Their goods are taken in by
receiving sessions (``central.api.receiving.sessions``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Said
from central.api.pages import Limit, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.receiving.bodies import CloseBody
from central.api.returns.bodies import InspectionBody, RefuseBody, ReturnBody
from central.api.services import Services, json_answer
from central.api.stock.commands import Key, command_id
from central.database.moments import from_us
from central.receiving import orders as inbound
from central.receiving import sessions
from central.returns import announcing, inspecting, store
from central.returns.model import Return

_READ = needs("read:orders", "own")
_WRITE = needs("write:orders", "own")
_REFUSED = shown_as(404, 409, 422)
Status = Literal["announced", "authorised", "refused", "cancelled", "closed", "all"]
Text = Annotated[Said | None, Query(max_length=200)]


def router(services: Services) -> APIRouter:
    """The routes of returns."""
    made = APIRouter(prefix="/api/returns", tags=["returns"])
    _add_lookups(made, services)
    _add_announcing(made, services)
    _add_decisions(made, services)
    _add_ends(made, services)
    return made


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get("", summary="List returns", responses=shown_as(422), openapi_extra=_READ)
    async def listed(
        status: Status = "all",
        order: Text = None,
        customer: Text = None,
        after: Annotated[Said, Query(max_length=64)] = "",
        limit: Limit = 100,
    ) -> Response:
        """By id, each with how it stands."""

        def work(connection: Connection) -> tuple[list[dict[str, Any]], str | None]:
            found = store.page(
                connection, status=None if status == "all" else status, order=order,
                customer=customer, after=after, limit=limit,
            )  # fmt: skip
            rows = [_shown(connection, one) for one in found]
            return rows, following(found, limit, lambda one: one.id)

        return page(*await services.read(work))

    @made.get("/{return_id}", summary="One return", responses=shown_as(404), openapi_extra=_READ)
    async def one(return_id: str) -> Response:
        """With what came of each line and what was inspected, its sessions, and what was set
        aside.
        """
        return json_answer(await services.read(lambda c: _whole(c, return_id)))


def _add_announcing(made: APIRouter, services: Services) -> None:
    @made.post(
        "", status_code=201, summary="Announce a return", responses=_REFUSED, openapi_extra=_WRITE
    )
    async def announce(body: ReturnBody, told: Telling, key: Key = None) -> Response:
        """Of an outbound order: never more than was shipped and has not come back. Or of none that
        we know, with a `reason`. A repeat of a known id answers 200.
        """
        wanted = body.made(body.id or command_id(key))

        def work(connection: Connection) -> tuple[dict[str, Any], bool]:
            one, known = announcing.announce(connection, wanted, told)
            return _shown(connection, one), known

        shown, known = await services.write(work)
        return json_answer(shown, 200 if known else 201)


def _add_decisions(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{return_id}/authorise",
        summary="Authorise a return",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def authorise(return_id: str, told: Telling) -> Response:
        """Its goods are expected from now on: begin a receiving session of it when they come, or
        let a portal see them. Again changes nothing.
        """
        shown = await services.write(lambda c: _shown(c, store.authorise(c, return_id, told)))
        return json_answer(shown)

    @made.post(
        "/{return_id}/refuse",
        summary="Refuse a return",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def refuse(return_id: str, body: RefuseBody, told: Telling) -> Response:
        """Nothing of it is taken; until something of it came."""
        shown = await services.write(
            lambda c: _shown(c, store.refuse(c, return_id, body.reason, told))
        )
        return json_answer(shown)

    @made.post(
        "/{return_id}/cancel",
        summary="Cancel a return",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def cancel(return_id: str, told: Telling) -> Response:
        """Its goods do not come; until something of it came. Again changes nothing."""
        shown = await services.write(lambda c: _shown(c, store.cancel(c, return_id, told)))
        return json_answer(shown)


def _add_ends(made: APIRouter, services: Services) -> None:
    @made.post(
        "/{return_id}/inspections",
        status_code=201,
        summary="Say what was found",
        responses=_REFUSED,
        openapi_extra=needs("write:stock", "own"),
    )
    async def inspect(return_id: str, body: InspectionBody, told: Telling) -> Response:
        """Of units that came back: they are sold again, stay in quarantine, are damaged or are
        thrown away, which is a movement. A repeat of a known id answers 200.
        """

        def work(connection: Connection) -> tuple[dict[str, Any], bool]:
            found = body.found(store.get(connection, return_id).location)
            movement, known = inspecting.inspect(connection, return_id, found, told)
            return _whole(connection, return_id) | {"movement": movement}, known

        shown, known = await services.write(work)
        return json_answer(shown, 200 if known else 201)

    @made.post(
        "/{return_id}/close",
        summary="Expect nothing more of a return",
        responses=_REFUSED,
        openapi_extra=_WRITE,
    )
    async def close(return_id: str, body: CloseBody, told: Telling) -> Response:
        """When all that came is inspected. Every line that is short, over or damaged and what was
        set aside need a reason, which is kept. Again changes nothing.
        """
        reasons: dict[str, str] = {**body.reasons, "": body.reason or ""}

        def work(connection: Connection) -> dict[str, Any]:
            one, found = store.close(connection, return_id, reasons, told)
            return _shown(connection, one) | {"differences": found}

        return json_answer(await services.write(work))


def _shown(connection: Connection, one: Return) -> dict[str, Any]:
    """A return as clients see it."""
    shown = msgspec.structs.asdict(one)
    for name in ("created", "changed"):
        shown[f"{name}_at"] = from_us(shown.pop(f"{name}_us"))
    received = store.received_of(connection, one)
    inspected = store.inspected_of(connection, one.id)
    more = [store.line_of(connection, one, name) for name in received if one.line(name) is None]
    lines = [
        msgspec.structs.asdict(line)
        | {"received": received.get(line.line, 0), "inspected": inspected.get(line.line, 0)}
        for line in (*one.lines, *more)
        if line is not None
    ]
    return shown | {"lines": lines, "state": store.stands_as(connection, one)}


def _whole(connection: Connection, name: str) -> dict[str, Any]:
    one = store.get(connection, name)
    found = store.inspections_of(connection, name)
    return _shown(connection, one) | {
        "sessions": sessions.list_sessions(connection, name),
        "aside": [each._asdict() for each in inbound.aside_of(connection, name)],
        "inspections": [
            msgspec.structs.asdict(each) | {"movement": movement} for each, movement in found
        ],
    }
