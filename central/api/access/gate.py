"""The one place where requests are let in or turned away, before anything of them is read.

Default deny: a route that does not say what it needs is for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from central.access import model
from central.access.behalf import Roots, reaching
from central.access.model import PUBLIC, Actor
from central.api import problems
from central.api.access.routes import Asked, asked_of

__all__ = ["Door", "Gate", "OpenDoor", "TurnedAway", "actor_of", "guard"]

_ACTOR = "tallyport.actor"


class TurnedAway(Exception):
    """Not let in; ``answer`` says why."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Door(Protocol):
    """Finds out who asks."""

    async def who(self, request: HTTPConnection, asked: Asked) -> Actor | None:
        """Who sends this request; ``None`` where nobody says. Raises ``TurnedAway`` for what is
        said wrongly, and too often.
        """
        ...

    def stranger(self, request: HTTPConnection) -> Response:
        """What somebody is told who has to say first who they are."""
        ...


class OpenDoor:
    """Everybody may do everything: for one machine's own people, and for tests."""

    async def who(self, request: HTTPConnection, asked: Asked) -> Actor | None:
        """Nobody is asked."""
        return model.OPEN

    def stranger(self, request: HTTPConnection) -> Response:
        """Nobody is one here."""
        return problems.answer(401, "say who you are")


class Gate:
    """Stands before one route: ``app`` is what answers there."""

    def __init__(self, app: ASGIApp, *, door: Door, asked: Asked) -> None:
        self._app = app
        self._door = door
        self._asked = asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, to reach as far as whoever asks was granted; or turn away."""
        try:
            actor = await self._admitted(HTTPConnection(scope), self._asked)
        except TurnedAway as turned:
            await turned.answer(scope, receive, send)
            return
        scope[_ACTOR] = actor
        places: Roots = frozenset()
        if actor is not None:
            assert self._asked.permission is not None
            scope.setdefault("state", {})["actor"] = actor.name
            places = model.reach(actor, self._asked.permission)
        with reaching(places, actor):
            await self._app(scope, receive, send)

    async def _admitted(self, request: HTTPConnection, asked: Asked) -> Actor | None:
        """Who it is. Raises ``TurnedAway``."""
        if asked.permission is None:
            raise TurnedAway(
                problems.answer(403, "this route does not say who may use it: nobody may")
            )
        actor = await self._door.who(request, asked)
        if asked.permission == PUBLIC:
            return actor
        if actor is None:
            raise TurnedAway(self._door.stranger(request))
        if not model.may(actor, asked.permission, asked.places):
            raise TurnedAway(problems.answer(403, _needed(actor, asked), needed=asked.permission))
        return actor


def _needed(actor: Actor, asked: Asked) -> str:
    assert asked.permission is not None
    if model.reach(actor, asked.permission):
        return (
            f"{asked.permission} was granted to {actor.name} for some places only, and this shows "
            "all: ask whoever manages access for it everywhere"
        )
    return (
        f"{actor.name} may not do this: it needs {asked.permission}. Ask whoever manages access "
        "for a role that has it"
    )


def guard(routes: Sequence[BaseRoute], door: Door) -> None:
    """Put a gate before each of these routes; those that are added later have none."""
    for route in routes:
        asked = asked_of(route)
        assert isinstance(route, Route | Mount | WebSocketRoute)
        route.app = Gate(route.app, door=door, asked=asked)


def actor_of(request: HTTPConnection) -> Actor:
    """Who was let in; for routes that are not public."""
    actor = request.scope[_ACTOR]
    assert isinstance(actor, Actor), "the gate lets in nobody else here"
    return actor
