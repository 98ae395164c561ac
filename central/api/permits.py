"""What a caller must be allowed to do to use a route: said at the route, and in OpenAPI."""

from __future__ import annotations

PERMISSION = "x-permission"
"""OpenAPI's extension field that carries it."""


def needs(permission: str) -> dict[str, object]:
    """For a route's ``openapi_extra``: ``read:stock``, ``write:orders``, ``manage:users``."""
    return {PERMISSION: permission}
