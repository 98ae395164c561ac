"""OAuth 2 (RFC 6749) for programs: a key's secret or a refresh token for a signed access token.

There is no password grant: people's passwords are for our own log-in page alone.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from central.access import accounts, sessions
from central.access.errors import AccessError, TooOften
from central.access.keys import PREFIX
from central.access.model import PERMISSIONS, PUBLIC
from central.access.sessions import Refreshed
from central.access.tokens import Claims
from central.api.access import forms
from central.api.access.door import address_of
from central.api.access.entrance import Entrance
from central.api.permits import needs

_FORM = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "properties": {
                    "grant_type": {"enum": ["client_credentials", "refresh_token"]},
                    "client_id": {"type": "string"},
                    "client_secret": {"type": "string"},
                    "refresh_token": {"type": "string"},
                    "scope": {"type": "string"},
                },
            },
            "example": {
                "grant_type": "client_credentials",
                "client_id": "4f0c2a9be1d3",
                "client_secret": "the secret behind tp_4f0c2a9be1d3_",
                "scope": "read:stock",
            },
        }
    },
}


class _Refused(Exception):
    """An error of RFC 6749, 5.2."""

    def __init__(self, error: str, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.error = error
        self.status = status


def router(entrance: Entrance) -> APIRouter:
    """The route of tokens."""
    made = APIRouter(tags=["access"])
    words: dict[int | str, dict[str, object]] = {
        400: {"description": "An error of RFC 6749"},
        401: {"description": "No such client"},
        429: {"description": "Too often: see Retry-After"},
    }

    @made.post(
        "/oauth/token",
        summary="Get an access token",
        openapi_extra={**needs(PUBLIC, "none", form=True), "requestBody": _FORM},
        responses=words,
    )
    async def token(request: Request) -> Response:
        """`client_credentials`: the id and secret of a key (`tp_ID_SECRET`), in the form or as
        HTTP Basic. `refresh_token`: the one that came last; each is good once, and one that comes
        twice ends them all. `scope` asks for less than the key or token gives.
        """
        try:
            return await _granted(entrance, request)
        except _Refused as refused:
            try:
                entrance.keeper.count_stranger(address_of(request))
            except TooOften as often:
                return _answer({"error": "slow_down"}, 429, often.headers)
            told = {"error": refused.error, "error_description": str(refused)}
            more = {"www-authenticate": "Basic"} if refused.status == 401 else {}
            return _answer(told, refused.status, more)

    return made


async def _granted(entrance: Entrance, request: Request) -> Response:
    """Raises ``_Refused``."""
    fields = await forms.read(request)
    scopes = _scopes(fields)
    match fields.get("grant_type"):
        case "client_credentials":
            return await _for_key(entrance, request, fields, scopes)
        case "refresh_token":
            return await _for_refresh(entrance, fields, scopes)
    raise _Refused("unsupported_grant_type", "ask for client_credentials or refresh_token")


async def _for_key(
    entrance: Entrance, request: Request, fields: dict[str, str], scopes: frozenset[str] | None
) -> Response:
    client_id, secret = _client(request, fields)
    try:
        shown = await entrance.keeper.key(f"{PREFIX}{client_id}_{secret}")
        entrance.keeper.count_request(shown.actor.subject)
    except TooOften as often:
        return _answer({"error": "slow_down"}, 429, often.headers)
    except AccessError as error:
        raise _Refused("invalid_client", str(error), 401) from error
    return _signed(entrance, Claims(shown.actor.subject, scopes), {})


async def _for_refresh(
    entrance: Entrance, fields: dict[str, str], scopes: frozenset[str] | None
) -> Response:
    keeper = entrance.keeper

    def work(connection: Connection) -> Refreshed | None:
        told = keeper.told("token")
        found = sessions.refresh(connection, fields.get("refresh_token", ""), told)
        if found is None or accounts.get(connection, found.account).status != "active":
            return None
        return found

    found = await keeper.change(work)
    if found is None:
        raise _Refused("invalid_grant", "the refresh token was used, has expired or never was")
    if scopes is not None and found.scopes is not None and not scopes <= found.scopes:
        raise _Refused("invalid_scope", "that is more than the token was made for")
    narrowed = found.scopes if scopes is None else scopes
    claims = Claims(accounts.subject_of(found.account), narrowed)
    return _signed(entrance, claims, {"refresh_token": found.token})


def _client(request: Request, fields: dict[str, str]) -> tuple[str, str]:
    said = request.headers.get("authorization", "")
    if not said.startswith("Basic "):
        return fields.get("client_id", ""), fields.get("client_secret", "")
    try:
        pair = base64.b64decode(said.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _Refused("invalid_client", "the Authorization header cannot be read", 401) from error
    client_id, _, secret = pair.partition(":")
    return unquote(client_id), unquote(secret)


def _scopes(fields: dict[str, str]) -> frozenset[str] | None:
    wanted = frozenset(fields.get("scope", "").split())
    if not wanted <= PERMISSIONS:
        raise _Refused("invalid_scope", f"there is no {', '.join(sorted(wanted - PERMISSIONS))}")
    return wanted or None


def _signed(entrance: Entrance, claims: Claims, more: dict[str, object]) -> Response:
    signer, now_us = entrance.keeper.signer, entrance.keeper.clock_us()
    told: dict[str, object] = {
        "access_token": signer.sign(claims, now_us=now_us),
        "token_type": "Bearer",
        "expires_in": signer.lifetime_s,
        **more,
    }
    if claims.scopes is not None:
        told["scope"] = " ".join(sorted(claims.scopes))
    return _answer(told, 200, {})


def _answer(
    told: dict[str, object] | dict[str, str], status: int, more: dict[str, str]
) -> Response:
    headers = {"cache-control": "no-store", **more}
    return Response(msgspec.json.encode(told), status, headers, "application/json")
