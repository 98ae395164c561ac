"""Changes to what is written as a tree: JSON, JSON Lines, TOML. Field by field, still well-formed.

A fuzzer that flips bytes spends its time on broken JSON; what a decoder must also survive is
JSON that is perfectly good and says something absurd.
"""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import tomlkit
import zstandard

from fuzz.noise import broken

Mutate = Callable[[bytes, Random], bytes]

NUMBERS: tuple[Any, ...] = (
    0, 1, -1, 255, 256, 65_535, 65_536, 2**31, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64,
    -(2**31), -(2**63), 10**30, 10**400, -0.0, 0.5, 1e-308, 5e-324, 1e22, 1e300, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
MOMENTS = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1900-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2016-12-31T23:59:60Z",
    "2026-02-29T00:00:00Z", "2026-01-31T08:00:00", "2038-01-19T03:14:08Z",
    "2262-04-11T23:47:16.854776Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z", "",
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "a\n", "a\x1d", "é", "e\u0301", "\u202e", "\U0001f4e6", "\ufeff", "A", "-",
    "../x", "%00", "a" * 64, "a" * 65, "x" * 5_000, "0" * 5_000, "1_0", "٣", "+", "#", "$SYS",
    "nan", "true",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[[[]]]], {"a": {"a": {}}}, [None] * 50)
_STEPS_S = (1e-6, 0.1, 1.0, 10.0, 60.0, 3_600.0, 86_400.0, 366 * 86_400.0)
_DEEP = 2_000


def changed(tree: Any, chance: Random) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A copy of a tree with one to three of its places changed."""
    made = [copy.deepcopy(tree)]
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = _places(made)
        if not places:
            break
        holder, key = chance.choice(places)
        _change(holder, key, places, chance)
    return made[0] if made else None


def json_changed(data: bytes, chance: Random) -> bytes:
    """One JSON text, packed with zstd now and then; bytes that are none are broken further."""
    try:
        text = json.dumps(changed(json.loads(_unpacked(data)), chance)).encode()
    except (ValueError, RecursionError, MemoryError, zstandard.ZstdError):
        return broken(data, chance)
    match chance.randrange(40):
        case 0:
            return zstandard.compress(text)
        case 1:
            return b"[" * _DEEP + text + b"]" * _DEEP
        case 2:
            return text.replace(b'"', b'"\\u0000', 1)
    return text


def lines_changed(data: bytes, chance: Random) -> bytes:
    """JSON Lines, each perhaps behind a word: a line changed, lost, doubled or moved."""
    lines = data.splitlines(keepends=True) or [b""]
    place = chance.randrange(len(lines))
    match chance.randrange(8):
        case 0:
            del lines[place]
        case 1:
            lines.insert(chance.randrange(len(lines) + 1), lines[place])
        case 2:
            lines.insert(chance.randrange(len(lines)), lines.pop(place))
        case _:
            word, brace, rest = lines[place].partition(b"{")
            lines[place] = word + json_changed(brace + rest, chance) + b"\n"
    return b"".join(lines)


def toml_changed(data: bytes, chance: Random) -> bytes:
    """Settings with fields replaced, renamed, removed."""
    try:
        return tomlkit.dumps(changed(tomllib.loads(data.decode()), chance)).encode()
    except (ValueError, TypeError, AttributeError, RecursionError):
        return broken(data, chance)  # TOML has no null, and no keys but text


def _unpacked(data: bytes) -> bytes:
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=1_000_000)
    return data


Place = tuple[Any, Any]
"""What holds a value, and its key or index there."""


def _places(holder: Any) -> list[Place]:  # noqa: ANN401
    found: list[Place] = []
    waiting = [holder]
    while waiting:
        one = waiting.pop()
        inner = list(one.items() if isinstance(one, dict) else enumerate(one))
        found += [(one, key) for key, _ in inner]
        waiting += [value for _, value in inner if isinstance(value, dict | list)]
    return found


def _change(holder: Any, key: Any, places: list[Place], chance: Random) -> None:  # noqa: ANN401
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1:
            other, place = chance.choice(places)
            holder[key] = copy.deepcopy(other[place])
        case 2 if isinstance(holder, list):
            holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        case 2:
            holder[str(chance.choice(TEXTS))] = copy.deepcopy(holder[key])
        case 3:
            holder[key] = copy.deepcopy(chance.choice((*NUMBERS, *MOMENTS, *TEXTS, *OTHERS)))
        case _:
            holder[key] = _like(holder[key], chance)


def _like(value: Any, chance: Random) -> Any:  # noqa: ANN401
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            near = value + chance.choice((-1, 1, value, -2 * value))
            return chance.choice((*NUMBERS, near, near, near))
        case str():
            return _like_text(value, chance)
        case list() if len(value) > 1:
            return chance.sample(value, len(value))
    return copy.deepcopy(chance.choice(OTHERS))


def _like_text(value: str, chance: Random) -> str:
    try:
        moment = datetime.fromisoformat(value)
        step = timedelta(seconds=chance.choice((-1, 1)) * chance.choice(_STEPS_S))
        near = (moment.astimezone(UTC) + step).isoformat()
    except (ValueError, OverflowError):
        at = chance.randrange(len(value) + 1)
        return chance.choice((*TEXTS, value[:at], value + value, value[:at] + "\x00" + value[at:]))
    return chance.choice((near, near, chance.choice(MOMENTS)))
