"""The one place where requests are let in or turned away, before anything of them is read.

Default deny: a route that does not say what it needs is for nobody. That the application reaches
the very route that was looked at here is checked again behind it (``passed``).
"""

from __future__ import annotations

from typing import Protocol

from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from central.access import model
from central.access.behalf import Roots, reaching
from central.access.model import PUBLIC, Actor
from central.api import problems
from central.api.access.routes import Asked, Routes
from central.api.problems import Problem

__all__ = ["Door", "Gate", "OpenDoor", "TurnedAway", "actor_of", "passed"]

_ACTOR = "tallyport.actor"
_ROUTE = "tallyport.route"


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
    """ASGI middleware around the application."""

    def __init__(self, app: ASGIApp, *, door: Door) -> None:
        self._app = app
        self._door = door
        self._routes: Routes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, on behalf of whoever asks; or turn away."""
        if scope["type"] != "http":
            assert scope["type"] == "lifespan", "there are no web sockets here"
            await self._app(scope, receive, send)
            return
        if self._routes is None:  # the first request: by now every route is there
            self._routes = Routes(scope["app"].routes)
        asked = self._routes.find(scope)
        if asked is None:
            await self._app(scope, receive, send)  # which says 404 or 405
            return
        try:
            actor = await self._admitted(HTTPConnection(scope), asked)
        except TurnedAway as turned:
            await turned.answer(scope, receive, send)
            return
        scope[_ROUTE], scope[_ACTOR] = asked.route, actor
        places: Roots = frozenset()
        if actor is not None:
            assert asked.permission is not None
            scope.setdefault("state", {})["actor"] = actor.name
            places = model.reach(actor, asked.permission)
        with reaching(places):
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


async def passed(request: Request) -> None:
    """A dependency of every route. Raises ``Problem`` 403 for one that the gate did not see."""
    if request.scope.get(_ROUTE) is not request.scope["route"]:
        raise Problem(403, "this route was not looked at before it was reached: nobody may use it")


def actor_of(request: HTTPConnection) -> Actor:
    """Who was let in; for routes that are not public."""
    actor = request.scope[_ACTOR]
    assert isinstance(actor, Actor), "the gate lets in nobody else here"
    return actor
