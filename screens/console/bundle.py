"""The diagnostics bundle as a download: made at the edge, fetched in parts, handed on as they
come. Neither side ever holds more than one part of it.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.console import Ask, Trouble, new_id
from screens.console.asks import refusal
from screens.console.port import Consoles, Desk, NoSuchEdge

__all__ = ["Bundles", "asked"]

_LEASE_S = 60.0


class Bundles:
    """The route's handler."""

    def __init__(self, consoles: Consoles) -> None:
        self._consoles = consoles

    async def download(self, request: Request) -> Response:
        """Make one and send it."""
        edge = self._consoles.edge(request)
        try:
            desk = self._consoles.desk(edge)
        except NoSuchEdge as error:
            return refusal(404, str(error))
        made, trouble = await asked(desk, "diagnostics")
        if trouble is not None:
            return refusal(502, f"{trouble.text} {trouble.hint}".strip())
        name, size = str(made["name"]), int(made["bytes"])
        return StreamingResponse(
            _parts(desk, name, size),
            media_type="application/gzip",
            headers={
                "content-disposition": f'attachment; filename="{name}"',
                "content-length": str(size),
                "cache-control": "no-store",
            },
        )


async def _parts(desk: Desk, name: str, size: int) -> AsyncIterator[bytes]:
    at = 0
    while at < size:
        part, trouble = await asked(desk, "diagnostics.part", {"name": name, "offset": at})
        if trouble is not None:
            raise ConnectionError(f"the bundle ends early: {trouble.text}")
        data = base64.b64decode(part["data"])
        if not data:
            raise ConnectionError("the bundle ends early: the edge has no more of it")
        at += len(data)
        yield data


async def asked(
    desk: Desk, op: str, arguments: dict[str, Any] | None = None
) -> tuple[dict[str, Any], Trouble | None]:
    """The result of an operation, or why there is none."""
    ask = Ask(id=new_id(), op=op, arguments=arguments or {}, lease_s=_LEASE_S)
    desk.start(ask)
    told = None
    async for word in desk.follow(ask.id):
        told = word
    if told is None or told.state != "done":
        error = told.error if told is not None else None
        return {}, error or Trouble(code="cancelled", text=f"{op} was ended before it was done.")
    return told.result or {}, None
