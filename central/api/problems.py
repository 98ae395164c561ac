"""Errors as RFC 9457 problem details: what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from central.access.errors import AccessError
from central.attachments.model import AttachmentRefused
from central.catalogue.errors import CatalogueError
from central.catalogue.layouts import LayoutRefused
from central.imports.model import ImportRefused
from central.insight.series import SeriesUnavailable
from central.labels.model import LabelRefused
from central.reports.model import ReportRefused
from central.stock.model import StockError

MEDIA_TYPE = "application/problem+json"
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
"""What a refusal looks like, as JSON Schema."""
_REFUSALS = (
    StockError,
    CatalogueError,
    ImportRefused,
    ReportRefused,
    AttachmentRefused,
    LabelRefused,
)
"""What the slices refuse with: a sentence, and a status."""


class Problem(Exception):
    """A request that cannot be answered as it stands."""

    def __init__(self, status: int, detail: str, *, kind: str = "about:blank") -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind


def answer(status: int, detail: str, *, kind: str = "about:blank", **more: object) -> Response:
    """A problem as a response. ``kind`` names the sort of problem for programs."""
    body = {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(msgspec.json.encode(body | more), status, media_type=MEDIA_TYPE)


def shown_as(*statuses: int) -> dict[int | str, dict[str, object]]:
    """How these refusals are described in OpenAPI."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                MEDIA_TYPE: {
                    "schema": SCHEMA,
                    "example": {
                        "type": "about:blank",
                        "title": HTTPStatus(status).phrase,
                        "status": status,
                        "detail": "what happened, and what to do about it",
                    },
                }
            },
        }
        for status in statuses
    }


def _kind(error: Exception) -> str:
    name = type(error).__name__
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in name)
    return f"urn:tallyport:problem:{dashed.strip('-')}"


def _more(error: Exception) -> Mapping[str, object]:
    """What programs are told beside the sentence."""
    if isinstance(error, LayoutRefused):
        return {"mistakes": error.mistakes}
    return error.more if isinstance(error, StockError) else {}


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, _REFUSALS), "registered for these alone"
    more = _more(error)
    return answer(error.status, str(error), kind=_kind(error), **more)


async def _access(_: Request, error: Exception) -> Response:
    assert isinstance(error, AccessError), "registered for this alone"
    told = answer(error.status, str(error), kind=_kind(error))
    told.headers.update(error.headers)
    return told


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem), "registered for this alone"
    return answer(error.status, str(error), kind=error.kind)


async def _unavailable(_: Request, error: Exception) -> Response:
    return answer(503, f"{error}. Measurements are kept apart from stock: stock is not affected.")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for this alone"
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = f"There is nothing at {request.url.path}. The API is described at /docs."
    told = answer(error.status_code, detail)
    told.headers.update(error.headers or {})
    return told


def _sayable(said: str) -> str:
    """What a client wrote, without half characters (lone surrogates), which no answer can carry."""
    return said.encode("utf-8", "replace").decode()


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for this alone"
    mistakes = [
        {
            "where": _sayable(".".join(str(part) for part in detail["loc"])),
            "what": _sayable(detail["msg"]),
        }
        for detail in error.errors()
    ]
    told = "; ".join(f"{mistake['where']}: {mistake['what']}" for mistake in mistakes)
    kind = "urn:tallyport:problem:not-valid"
    return answer(422, f"Mend and send again. {told}", kind=kind, mistakes=mistakes)


def register(app: FastAPI) -> None:
    """Give every known error its answer."""
    for kind in _REFUSALS:
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(AccessError, _access)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(SeriesUnavailable, _unavailable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
