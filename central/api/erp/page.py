"""The page of messages of connected programs: what waits for somebody, why, and two buttons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy import Connection

from central.access import model
from central.access.sessions import csrf_of
from central.api.access import forms
from central.api.access.gate import actor_of
from central.api.acting import Telling
from central.api.erp.messages import ChosenBody, MessagesAsked, Work, all_of, details
from central.api.permits import needs
from central.api.problems import Problem
from central.api.services import Services
from central.catalogue.changes import Told
from central.catalogue.errors import CatalogueError, NotFound
from central.erp import again, messages
from central.web.pages import Pages

__all__ = ["ErpPage"]

_ROWS = 50
_WORK: dict[str, Work] = {"replay": again.replay, "discard": again.discard}
No = Annotated[int, Path(ge=1, le=2**62)]
Verb = Annotated[str, Path(pattern="^(replay|discard)$")]
_NAMES = {
    "received": "waits its turn", "failed": "tried again by itself", "applied": "done",
    "dead": "needs somebody", "discarded": "given up",
}  # fmt: skip


class ErpPage:
    """The routes, over the parts they are handed. None of them belongs to the API's description."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._pages = pages

    def router(self) -> APIRouter:
        """The list, a message, and the forms of both."""
        made = APIRouter(include_in_schema=False)
        read, form = needs("read:erp"), needs("write:erp", form=True)
        made.add_api_route("/screen/erp", self.listed, openapi_extra=read)
        made.add_api_route("/screen/erp/{no}", self.one, openapi_extra=read)
        made.add_api_route(
            "/screen/erp/{no}/{verb}", self.change_one, methods=["POST"], openapi_extra=form
        )
        made.add_api_route(
            "/screen/erp/{verb}", self.change_all, methods=["POST"], openapi_extra=form
        )
        return made

    async def listed(self, request: Request, asked: Annotated[MessagesAsked, Query()]) -> Response:
        """The newest messages that fit, and what is dead by its reasons."""

        def work(connection: Connection) -> tuple[Any, Any, Any]:
            found = messages.listing(connection, asked.wanted, before=asked.after, limit=_ROWS + 1)
            return found, messages.reasons(connection), messages.counts(connection)

        found, reasons, counts = await self._services.read(work)
        chosen = asked.model_dump(exclude={"limit", "after"}, exclude_none=True)
        facts = {
            "rows": found[:_ROWS],
            "older": _address(chosen | {"after": found[_ROWS - 1].no}) if found[_ROWS:] else "",
            "reasons": reasons,
            "counts": counts,
            "chosen": chosen,
            "links": [
                (name, _address({**_without(chosen, "state"), "state": name}), counts.get(name, 0))
                for name in messages.STATES
            ],
            "all": _address(_without(chosen, "state")),
            "connections": sorted(self._services.erp.connections),
        }
        return self._pages.page("erp/messages.html", facts | self._common(request))

    async def one(self, request: Request, no: No) -> Response:
        """One message with all that is known of it."""
        return await self._one(request, no)

    async def _one(self, request: Request, no: int, wrong: str = "", status: int = 200) -> Response:
        try:
            found = await self._services.read(lambda c: details(c, no))
        except NotFound as error:
            return self._pages.page("missing.html", {"what": str(error)}, 404)
        facts = {"message": found, "wrong": wrong, "mapped": _pretty(found["mapped"])}
        return self._pages.page("erp/message.html", facts | self._common(request), status)

    async def change_one(self, request: Request, no: No, verb: Verb, told: Telling) -> Response:
        """Try it again, or give it up."""
        await forms.read(request)

        def work(connection: Connection) -> None:
            _WORK[verb](connection, [messages.get(connection, no)], told)

        try:
            await self._services.write(work)
        except CatalogueError as error:
            return await self._one(request, no, str(error), error.status)
        return RedirectResponse(f"/screen/erp/{no}", 303)

    async def change_all(self, request: Request, verb: Verb, told: Telling) -> Response:
        """The same for all that are dead for one reason."""
        fields = await forms.read(request)
        named = {name: fields.get(name) for name in ("connection", "direction", "reason")}
        try:
            body = ChosenBody.model_validate(named)
        except ValidationError as error:
            raise Problem(422, "the form names no messages: load the page again") from error
        await self._services.write(lambda c: _all(c, body, verb, told))
        return RedirectResponse("/screen/erp", 303)

    def _common(self, request: Request) -> dict[str, object]:
        return {
            "names": _NAMES,
            "csrf": csrf_of(request.cookies.get(forms.COOKIE, "")),
            "may_change": model.may(actor_of(request), "write:erp", "all"),
        }


def _all(conn: Connection, body: ChosenBody, verb: str, told: Told) -> int:
    return all_of(conn, body, _WORK[verb], told)


def _without(chosen: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in chosen.items() if key != name}


def _address(query: Mapping[str, Any]) -> str:
    return f"/screen/erp?{urlencode(query)}" if query else "/screen/erp"


def _pretty(mapped: str) -> str:
    """JSON with its lines broken; anything else as it is."""
    try:
        return json.dumps(json.loads(mapped), indent=2, ensure_ascii=False)
    except ValueError:
        return mapped
