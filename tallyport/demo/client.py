"""Central's REST API as the demo uses it: a few calls over the standard library."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any


class ApiError(Exception):
    """Central answered, and said no."""


class Api:
    """JSON in, JSON out, off the event loop."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def get(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        """The answer to a GET."""
        return await asyncio.to_thread(self._call, "GET", path, None)

    async def send(self, method: str, path: str, body: dict[str, object]) -> Any:  # noqa: ANN401 (JSON)
        """The answer to a POST or PUT."""
        return await asyncio.to_thread(self._call, method, path, body)

    async def every(self, path: str) -> list[dict[str, Any]]:
        """All rows of a paged listing."""
        rows: list[dict[str, Any]] = []
        cursor = ""
        while True:
            mark = "&" if "?" in path else "?"
            page = await self.get(f"{path}{mark}limit=500{cursor}")
            rows += page["rows"]
            if page.get("next") is None:
                return rows
            cursor = f"&after={page['next']}"

    def _call(self, method: str, path: str, body: dict[str, object] | None) -> Any:  # noqa: ANN401
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 (always the loopback's http)
            self._url + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")[:500]
            raise ApiError(f"{method} {path}: {error.code} {detail}") from error
