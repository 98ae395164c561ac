"""What changes good inputs: it repeats itself exactly, and most of what it makes is well-formed."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from random import Random

import pytest

from drivers.llrp.frames import FrameSplitter
from fuzz.mutators import MUTATORS, mutated
from fuzz.noise import broken
from tests.fuzz.test_parsers import seeds

SEEDS = range(60)


@pytest.mark.parametrize("target", MUTATORS)
def test_the_same_seed_makes_the_same_input_and_others_make_others(target: str) -> None:
    for good in (b"", *seeds(target)[:3]):
        made = [mutated(target, good, seed) for seed in SEEDS]
        assert made == [mutated(target, good, seed) for seed in SEEDS]
        assert len(set(made)) > len(SEEDS) // 4 or not good


def share(target: str, name: str, well_formed: Callable[[bytes], bool]) -> float:
    """How many of a target's changed inputs are still well-formed."""
    good = next(data for data in seeds(target) if name.encode() in data)
    return sum(well_formed(MUTATORS[target](good, Random(seed))) for seed in SEEDS) / 60


def is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    except RecursionError:
        return True  # well-formed, and too deep
    return True


def is_toml(data: bytes) -> bool:
    try:
        tomllib.loads(data.decode())
    except ValueError:
        return False
    return True


def is_llrp(data: bytes) -> bool:
    """Cut into messages without a byte being lost."""
    splitter = FrameSplitter()
    frames, errors = splitter.feed(data)
    return len(frames) > 1 and not errors


def test_trees_stay_trees_and_messages_stay_messages() -> None:
    assert share("mqtt-batch", "tag_sighting", is_json) > 0.7
    assert share("central-config", "database", is_toml) > 0.5
    assert share("llrp-session", "", is_llrp) > 0.5


def test_an_extreme_number_or_moment_turns_up_in_every_field() -> None:
    good = next(data for data in seeds("mqtt-batch") if b'"tag_sighting"' in data)
    fields = json.loads(good)["observations"][0]
    changed: set[str] = set()
    for seed in range(1_500):
        try:
            told = json.loads(MUTATORS["mqtt-batch"](good, Random(seed)))
            first = told["observations"][0]
            changed |= {name for name, value in fields.items() if first.get(name) != value}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue
    assert changed == set(fields)


def test_broken_bytes_are_broken() -> None:
    assert broken(b"", Random(1)) == broken(b"", Random(1))
    assert len({broken(b"S S     100.00 g\r\n", Random(seed)) for seed in SEEDS}) > 40
