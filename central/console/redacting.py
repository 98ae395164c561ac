"""What of an ask goes into the audit: who asked for what, but no secret and no whole file."""

from __future__ import annotations

import msgspec

__all__ = ["redacted"]

_SECRETS = ("password", "secret", "pin", "token", "key")
_LONGEST = 200


def redacted(arguments: dict[str, object]) -> dict[str, object]:
    """Arguments for the audit: what is long or may be secret is only measured."""
    return {key: _shown(key, value) for key, value in arguments.items()}


def _shown(key: str, value: object) -> object:
    if any(word in key.lower() for word in _SECRETS):
        return "(not kept)"
    if isinstance(value, dict):
        return redacted(value)
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"({len(value)} characters)"
    if isinstance(value, list) and len(msgspec.json.encode(value)) > 2_000:
        return f"({len(value)} entries)"
    return value
