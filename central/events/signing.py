"""Signed webhooks as the Standard Webhooks specification 1.0.0 has them (standardwebhooks.com).

``webhook-signature`` is ``v1,`` and the base64 of an HMAC-SHA256 over ``id.timestamp.body``; while
a key is being replaced there is one for each key, so that the receiver can change in peace.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping

from central.events.model import Secret

__all__ = ["ROTATION_US", "TOLERANCE_S", "good", "headers", "new_key", "rotated", "verified"]

TOLERANCE_S = 300
"""How far a signature's time may be from ours."""

ROTATION_US = 24 * 3_600 * 1_000_000
"""How long a key that was replaced still signs."""
_PREFIX = "whsec_"
_MOST = 10


def new_key() -> str:
    """A fresh key of 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def rotated(held: Iterable[Secret], key: str, now_us: int) -> tuple[Secret, ...]:
    """The keys from now on: ``key``, and for a while the one before it. One that was on its way
    out goes at once.
    """
    before = [
        Secret(key=one.key, until_us=now_us + ROTATION_US) for one in held if not one.until_us
    ]
    return (Secret(key=key), *before)


def good(held: Iterable[Secret], now_us: int) -> list[Secret]:
    """The keys that sign now."""
    return [one for one in held if not one.until_us or one.until_us > now_us]


def headers(keys: Iterable[Secret], message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a webhook that is sent at ``at_s`` seconds since 1970."""
    signed = f"{message_id}.{at_s}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{_signature(one.key, signed)}" for one in keys),
    }


def verified(keys: Iterable[Secret], shown: Mapping[str, str], body: bytes, now_s: int) -> str:
    """The id of a webhook that came with these headers (in small letters), signed by one of the
    keys at most ``TOLERANCE_S`` ago. Raises ValueError with what is wrong.
    """
    message_id, said_s = shown.get("webhook-id", ""), shown.get("webhook-timestamp", "")
    given = shown.get("webhook-signature", "")
    if not message_id or not given or not (said_s.isascii() and said_s.isdigit()):
        raise ValueError("it lacks webhook-id, webhook-timestamp or webhook-signature")
    if abs(int(said_s[:15]) - now_s) > TOLERANCE_S:
        raise ValueError(f"its webhook-timestamp is more than {TOLERANCE_S} s from now")
    signed = f"{message_id}.{said_s}.".encode() + body
    wanted = [f"v1,{_signature(one.key, signed)}".encode() for one in keys]
    each = [
        hmac.compare_digest(one, said.encode()) for one in wanted for said in given.split()[:_MOST]
    ]
    if not any(each):
        raise ValueError("none of its signatures is by a key that is known here")
    return message_id


def _signature(key: str, signed: bytes) -> str:
    secret = base64.b64decode(key.removeprefix(_PREFIX))
    return base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
