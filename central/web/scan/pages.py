"""The page of the floor and what makes it work without a network.

None of it tells anything of anybody: all that it shows it asks the API for, in the name of whoever
signed in. So it is for everybody, and opens where nobody can be asked who is there.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from central.access.model import PUBLIC
from central.api.permits import needs
from central.web.pages import Pages
from screens.headers import CONTENT_SECURITY_POLICY
from screens.static_files import STATIC, static_address

__all__ = ["ScanPages", "shell"]

_FOLDER = STATIC / "scan"
_APART = {"worker.js", "decoder.js"}
"""Served under /scan: a worker reaches no further than the folder of its address."""
_ELSEWHERE = {"leaving.js"}
"""Of other pages."""
_DECODER = ("vendor/zxing-reader-3.1.4.iife.js", "vendor/zxing-reader-3.1.4.wasm")
_WASM_POLICY = CONTENT_SECURITY_POLICY.replace(
    "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"
)
"""Of the decoder's worker alone: what it compiles is a file of ours."""
_SCRIPT = "text/javascript; charset=utf-8"
_PAGE, _DECODER_PAGE = "/scan", "/scan/decoder.js"


class ScanPages:
    """The routes, over the pages' templates."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def router(self) -> APIRouter:
        """None of them belongs to the API's description."""
        made = APIRouter(include_in_schema=False)
        shown = needs(PUBLIC, "none")
        made.add_api_route(_PAGE, self.page, openapi_extra=shown)
        made.add_api_route("/scan/worker.js", self.worker, openapi_extra=shown)
        made.add_api_route(_DECODER_PAGE, self.decoder, openapi_extra=shown)
        made.add_api_route("/scan/manifest.webmanifest", self.manifest, openapi_extra=shown)
        return made

    async def page(self) -> Response:
        """The page, the same for everybody."""
        return self._pages.page("scan/floor.html", {})

    async def worker(self) -> Response:
        """The service worker of this version: its first line names every file by its content."""
        page = bytes(self._pages.page("scan/floor.html", {}).body)
        script = f"const SHELL = {json.dumps(shell(page))};\n{_read('worker.js')}"
        headers = {"service-worker-allowed": _PAGE, "cache-control": "no-cache"}
        return Response(script, media_type=_SCRIPT, headers=headers)

    async def decoder(self) -> Response:
        """The worker that reads camera pictures where the browser cannot."""
        headers = {"content-security-policy": _WASM_POLICY, "cache-control": "no-cache"}
        return Response(_read("decoder.js"), media_type=_SCRIPT, headers=headers)

    async def manifest(self) -> Response:
        """What a phone needs to put the page on its home screen."""
        return JSONResponse(_MANIFEST, media_type="application/manifest+json")


def shell(page: bytes) -> dict[str, object]:
    """What the service worker keeps: ``build`` and ``decoderBuild`` are other ones as soon as
    anything of it is.
    """
    files = [static_address(name) for name in _names()]
    decoder = [static_address(name) for name in _DECODER]
    apart = "".join(_read(name) for name in sorted(_APART))
    said = b"\n".join([page, apart.encode(), *(one.encode() for one in files)])
    return {
        "build": hashlib.sha256(said).hexdigest()[:16],
        "decoderBuild": hashlib.sha256("\n".join(decoder).encode()).hexdigest()[:16],
        "page": _PAGE,
        "files": [*files, _DECODER_PAGE],
        "decoder": decoder,
    }


@functools.cache
def _names() -> tuple[str, ...]:
    """The files of the shell, under the static folder."""
    scripts = (one.relative_to(STATIC).as_posix() for one in _FOLDER.rglob("*.js"))
    mine = sorted(name for name in scripts if Path(name).name not in _APART | _ELSEWHERE)
    return ("app.css", "scan/scan.css", "icons.svg", "favicon.svg", *mine)


@functools.cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _icon(name: str, size: int, purpose: str) -> dict[str, str]:
    return {
        "src": static_address(f"scan/{name}.png"), "sizes": f"{size}x{size}", "type": "image/png",
        "purpose": purpose,
    }  # fmt: skip


_MANIFEST = {
    "id": _PAGE,
    "name": "Tallyport scanning",
    "short_name": "Scan",
    "description": "Receive, put away, move, pick and count, also without a network.",
    "start_url": _PAGE,
    "scope": _PAGE,
    "display": "standalone",
    "orientation": "portrait",
    "background_color": "#0d1413",
    "theme_color": "#0b6b5e",
    "icons": [
        {"src": static_address("favicon.svg"), "sizes": "any", "type": "image/svg+xml"},
        _icon("icon-192", 192, "any"),
        _icon("icon-512", 512, "any"),
        _icon("icon-maskable-512", 512, "maskable"),
    ],
    "shortcuts": [
        {"name": name, "url": f"{_PAGE}#{view}"}
        for name, view in (("Receive", "receive"), ("Pick", "pick"), ("Count", "count"))
    ],
}
