"""What a caller must be allowed to do to use a route: said at the route, and in OpenAPI."""

from __future__ import annotations

from central.access.model import Places

PERMISSION = "x-permission"
"""OpenAPI's extension field that carries it."""
PLACES = "x-places"
"""The one that says which places the route is about."""


FORM = "x-form"
"""The one that says that the route reads a form of a page, and the page's token in it."""


def needs(permission: str, places: Places = "all", *, form: bool = False) -> dict[str, object]:
    """For a route's ``openapi_extra``: ``read:stock``, ``write:orders``, ``manage:users``.

    ``places`` says what a grant for some places only is good for here: ``all``: nothing; ``own``:
    the route shows and touches only what lies in these (``central.access.reach``); ``none``: it is
    about no place. A ``form`` is checked by ``central.api.access.forms``.
    """
    said: dict[str, object] = {PERMISSION: permission, PLACES: places}
    return {**said, FORM: True} if form else said
