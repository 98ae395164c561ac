"""The API's description, as programs read it: FastAPI's, with our refusals in it.

Whatever a route refuses, it answers with problem details (RFC 9457). FastAPI describes a body of
its own for requests that are not valid, which no route here ever sends.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from central.api import security
from central.api.problems import MEDIA_TYPE, SCHEMA

__all__ = ["describe"]

_REFERENCE = {"$ref": "#/components/schemas/Problem"}
_REFUSED = {
    "description": "Refused: what happened, and what to do about it",
    "content": {MEDIA_TYPE: {"schema": _REFERENCE}},
}
_FASTAPI_ONLY = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """Let the application describe itself so, once it is asked: it takes half a second of a core,
    so it is made once, and never where requests are served.
    """
    making = threading.Lock()

    def described() -> dict[str, Any]:
        with making:
            if app.openapi_schema is None:
                app.openapi_schema = _with_problems(
                    get_openapi(
                        title=app.title,
                        version=app.version,
                        description=app.description,
                        routes=app.routes,
                    )
                )
            return app.openapi_schema

    @functools.cache
    def encoded() -> bytes:
        return msgspec.json.encode(described())

    async def told(_: Request) -> Response:
        return Response(await asyncio.to_thread(encoded), media_type="application/json")

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way
    app.add_route("/openapi.json", told, methods=["GET"], include_in_schema=False)


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPI_ONLY:
        components.pop(name, None)
    components["Problem"] = SCHEMA
    security.described(schema)
    for operations in schema["paths"].values():
        for operation in operations.values():
            answers = operation["responses"]
            if _says_validation_error(answers.get("422", {})):
                answers["422"] = _REFUSED
            answers["default"] = _REFUSED
    return schema


def _says_validation_error(answer: dict[str, Any]) -> bool:
    said = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return str(said.get("$ref", "")).endswith("/HTTPValidationError")
