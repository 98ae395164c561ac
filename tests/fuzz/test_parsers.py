"""Every parser that meets the outside, with any bytes, and with good ones gone bad."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS

FUZZ = Path(__file__).parents[2] / "fuzz"
EXAMPLES = 400
INTRUDERS = (b"\x00", b"\r\n", b'"', b"\x1d", b"9" * 30, b"\xff\xfe")


def seeds(target: str) -> list[bytes]:
    """The corpus, and every finding there ever was."""
    folders = (FUZZ / "corpus" / target, FUZZ / "findings" / target)
    return [path.read_bytes() for folder in folders for path in sorted(folder.glob("*"))]


def test_every_target_has_a_corpus() -> None:
    assert {path.name for path in (FUZZ / "corpus").iterdir()} == set(TARGETS)
    assert [target for target in TARGETS if not seeds(target)] == []


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_makes_no_trouble(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(data=st.binary(max_size=400))
def test_any_bytes(target: str, data: bytes) -> None:
    TARGETS[target](data)


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


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_good_messages_gone_bad(target: str, seed: int) -> None:
    chance = Random(seed)
    TARGETS[target](broken(chance.choice(seeds(target)), chance))
