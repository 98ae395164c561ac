"""What everybody may about themselves: who am I, my sessions, tokens for my programs."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from central.access import sessions
from central.access.model import PERMISSIONS, SIGNED_IN, Actor, may
from central.access.tokens import Claims
from central.api.access.door import SESSION
from central.api.access.entrance import Entrance
from central.api.access.gate import actor_of
from central.api.acting import Asker
from central.api.bodies import Body, Said
from central.api.pages import page
from central.api.permits import needs
from central.api.problems import Problem, shown_as
from central.api.services import Services, json_answer

_MINE = needs(SIGNED_IN, "none")


class TokenBody(Body):
    """A token for a program of one's own."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"scopes": ["read:stock"]}]}
    )

    scopes: Annotated[tuple[Said, ...], Field(max_length=100)] | None = None


def router(services: Services, entrance: Entrance) -> APIRouter:
    """The routes of one's own."""
    made = APIRouter(tags=["access"])
    keeper = entrance.keeper

    @made.get("/whoami", summary="Who am I here", openapi_extra=_MINE)
    async def whoami(request: Request) -> Response:
        """With what was granted, and the permissions that come of it somewhere."""
        actor = actor_of(request)
        mine = sorted(one for one in PERMISSIONS if may(actor, one, "own"))
        shown = {"name": actor.name, "grants": actor.grants, "permissions": mine}
        return json_answer(shown)

    @made.get("/sessions", summary="My sessions", openapi_extra=_MINE, responses=shown_as(403))
    async def listed(request: Request) -> Response:
        """The browsers in which I am logged in, the last used first."""
        name = person(actor_of(request))
        return page(await services.read(lambda c: sessions.listed(c, name)))

    @made.delete(
        "/sessions/{session_id}",
        summary="End a session of mine",
        openapi_extra=_MINE,
        responses=shown_as(403, 404),
    )
    async def end(session_id: str, request: Request, by: Asker) -> Response:
        """That browser is logged out at once."""
        name = person(actor_of(request))
        await keeper.change(lambda c: sessions.end(c, name, session_id, keeper.told(by)))
        return json_answer({"ended": session_id})

    _add_tokens(made, entrance)
    return made


def _add_tokens(made: APIRouter, entrance: Entrance) -> None:
    keeper = entrance.keeper

    @made.post(
        "/tokens",
        status_code=201,
        summary="Make a token for a program of mine",
        openapi_extra=_MINE,
        responses=shown_as(403, 422),
    )
    async def make(body: TokenBody, request: Request, by: Asker) -> Response:
        """An access token for minutes, and a refresh token for `/oauth/token`, which is good once.
        They may what I may, or only the `scopes` of it.
        """
        actor = actor_of(request)
        name = person(actor)
        if request.scope.get(SESSION) is None:
            raise Problem(403, "a program cannot make tokens: log in, and make them there")
        scopes = None if body.scopes is None else frozenset(body.scopes)
        if scopes is not None and not scopes <= PERMISSIONS:
            raise Problem(422, f"there is no permission {', '.join(sorted(scopes - PERMISSIONS))}")
        first = await keeper.change(
            lambda c: sessions.start_family(c, name, scopes, keeper.told(by), keeper.lifetimes)
        )
        claims = Claims(actor.subject, scopes)
        shown = {
            "access_token": keeper.signer.sign(claims, now_us=keeper.clock_us()),
            "token_type": "Bearer",
            "expires_in": keeper.signer.lifetime_s,
            "refresh_token": first.token,
        }
        answer = Response(msgspec.json.encode(shown), 201, media_type="application/json")
        answer.headers["cache-control"] = "no-store"
        return answer


def person(actor: Actor) -> str:
    """The account's name. Raises ``Problem`` for a program's key, and where nobody said."""
    kind, _, name = actor.subject.partition(":")
    if kind != "user":
        raise Problem(403, "this is for people who are logged in")
    return name
