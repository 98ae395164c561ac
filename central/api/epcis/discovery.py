"""What each resource of EPCIS can do: ``OPTIONS``, with the headers of the standard (EPCIS 2.0,
12.3).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from central.api.epcis.answers import HEADERS
from central.api.epcis.capture import MOST_EVENTS
from central.api.permits import needs

__all__ = ["router"]

_PARAMETER = re.compile(r"\{(\w+)\}")
_EVERYWHERE = {
    **HEADERS,
    "GS1-EPCIS-Min": "2.0.0",
    "GS1-EPCIS-Max": "2.0.0",
    "GS1-CBV-Min": "2.0.0",
    "GS1-CBV-Max": "2.0.0",
    "GS1-EPC-Format": "Never_Translates",
    "GS1-Extensions": "tallyport=urn:tallyport:epcis:",
}
_OF_CAPTURE = {
    "GS1-EPCIS-Capture-Limit": str(MOST_EVENTS),
    "GS1-Capture-Error-Behaviour": "all",
}


def router(others: Sequence[APIRouter]) -> APIRouter:
    """``OPTIONS`` of all that these have."""
    made = APIRouter(tags=["epcis"])
    for path, methods in _methods(route for each in others for route in each.routes).items():
        _add(made, path, ", ".join(["OPTIONS", *sorted(methods)]))
    return made


def _methods(routes: Iterable[BaseRoute]) -> dict[str, set[str]]:
    found = defaultdict[str, set[str]](set)
    for route in routes:
        if isinstance(route, APIRoute):
            found[route.path] |= route.methods or set()
    return found


def _add(made: APIRouter, path: str, allowed: str) -> None:
    said = {
        "Allow": allowed,
        **_EVERYWHERE,
        "GS1-Vendor-Version": version("tallyport"),
        **(_OF_CAPTURE if path == "/epcis/capture" else {}),
    }
    described: dict[str, Any] = {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PARAMETER.findall(path.replace(":path", ""))
        ]
    }

    @made.options(
        path,
        status_code=204,
        summary="EPCIS: what can be done there",
        openapi_extra={**needs("read:epcis", "none"), **described},
    )
    async def options() -> Response:
        """By which methods (`Allow`), in which versions of EPCIS and the vocabulary, with which
        extensions.
        """
        return Response(status_code=204, headers=said)
