"""Every parser that meets the outside, with any bytes, and with good ones gone bad."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import registry
from fuzz.devices import KINDS, NUMBERS, SCALE_KINDS, numbered
from fuzz.mutators import MUTATORS, mutated
from fuzz.targets import TARGETS

pytestmark = pytest.mark.timeout(600)
FUZZ = Path(__file__).parents[2] / "fuzz"
EXAMPLES = 150
SLOW = {"central-road": 8, "device-llrp": 60, "edge-config": 40, "llrp-session": 60}
"""Where one input costs milliseconds: a whole central, any split of a long stream."""


def seeds(target: str) -> list[bytes]:
    """The corpus, and every finding there ever was."""
    folders = (FUZZ / "corpus" / target, FUZZ / "findings" / target)
    return [path.read_bytes() for folder in folders for path in sorted(folder.glob("*"))]


def try_any(target: str, what: st.SearchStrategy[bytes]) -> None:
    """Bytes of a strategy, as many as the target's price allows."""

    @settings(max_examples=SLOW.get(target, EXAMPLES), deadline=None, derandomize=True)
    @given(data=what)
    def each(data: bytes) -> None:
        TARGETS[target](data)

    each()


def test_every_target_has_a_corpus_and_a_mutator() -> None:
    assert {path.name for path in (FUZZ / "corpus").iterdir()} == set(TARGETS)
    assert set(MUTATORS) == set(TARGETS)
    assert [target for target in TARGETS if not seeds(target)] == []


@pytest.mark.parametrize("kind", SCALE_KINDS)
def test_every_kind_has_an_input_that_its_own_decoder_reads(kind: str) -> None:
    known = (FUZZ / "corpus" / "device-scale" / kind).read_bytes()
    assert known.startswith(numbered(kind, b"")), f"{kind} is not what the input is for"
    decoder = registry.decoder(kind)
    assert [*decoder.feed(known[2:]), *decoder.finish()], f"{kind} reads nothing in its input"
    assert len(NUMBERS) == len(SCALE_KINDS), "two kinds have one number"


@pytest.mark.evidence("fuzz", of="target", table=KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_makes_no_trouble(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)


@pytest.mark.evidence("fuzz", of="target", table=KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes(target: str) -> None:
    try_any(target, st.binary(max_size=400))


@pytest.mark.evidence("fuzz", of="target", table=KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_good_messages_gone_bad(target: str) -> None:
    """Field by field, parameter by parameter, word by word, one to four changes at once."""
    known = seeds(target)

    def changed(seed: int) -> bytes:
        chance = Random(seed)
        data = chance.choice(known)
        for _ in range(chance.choice((1, 1, 2, 4))):
            data = mutated(target, data, chance.randrange(2**32))
        return data

    try_any(target, st.integers(0, 2**32).map(changed))
