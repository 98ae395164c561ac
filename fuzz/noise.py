"""Changes to bytes and to words that know nothing of their meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

INTRUDERS = (b"\x00", b"\r\n", b'"', b"\x1d", b"9" * 30, b"\xff\xfe")
_WORD = re.compile(rb"[A-Za-z]+|[0-9.]+|[ \t]+|\r?\n|.", re.DOTALL)
_NUMBERS = (
    b"0", b"-0", b"00000", b"1", b"99999999", b"999999999999", b"9" * 40, b"0.000000001", b".5",
    b"5.", b"1e9", b"NaN", b"+1", b"--1", b"1.2.3", b"2147483648", b"9223372036854775808",
)  # fmt: skip


def broken(good: bytes, chance: Random) -> bytes:
    """A good message gone bad: bytes changed, lost, doubled, swapped, or another in between."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 2, 8, 64)))
        match chance.randrange(5):
            case 0:
                data[at:end] = chance.randbytes(end - at)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end]
            case 3:
                data[at:end] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF))]) * (end - at)
            case _:
                data[at:at] = chance.choice(INTRUDERS)
    return bytes(data)


def reworded(good: bytes, chance: Random, words: Sequence[bytes]) -> bytes:
    """Text with words replaced by ``words`` of its own language, numbers by odd numbers, and
    words lost, doubled and swapped.
    """
    said = _WORD.findall(good) or [b""]
    for _ in range(chance.randint(1, 4)):
        at, other = chance.randrange(len(said)), chance.randrange(len(said))
        match chance.randrange(6):
            case 0:
                said[at] = b""
            case 1:
                said[at] += said[at]
            case 2:
                said[at], said[other] = said[other], said[at]
            case 3 if said[at][:1].isdigit():
                said[at] = chance.choice(_NUMBERS)
            case 4:
                said[at] = broken(said[at], chance)
            case _:
                said[at] = chance.choice(words)
    return b"".join(said)
