"""Logging in by an OpenID Connect provider: authorization code with PKCE (S256), state and nonce.

What the provider says is fetched when somebody first logs in, and its keys again when it signs by
one that is not known. Which role a group there gives here stands in the settings; who is in no such
group is not let in.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from central.access.errors import AccessError, NotYours
from central.access.model import Grant, Role

__all__ = ["Identity", "Pending", "Provider", "Unreachable", "grants_of"]

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_TIMEOUT_S = 10.0
_LEEWAY_S = 60
_REFUSED = "the provider's answer cannot be believed: try again"


class Unreachable(AccessError):
    """The provider does not answer as one does."""

    status = 502


class Pending(NamedTuple):
    """What was sent along when somebody went to the provider, to compare when they come back."""

    state: str
    nonce: str
    verifier: str


class Identity(NamedTuple):
    """Who the provider says it is; ``external`` is its name and theirs there, for good."""

    external: str
    name: str
    full_name: str
    email: str
    groups: frozenset[str]


class Provider:
    """One provider. ``groups_claim`` names the claim that lists somebody's groups."""

    def __init__(
        self, *, issuer: str, client_id: str, client_secret: str | None, groups_claim: str
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._groups_claim = groups_claim
        self._said: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    async def begin(self, back: str) -> tuple[str, Pending]:
        """Where somebody goes to log in, and what to keep until they come ``back``."""
        said = await self._discovered()
        pending = Pending(*(secrets.token_urlsafe(32) for _ in Pending._fields))
        async with self._client(back) as client:
            address, _ = client.create_authorization_url(
                said["authorization_endpoint"],
                state=pending.state, nonce=pending.nonce, code_verifier=pending.verifier,
            )  # fmt: skip
        return str(address), pending

    async def finish(self, back: str, pending: Pending, answer: Mapping[str, str]) -> Identity:
        """Who came back with ``answer``. Raises ``NotYours`` and ``Unreachable``."""
        if not secrets.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise NotYours("this log-in was not begun here: begin again")
        if "error" in answer or "code" not in answer:
            raise NotYours(f"the provider says: {answer.get('error', 'nothing')[:100]}")
        said = await self._discovered()
        try:
            async with self._client(back) as client:
                token = await client.fetch_token(
                    said["token_endpoint"], code=answer["code"], code_verifier=pending.verifier
                )
        except OAuthError as error:
            raise NotYours("the provider does not take its own code back: begin again") from error
        except httpx2.HTTPError as error:
            raise Unreachable(f"the provider cannot be reached: {error}") from error
        claims = await self._claims(str(token.get("id_token", "")), pending.nonce)
        return self._identity(claims)

    async def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Checked as OpenID Connect Core 3.1.3.7 asks for."""
        try:
            decoded = jwt.decode(id_token, await self._known_keys(), algorithms=_ALGORITHMS)
        except (JoseError, ValueError):  # it may sign by a newer key
            self._keys = None
            try:
                decoded = jwt.decode(id_token, await self._known_keys(), algorithms=_ALGORITHMS)
            except (JoseError, ValueError) as error:
                raise NotYours(_REFUSED) from error
        wanted = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            wanted.validate(decoded.claims)
        except JoseError as error:
            raise NotYours(_REFUSED) from error
        return dict(decoded.claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        groups = claims.get(self._groups_claim) or []
        return Identity(
            external=f"{self._issuer} {claims['sub']}",
            name=str(claims.get("preferred_username") or claims.get("email") or claims["sub"]),
            full_name=str(claims.get("name") or "")[:200],
            email=str(claims.get("email") or "")[:200],
            groups=frozenset(map(str, [groups] if isinstance(groups, str) else groups)),
        )

    async def _discovered(self) -> dict[str, Any]:
        if self._said is None:
            said = await self._fetched(f"{self._issuer}/.well-known/openid-configuration")
            if said.get("issuer", "").rstrip("/") != self._issuer:
                raise Unreachable(f"{self._issuer} says that it is {said.get('issuer')}")
            self._said = said
        return self._said

    async def _known_keys(self) -> KeySet:
        if self._keys is None:
            said = await self._discovered()
            self._keys = KeySet.import_key_set(await self._fetched(said["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    async def _fetched(self, address: str) -> dict[str, Any]:
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT_S) as client:
                answer = await client.get(address)
                answer.raise_for_status()
                found = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise Unreachable(f"the provider cannot be reached at {address}: {error}") from error
        return dict(found)

    def _client(self, back: str) -> AsyncOAuth2Client:
        method = "client_secret_basic" if self._client_secret else "none"
        return AsyncOAuth2Client(
            self._client_id, self._client_secret, redirect_uri=back,
            scope="openid profile email", code_challenge_method="S256",
            token_endpoint_auth_method=method, timeout=_TIMEOUT_S,
        )  # fmt: skip


def grants_of(groups: frozenset[str], roles: Mapping[str, str]) -> list[Grant]:
    """What these groups give; ``roles`` is ``role`` or ``role@LOCATION`` by group."""
    found = []
    for group in sorted(groups & {*roles}):
        role, _, location = roles[group].partition("@")
        found.append(Grant(role=Role(role), location=location or None))
    return found
