"""Static files, under addresses that name their content, so that browsers may keep them."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["STATIC", "KeptFiles", "static_address"]

STATIC = Path(__file__).with_name("static")


@functools.cache
def static_address(name: str) -> str:
    """A static file's address, with its content's hash: it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


class KeptFiles(StaticFiles):
    """Static files that browsers keep when their address names their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        answer = await super().get_response(path, scope)
        kept = b"v=" in scope.get("query_string", b"")
        answer.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if kept else "no-cache"
        )
        return answer
