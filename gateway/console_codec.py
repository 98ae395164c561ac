"""Asks and what is told of them, as bytes (JSON)."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from gateway.console import Ask, Told
from gateway.topics import Command

__all__ = ["MOST_BYTES", "BadWord", "decode_ask", "decode_told", "encode"]

MOST_BYTES = 1_000_000
"""No ask and no word is larger: what is, comes in parts."""
_ask = msgspec.json.Decoder(Ask)
_told = msgspec.json.Decoder(Told)
_encode = msgspec.json.Encoder().encode


_W = TypeVar("_W", Ask, Told)


class BadWord(ValueError):
    """Bytes that are no ask, or no word about one; the text says why."""


def encode(word: Ask | Told) -> bytes:
    """What crosses the wire."""
    return _encode(word)


def decode_ask(payload: bytes, address: Command) -> Ask:
    """Raises ``BadWord``, for an ask that is not its topic's too."""
    ask = _decoded(_ask, payload)
    if (ask.id, ask.op) != (address.id, address.op):
        raise BadWord("topic and content name different asks")
    return ask


def decode_told(payload: bytes) -> Told:
    """Raises ``BadWord``."""
    return _decoded(_told, payload)


def _decoded(decoder: msgspec.json.Decoder[_W], payload: bytes) -> _W:
    if len(payload) > MOST_BYTES:
        raise BadWord(f"{len(payload)} bytes are too many")
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadWord(str(error)) from error
