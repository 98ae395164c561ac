"""The way to the provider's log-in page, and back."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from central.access.errors import NotYours
from central.access.model import PUBLIC
from central.access.provider import Pending
from central.api.access.door import address_of
from central.api.access.entrance import Entrance
from central.api.access.signing import Signing, within_site
from central.api.permits import needs
from central.api.problems import Problem

COOKIE = "tp_provider"
_LASTS_S = 600


def router(entrance: Entrance, signing: Signing) -> APIRouter:
    """None of them belongs to the API's description."""
    made = APIRouter(include_in_schema=False)
    shown = needs(PUBLIC, "none")

    @made.get("/login/provider", openapi_extra=shown)
    async def go(request: Request, next: str = "/") -> Response:  # noqa: A002 (the page's word)
        """To the provider; what was sent along is kept in a signed cookie meanwhile."""
        keeper, provider = entrance.keeper, entrance.provider
        if provider is None:
            raise Problem(404, "people log in by name and password here")
        keeper.count_stranger(address_of(request))
        address, pending = await provider.begin(_back(request))
        answer = RedirectResponse(address, 303, {"cache-control": "no-store"})
        kept = {**pending._asdict(), "next": within_site(next)}
        answer.set_cookie(
            COOKIE, keeper.signer.seal(kept, now_us=keeper.clock_us(), lasts_s=_LASTS_S),
            max_age=_LASTS_S, httponly=True, samesite="lax", secure=request.url.scheme == "https",
            path="/login",
        )  # fmt: skip
        return answer

    @made.get("/login/callback", openapi_extra=shown)
    async def come_back(request: Request) -> Response:
        """From the provider, with a code."""
        keeper, provider = entrance.keeper, entrance.provider
        if provider is None:
            raise Problem(404, "people log in by name and password here")
        keeper.count_stranger(address_of(request))
        kept = keeper.signer.unseal(request.cookies.get(COOKIE, ""), now_us=keeper.clock_us())
        if kept is None:
            raise NotYours("this log-in was not begun here, or long ago: begin again")
        pending = Pending(*(kept[name] for name in Pending._fields))
        who = await provider.finish(_back(request), pending, request.query_params)
        secret = await entrance.signing_in.by_provider(
            who, entrance.roles, address=address_of(request),
            agent=request.headers.get("user-agent", ""),
        )  # fmt: skip
        answer = signing.let_in(request, secret, within_site(kept["next"]))
        answer.delete_cookie(COOKIE, path="/login")
        return answer

    return made


def _back(request: Request) -> str:
    """The address that the provider knows as ours."""
    return f"{request.base_url}login/callback"
