"""Mistakes of scanners and of those who hold them, and what the edge hears of it."""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulators.keyboard_scanner import EmulatedKeyboardScanner
from drivers.emulators.scan_errors import (
    CHANGES,
    DOUBLE_PULL_S,
    MISTAKES,
    Typed,
    Typist,
    doubled,
    dropped,
    of_layout,
    truncated,
)
from drivers.emulators.scanner import EmulatedScanner
from drivers.readings import CodeScan, DeviceEvent
from drivers.scanners.key_layouts import Layout
from drivers.scanners.keyboard import HidScannerDecoder
from drivers.scanners.scanner import ScannerConfig, SerialScanner
from tests.drivers.listening import listening

CODE = "0109521234000020\x1d10LOT-7Y"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=2), st.integers(0, 99))
def test_each_mistake_changes_what_it_says(text: str, seed: int) -> None:
    assert len(dropped(text, Random(seed))) == len(text) - 1
    longer = doubled(text, Random(seed))
    assert len(longer) == len(text) + 1
    assert any(longer[:n] + longer[n + 1 :] == text for n in range(len(longer)))
    shorter = truncated(text, Random(seed))
    assert text.startswith(shorter)
    assert 0 < len(shorter) < len(text)


def test_a_wrong_layout_is_what_a_keyboard_of_that_layout_would_have_typed() -> None:
    assert of_layout("Lazy-7/8", "us", "de") == "Layzß7-8"
    assert of_layout("0123456789", "us", "de") == "0123456789"
    assert of_layout("123", "us", "fr") == '&é"'


def test_mistakes_come_as_often_as_asked_and_again_with_the_same_seed() -> None:
    typist, again = Typist({"missing-suffix": 0.3, "double-scan": 0.1}, seed=7), None
    made = [typist.typed(CODE) for _ in range(2_000)]
    again = Typist({"missing-suffix": 0.3, "double-scan": 0.1}, seed=7)
    assert made == [again.typed(CODE) for _ in range(2_000)]
    counts = Counter(len(typed) for typed in made)
    assert 140 <= counts[2] <= 260
    assert 520 <= sum(not typed[0].suffix for typed in made) <= 680
    assert {typed[-1].pause_s for typed in made if len(typed) == 2} == {DOUBLE_PULL_S}
    assert Typist({}).typed(CODE) == [Typed(CODE)]
    with pytest.raises(ValueError, match="There are: dropped"):
        Typist({"sneeze": 1.0})


def test_a_person_needs_a_second_or_two_for_each_label() -> None:
    typist = Typist({}, seed=1)
    pauses = [typist.pause_s() for _ in range(500)]
    assert 1.2 <= median(pauses) <= 3.5
    assert min(pauses) >= 0.5
    assert 6.0 <= max(pauses) <= 20.0


@pytest.mark.parametrize("name", MISTAKES)
async def test_after_any_mistake_the_next_code_is_heard_whole(name: str) -> None:
    """Whatever became of the first one: a mistake stays with the scan in which it happened."""
    scanner = EmulatedScanner(typist=Typist({name: 1.0}, seed=2))
    try:
        async with listening(SerialScanner(ScannerConfig(port=await scanner.start()))) as heard:
            await heard.heard(DeviceEvent)
            await scanner.scan(CODE)
            await heard.heard(CodeScan)
            scanner.typist = Typist({})
            await scanner.scan("4006381333931", "]E0")
            await heard.heard(CodeScan, lambda scan: scan.data == "4006381333931")
            first = heard.of(CodeScan)[0].data
            assert (first == CODE) is (name not in CHANGES)
    finally:
        await scanner.stop()


@pytest.mark.parametrize("read_as", ["de", "fr", "gb"])
def test_a_keyboard_scanner_of_another_layout_types_just_that(read_as: Layout) -> None:
    text = "lazy-07qw"
    decoder = HidScannerDecoder(layout=read_as)
    typed = EmulatedKeyboardScanner("us").scan(text)
    heard = [one.data for one in decoder.feed(typed) if isinstance(one, CodeScan)]
    assert heard == [of_layout(text, "us", read_as)]
