"""Pages go packed to browsers that take it: a list of a large house is a tenth then, on a phone's
radio.
"""

from __future__ import annotations

import asyncio
import gzip

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Packed", "takes_gzip"]

LEAST = 1_400
"""Bytes that fit into one packet gain nothing."""
_BESIDE = 64 * 1_024
"""More is packed in a thread, so that others need not wait."""
_LEVEL = 5
_TOKEN = b'name="csrf"'
_DATA = ("/screen/", "/series")
"""Where JSON is a part of pages; elsewhere it is for programs, which are near."""


def takes_gzip(scope: Scope) -> bool:
    """Whether who asks takes packed bytes; a part (``range``) is one of the whole as it is."""
    takes = next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
    return b"gzip" in takes and all(name != b"range" for name, _ in scope["headers"])


class Packed:
    """Packs HTML, and the JSON that pages load, where it comes in one piece; streams stay streams.

    A page with a token in it stays as it is: the length of packed bytes would tell of the token to
    who can put words of his own beside it (BREACH, breachattack.com).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] != "GET" or not takes_gzip(scope):
            await self._app(scope, receive, send)
            return
        waiting: list[Message] = []

        async def packing(message: Message) -> None:
            if message["type"] == "http.response.start" and _may_pack(message, scope["path"]):
                waiting.append(message)
                return
            if waiting:
                start = waiting.pop()
                if not message.get("more_body"):
                    message = await _pack(start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, packing)


def _may_pack(start: Message, path: str) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "")
    if "content-encoding" in headers:
        return False
    return kind.startswith("text/html") or (
        kind.startswith("application/json") and path.startswith(_DATA)
    )


async def _pack(start: Message, whole: Message) -> Message:
    body: bytes = whole.get("body", b"")
    headers = MutableHeaders(scope=start)
    headers.add_vary_header("accept-encoding")
    if len(body) < LEAST or _TOKEN in body:
        return whole
    packed = await asyncio.to_thread(_packed, body) if len(body) > _BESIDE else _packed(body)
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(packed))
    return {**whole, "body": packed}


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
