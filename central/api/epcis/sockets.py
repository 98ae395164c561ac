"""Being told what a standing query finds over a WebSocket (EPCIS 2.0, 12.7.4): for as long as
somebody listens. What he misses in between he asks for with ``initialRecordTime``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from central.api import problems
from central.api.access.gate import actor_of
from central.api.epcis.answers import refused_as_said
from central.api.epcis.queries import OF_SOCKETS
from central.api.epcis.subscribing import Controls, no_controls
from central.api.permits import needs
from central.api.problems import Problem
from central.api.services import Services
from central.catalogue.errors import NotFound
from central.epcis import standing
from central.epcis.names import Names
from central.epcis.reporting import Reading
from central.epcis.timetable import FIELDS
from central.events.deliveries import Standing
from central.events.model import Subscription
from central.events.reading import Chunk
from gateway.clock import Clock, SystemClock

__all__ = ["SocketRoute", "Sockets"]

_PACE_S = 0.1
"""The least time between two looks: what is committed meanwhile is told together."""
_OVER, _AWAY, _AGAIN = 1000, 1001, 1012
"""Codes of an end (RFC 6455, 7.4.1, and IANA's registry)."""
_log = structlog.get_logger("central.epcis")


class SocketRoute(WebSocketRoute):
    """One that says what it needs, as routes do that OpenAPI describes."""

    def __init__(
        self, path: str, endpoint: Callable[[WebSocket], Awaitable[None]], said: dict[str, object]
    ) -> None:
        super().__init__(path, endpoint)
        self.openapi_extra = said


class _Ends(Exception):
    """Nothing more is told; ``code`` and the text say why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class _Listener(NamedTuple):
    """Who is told, and how far he was."""

    subscription: Subscription
    now: Standing


class Sockets:
    """Those who listen. ``counters``: ``opened``, ``refused``, ``told`` (documents)."""

    def __init__(self, services: Services, clock: Clock | None = None) -> None:
        self._services = services
        self._clock = clock or SystemClock()
        self.longest_s = 3_600.0
        """Who listens longer is asked anew who he is: he may be granted less by then."""
        self.most = 100
        """Listeners at a time."""
        self._names = Names(services.epcis.locations)
        self._open = 0
        self.counters = services.counters.setdefault("epcis_sockets", Counter())

    def route(self) -> SocketRoute:
        """Where they are asked for: where the query's events are."""
        return SocketRoute("/epcis/queries/{name}/events", self._asked, needs("read:epcis", "own"))

    async def _asked(self, socket: WebSocket) -> None:
        """Let in, and told until one of both ends it."""
        try:
            listener = await self._admitted(socket)
        except Problem as refusal:
            self.counters["refused"] += 1
            told = problems.answer(refusal.status, str(refusal), kind=refusal.kind)
            await socket.send_denial_response(told)
            return
        self._open += 1
        self.counters["opened"] += 1
        try:
            await socket.accept()
            await self._serve(socket, listener)
        finally:
            self._open -= 1

    async def _admitted(self, socket: WebSocket) -> _Listener:
        """Raises ``Problem``."""
        if self._open >= self.most:
            raise Problem(
                503, f"{self.most} listen already: come back later, or subscribe a webhook"
            )
        actor, name = actor_of(socket), socket.path_params["name"]
        terms, at_us = _controls(socket).terms(actor.name), self._clock.now_us()

        def work(conn: Connection) -> Standing:
            made = standing.find(conn, name)
            begins = standing.beginning(conn, made, terms, self._names, at_us)
            reached = Standing(ledger_seq=0, log_seq=0)
            reached.reach(begins)
            return reached

        with refused_as_said():
            now = await self._services.read(work)
        return _Listener(standing.listener(name, terms, actor, at_us), now)

    async def _serve(self, socket: WebSocket, listener: _Listener) -> None:
        """Tell, and hear when nobody listens any more."""
        telling = asyncio.create_task(self._tell(socket, listener))
        hearing = asyncio.create_task(_gone(socket))
        try:
            async with asyncio.timeout(self.longest_s):
                await asyncio.wait({telling, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                return
            await telling
        except TimeoutError:
            await _close(socket, _AWAY, "an hour is over: ask again")
        except _Ends as end:
            await _close(socket, end.code, str(end))
        except WebSocketDisconnect:
            return
        except DBAPIError as error:
            _log.warning("listener_not_told", why=str(error))
            await _close(socket, _AGAIN, "the books cannot be read now: ask again")
        finally:
            for task in (telling, hearing):
                task.cancel()
            await asyncio.gather(telling, hearing, return_exceptions=True)

    async def _tell(self, socket: WebSocket, listener: _Listener) -> None:
        """Whatever comes, until there is no such query. Raises ``_Ends``, ``DBAPIError``,
        ``WebSocketDisconnect``.
        """
        mine, now = listener
        reads = Reading(mine, self._names, self._clock)

        def look(conn: Connection) -> Chunk:
            try:
                standing.find(conn, mine.target.broker)
            except NotFound as gone:
                raise _Ends(_OVER, str(gone)) from gone
            return reads(conn, now)

        while True:
            level = self._services.tide.level
            chunk = await self._services.database.read(look)
            for position, letter in chunk.letters:
                await socket.send_text(letter.body.decode())
                self.counters["told"] += 1
                now.reach(position)
            now.reach(chunk.behind)
            now.looked_us = chunk.looked_us or now.looked_us
            if chunk.rest_s:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(chunk.rest_s):
                        await self._services.tide.above(level)
                        await asyncio.sleep(_PACE_S)


def _controls(socket: WebSocket) -> Controls:
    """What the query says of when to tell. Raises ``Problem``."""
    said = dict(socket.query_params)
    unknown = sorted(said.keys() - set(OF_SOCKETS))
    if unknown:
        raise no_controls(
            f"a WebSocket is asked for by {', '.join(OF_SOCKETS)}, and no {', '.join(unknown)}"
        )
    schedule = {name: said.pop(name) for name in FIELDS if name in said}
    try:
        return Controls.model_validate({**said, "schedule": schedule or None})
    except ValidationError as error:
        told = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
        raise no_controls(told) from error


async def _gone(socket: WebSocket) -> None:
    """Until nobody listens any more; whatever he says is passed over."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue


async def _close(socket: WebSocket, code: int, why: str) -> None:
    """Say goodbye, where anybody hears it."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code, why)
