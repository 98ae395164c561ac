"""What lets a program in: random secrets that are kept as hashes, and signed short-lived tokens.

A random secret of 256 bits needs no slow hash: there is nothing to guess. Signed tokens (JWT) say
who; what that one may is looked up each time, so that what is taken back is gone at once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jwt
from jwt.types import Options

from central.access.errors import NotYours

__all__ = ["Claims", "Signer", "fresh", "hashed", "read_secret"]

_ISSUER = "tallyport"
_ALGORITHM = "HS256"
_SEALED = "sealed"
_ASKED: Options = {
    "require": ["exp", "sub", "iss"],
    "verify_exp": False,
    "verify_iat": False,
}
_OVER = "the token is not valid, or has expired: ask for a new one"


def fresh() -> str:
    """A new secret, fit for URLs and headers."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """As it is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_secret(file: Path) -> bytes:
    """The key that tokens are signed with; made at the first start, for its owner's eyes only.
    Several workers need the same file.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return bytes.fromhex(file.read_text().strip())
    key = secrets.token_bytes(32)
    file.write_text(key.hex())
    return key


class Claims(NamedTuple):
    """What a signed token says: for whom, and narrowed to which permissions (``None``: not)."""

    subject: str
    scopes: frozenset[str] | None


class Signer:
    """Signs tokens, and reads its own."""

    def __init__(self, key: bytes, *, minutes: int) -> None:
        self._key = key
        self.lifetime_s = minutes * 60

    def sign(self, claims: Claims, *, now_us: int) -> str:
        """A token that is good from now on for ``lifetime_s``."""
        now_s = now_us // 1_000_000
        said: dict[str, object] = {
            "iss": _ISSUER,
            "sub": claims.subject,
            "iat": now_s,
            "exp": now_s + self.lifetime_s,
            "jti": secrets.token_hex(8),
        }
        if claims.scopes is not None:
            said["scope"] = " ".join(sorted(claims.scopes))
        return jwt.encode(said, self._key, algorithm=_ALGORITHM)

    def seal(self, said: Mapping[str, str], *, now_us: int, lasts_s: int) -> str:
        """What nobody else can make or change; good for ``lasts_s``."""
        kept = {**said, "aud": _SEALED, "exp": now_us // 1_000_000 + lasts_s}
        return jwt.encode(kept, self._key, algorithm=_ALGORITHM)

    def unseal(self, sealed: str, *, now_us: int) -> dict[str, str] | None:
        """What was sealed; ``None`` where it is not ours, or no more."""
        try:
            said: dict[str, Any] = jwt.decode(
                sealed, self._key, algorithms=[_ALGORITHM], audience=_SEALED,
                options={"require": ["exp"], "verify_exp": False},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            return None
        return None if now_us >= said["exp"] * 1_000_000 else said

    def read(self, token: str, *, now_us: int) -> Claims:
        """What a token says. Raises ``NotYours`` for one that is not ours, or no more."""
        try:
            said = jwt.decode(
                token, self._key, algorithms=[_ALGORITHM], issuer=_ISSUER, options=_ASKED
            )
        except jwt.InvalidTokenError as error:
            raise NotYours(_OVER) from error
        if now_us >= said["exp"] * 1_000_000:  # by our own clock, as everything else
            raise NotYours(_OVER)
        scope = said.get("scope")
        return Claims(said["sub"], None if scope is None else frozenset(scope.split()))
