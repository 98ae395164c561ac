"""Static files, under addresses that name their content, so that browsers may keep them."""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from screens.packing import takes_gzip

__all__ = ["STATIC", "KeptFiles", "static_address"]

STATIC = Path(__file__).with_name("static")
_PACKED = {".css", ".js", ".svg", ".wasm"}


@functools.cache
def static_address(name: str) -> str:
    """A static file's address, with its content's hash: it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


class KeptFiles(StaticFiles):
    """Static files that browsers keep when their address names their content, packed where that
    makes them smaller: a page's libraries are a third then, which counts on a phone.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        answer = await super().get_response(path, scope)
        if isinstance(answer, FileResponse) and Path(path).suffix in _PACKED:
            answer.headers["vary"] = "accept-encoding"
            if takes_gzip(scope) and answer.status_code == 200:
                answer = await asyncio.to_thread(_packed_answer, answer)
        kept = b"v=" in scope.get("query_string", b"")
        answer.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if kept else "no-cache"
        )
        return answer


def _packed_answer(whole: FileResponse) -> Response:
    """The same file, packed."""
    path = Path(whole.path)
    headers = {
        name: value
        for name, value in whole.headers.items()
        if name not in {"content-length", "accept-ranges", "etag"}
    }
    headers["content-encoding"] = "gzip"
    return Response(_packed(path, path.stat().st_mtime_ns), headers=headers)


@functools.lru_cache(maxsize=128)
def _packed(path: Path, _written_ns: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)
