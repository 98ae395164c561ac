"""The API's description, as programs read it: FastAPI's, with our refusals in it.

Whatever a route refuses, it answers with problem details (RFC 9457). FastAPI describes a body of
its own for requests that are not valid, which no route here ever sends.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
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
    """Let the application describe itself so, once it is asked."""

    def described() -> dict[str, Any]:
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

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


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
