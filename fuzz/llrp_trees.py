"""Changes to LLRP messages parameter by parameter: types, lengths, values, nesting.

A message is taken for a tree of parameters wherever its bytes read as one; the tree is changed
and written back with lengths that fit, except where the change is that they lie.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from random import Random
from struct import Struct

from fuzz.noise import broken

_header = Struct(">HII")
_tlv = Struct(">HH")
_HEADER_BYTES = 10
_TLV_BYTES = 4
_DEEPEST = 6
_MOST_INNER = 100
_TV_BYTES = {
    1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2,
    11: 2, 12: 2, 13: 12, 14: 2, 15: 2, 16: 4, 17: 2, 18: 4, 19: 2, 20: 2,
}  # fmt: skip
_MESSAGES = (0, 4, 11, 12, 13, 14, 30, 36, 60, 61, 61, 61, 62, 63, 72, 100, 1023)
_PARAMETERS = (
    1, 2, 6, 8, 13, 13, 128, 137, 139, 141, 144, 145, 240, 240, 240, 241, 241, 242, 246, 246, 247,
    248, 250, 252, 255, 256, 287, 1023, 1023,
)  # fmt: skip
_LIES = (0, 1, 3, 4, 5, 9, 10, 65_535)


@dataclass(slots=True)
class _Parameter:
    kind: int
    body: bytes = b""
    inner: list[_Parameter] = field(default_factory=list)
    lie: int | None = None
    """A length to announce instead of the true one."""


@dataclass(slots=True)
class _Message:
    word: int
    message_id: int
    parts: _Parameter
    lie: int | None = None


def llrp_changed(data: bytes, chance: Random) -> bytes:
    """A stream of messages with one to three of its places changed."""
    messages = _messages(data)
    if not messages:
        return broken(data, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        if chance.randrange(4):
            _change_parts(chance.choice(messages).parts, chance)
        else:
            _change_stream(messages, chance)
        if not messages:
            break
    return b"".join(_written(message) for message in messages)


def _change_stream(messages: list[_Message], chance: Random) -> None:
    at = chance.randrange(len(messages))
    one = messages[at]
    match chance.randrange(6):
        case 0:
            del messages[at]
        case 1:
            messages.insert(chance.randrange(len(messages) + 1), copy.deepcopy(one))
        case 2:
            one.word = one.word & 0x1C00 | chance.choice(_MESSAGES)
        case 3:
            one.word = chance.randrange(65_536)
        case 4:
            one.message_id = chance.choice((0, 1, one.message_id + 1, 2**32 - 1))
        case _:
            one.lie = chance.choice((*_LIES, 2**22, 2**22 + 1, 2**31, 2**32 - 1))


def _change_parts(root: _Parameter, chance: Random) -> None:
    holders = [one for one in _all(root) if one.inner]
    holder = chance.choice(holders) if holders else root
    if not holder.inner:
        holder.body = broken(holder.body, chance)
        return
    at = chance.randrange(len(holder.inner))
    one = holder.inner[at]
    match chance.randrange(9):
        case 0 | 1 | 2 if len(holder.inner) > _MOST_INNER:
            del holder.inner[at:]
        case 0:
            del holder.inner[at]
        case 1:
            holder.inner.insert(at, copy.deepcopy(one))
        case 2:
            holder.inner[at] = copy.deepcopy(chance.choice(_all(root)))
        case 3:
            one.kind = chance.choice(_PARAMETERS)
        case 4:
            one.lie = chance.choice((*_LIES, len(_put(one)) - 1, len(_put(one)) + 1))
        case 5:
            holder.inner[at] = _Parameter(chance.choice(_PARAMETERS), inner=[one])
        case 6:
            holder.inner.insert(at, _fresh(chance))
        case _:
            one.body = _value(one.body, chance)


def _fresh(chance: Random) -> _Parameter:
    kind = chance.choice(_PARAMETERS)
    return _Parameter(kind, chance.randbytes(_TV_BYTES.get(kind, chance.randrange(20))))


def _value(body: bytes, chance: Random) -> bytes:
    octet = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF))])
    return chance.choice((octet * len(body), broken(body, chance), body[:-1], body + octet))


def _all(root: _Parameter, depth: int = 0) -> list[_Parameter]:
    if depth > _DEEPEST:
        return [root]
    return [root, *(one for inner in root.inner for one in _all(inner, depth + 1))]


# ---- reading and writing -------------------------------------------------------------------
def _messages(data: bytes) -> list[_Message]:
    found, at = [], 0
    while at + _HEADER_BYTES <= len(data):
        word, length, message_id = _header.unpack_from(data, at)
        end = at + max(_HEADER_BYTES, min(length, len(data) - at))
        found.append(_Message(word, message_id, _parts(0, data[at + _HEADER_BYTES : end])))
        at = end
    return found


def _parts(kind: int, body: bytes, depth: int = 0) -> _Parameter:
    """A parameter; its body is a list of parameters if it reads as one to the last byte."""
    inner: list[_Parameter] = []
    at = 0
    while depth < _DEEPEST and at < len(body):
        if body[at] & 0x80:
            size = 1 + _TV_BYTES.get(body[at] & 0x7F, len(body))
            one = _Parameter(body[at] & 0x7F, body[at + 1 : at + size])
        elif at + _TLV_BYTES <= len(body):
            word, size = _tlv.unpack_from(body, at)
            one = _parts(word & 0x3FF, body[at + _TLV_BYTES : at + size], depth + 1)
        else:
            size = 0
        if size < 1 or at + size > len(body) or (not body[at] & 0x80 and size < _TLV_BYTES):
            return _Parameter(kind, body)
        inner.append(one)
        at += size
    return _Parameter(kind, inner=inner) if inner else _Parameter(kind, body)


def _put(one: _Parameter) -> bytes:
    body = one.body + b"".join(map(_put, one.inner))
    if one.kind < 128 and not one.inner:
        return bytes([0x80 | one.kind]) + body
    length = min(65_535, len(body) + _TLV_BYTES) if one.lie is None else one.lie & 0xFFFF
    return _tlv.pack(one.kind & 0x3FF, length) + body


def _written(message: _Message) -> bytes:
    body = message.parts.body + b"".join(map(_put, message.parts.inner))
    length = len(body) + _HEADER_BYTES if message.lie is None else message.lie
    return _header.pack(message.word, length, message.message_id & 0xFFFFFFFF) + body
