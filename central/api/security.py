"""How programs and pages say who they are, as OpenAPI describes it; and what each route needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from central.access.model import PERMISSIONS, PUBLIC, SIGNED_IN
from central.api.access.forms import COOKIE, HEADER
from central.api.permits import PERMISSION

__all__ = ["SCHEMES", "described"]

_SAFE = ("get", "head", "options")
SCHEMES: dict[str, dict[str, Any]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "tp_ID_SECRET",
        "description": "A program's key (`POST /keys`), narrowed by its scopes.",
    },
    "token": {
        "type": "oauth2",
        "description": "A signed token for a key, good for minutes; sent as a bearer, too.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/oauth/token",
                "scopes": {one: f"what needs `{one}`" for one in sorted(PERMISSIONS)},
            }
        },
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A person's browser, after the log-in at `/login`.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": HEADER,
        "description": "Besides a session, for whatever changes something: what the cookie "
        "`tp_csrf` holds.",
    },
}


def described(schema: dict[str, Any]) -> None:
    """Add the schemes to a description, and to each operation which of them lets one in."""
    schema.setdefault("components", {})["securitySchemes"] = SCHEMES
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            operation["security"] = list(_of(method, operation.get(PERMISSION)))


def _of(method: str, permission: str | None) -> Iterator[dict[str, list[str]]]:
    """One of these is enough; of a public route none."""
    if permission == PUBLIC:
        return
    yield {"key": []}
    yield {"token": [] if permission in {SIGNED_IN, None} else [permission]}
    yield {"session": []} if method in _SAFE else {"session": [], "csrf": []}
