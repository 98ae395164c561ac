"""Asks of a browser: POST gives an id, a stream of server-sent events tells what becomes of it,
DELETE ends it.

Reading goes to ``ask``, what changes something to ``do``, so that each address can say who may
use it. Several browsers that watch the same share one ask: it is rendered once and fanned out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gateway.console import BY_CENTRAL, Ask, Told, Troubled, changes_something, new_id
from screens.console.port import Consoles, Desk, NoSuchEdge
from screens.events import RETRY, STILL_HERE, event_stream

__all__ = ["Asks", "answer", "refusal"]

_MOST_BYTES = 600_000
_KEEP_ALIVE_S = 3.0
_SHARED = frozenset({"health", "logs", "watch"})
_SHARED_LEASE_S = 12.0
_encode = msgspec.json.Encoder().encode
_arguments = msgspec.json.Decoder(dict[str, object])


class Asks:
    """The routes' handlers. ``stop`` ends every stream, so that the server can close."""

    def __init__(self, consoles: Consoles) -> None:
        self._consoles = consoles
        self._shared: OrderedDict[tuple[str, bytes], str] = OrderedDict()
        self._stopped = asyncio.Event()
        self.streams = 0

    def stop(self) -> None:
        """End every stream."""
        self._stopped.set()

    async def ask(self, request: Request) -> Response:
        """Ask for what changes nothing."""
        if changes_something(request.path_params["op"]):
            return refusal(405, "This changes something: it goes to /do.")
        return await self._start(request)

    async def do(self, request: Request) -> Response:
        """Ask for anything; what changes something is kept with who asked."""
        return await self._start(request)

    async def _start(self, request: Request) -> Response:
        edge, op = self._consoles.edge(request), request.path_params["op"]
        try:
            desk = self._consoles.desk(edge)
            arguments = await _body(request)
            for closed in BY_CENTRAL & arguments.keys():
                del arguments[closed]
            if changes_something(op):
                arguments["who"] = self._consoles.who(request)
            shared = (edge, op.encode() + _encode(arguments)) if op in _SHARED else None
            if shared is not None and (known := self._known(desk, shared)):
                return answer({"id": known})
            lease_s = _SHARED_LEASE_S if shared else 30.0
            ask = msgspec.convert(
                {"id": new_id(), "op": op, "arguments": arguments, "lease_s": lease_s}, Ask
            )
            if changes_something(op):
                await self._consoles.asked(request, edge, ask)
            desk.start(ask)
        except NoSuchEdge as error:
            return refusal(404, str(error))
        except (msgspec.MsgspecError, Troubled) as error:
            return refusal(422, str(error))
        if shared is not None:
            self._shared[shared] = ask.id
            while len(self._shared) > 1_000:
                self._shared.popitem(last=False)
        return answer({"id": ask.id}, 202)

    def _known(self, desk: Desk, shared: tuple[str, bytes]) -> str | None:
        """An ask for the same that still runs."""
        ask_id = self._shared.get(shared)
        told = desk.newest(ask_id) if ask_id else None
        if ask_id is None or told is None or told.is_final:
            return None
        desk.renew(ask_id)
        return ask_id

    async def newest(self, request: Request) -> Response:
        """The newest word about an ask, for programs that look now and then."""
        try:
            told = self._consoles.desk(self._consoles.edge(request)).newest(_id(request))
        except NoSuchEdge as error:
            return refusal(404, str(error))
        return answer(told) if told is not None else refusal(404, "This is not known any more.")

    async def cancel(self, request: Request) -> Response:
        """End it, unless others look at it too: what is shared ends when nobody looks."""
        ask_id = _id(request)
        try:
            desk = self._consoles.desk(self._consoles.edge(request))
        except NoSuchEdge as error:
            return refusal(404, str(error))
        if ask_id not in self._shared.values():
            desk.cancel(ask_id)
        return Response(status_code=204)

    async def live(self, request: Request) -> Response:
        """What becomes of it, as server-sent events ``told``."""
        ask_id = _id(request)
        try:
            desk = self._consoles.desk(self._consoles.edge(request))
        except NoSuchEdge as error:
            return refusal(404, str(error))
        if desk.newest(ask_id) is None:
            return refusal(404, "This is not known any more: load the page again.")
        return event_stream(self._stream(desk, ask_id))

    async def _stream(self, desk: Desk, ask_id: str) -> AsyncIterator[bytes]:
        """A client that is slow gets the newest word when it takes one: nothing is queued."""
        words = desk.follow(ask_id)
        stopped = asyncio.create_task(self._stopped.wait())
        coming: asyncio.Task[Told | None] | None = None
        self.streams += 1
        try:
            yield RETRY
            while not stopped.done():
                coming = coming or asyncio.create_task(_next(words))
                both: set[asyncio.Task[Any]] = {coming, stopped}
                await asyncio.wait(both, timeout=_KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                desk.renew(ask_id)
                if not coming.done():
                    yield STILL_HERE
                    continue
                told, coming = coming.result(), None
                if told is None:
                    return
                yield b"event: told\ndata: " + _encode(told) + b"\n\n"
        finally:
            self.streams -= 1
            for one in (coming, stopped):
                if one is not None:
                    one.cancel()


async def _next(words: AsyncIterator[Told]) -> Told | None:
    return await anext(words, None)


async def _body(request: Request) -> dict[str, object]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise Troubled("too-large", "That is more than an edge takes.")
    return _arguments.decode(body or b"{}")


def _id(request: Request) -> str:
    return str(request.path_params["ask_id"])


def answer(content: object, status: int = 200) -> Response:
    """JSON that nobody keeps."""
    return Response(
        _encode(content), status, media_type="application/json",
        headers={"cache-control": "no-store"},
    )  # fmt: skip


def refusal(status: int, detail: str) -> Response:
    """RFC 9457 problem details, as central's API has them."""
    return Response(
        _encode({"status": status, "detail": detail}), status,
        media_type="application/problem+json",
    )  # fmt: skip
