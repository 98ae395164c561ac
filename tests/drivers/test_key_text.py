"""Keys to text: every layout, and what scanners do that no typist does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.scanners.key_layouts import (
    ALT,
    ALT_GR,
    CAPS_LOCK,
    KEYPAD_DIGITS,
    KEYPAD_PLUS,
    KEYS,
    LAYOUTS,
    SPACE,
    Layout,
    characters,
)
from drivers.scanners.key_text import UNREADABLE, KeyText

SHIFT, CTRL, RIGHT_BRACE, F8, GRAVE, E, Q, Y, TWO = 42, 29, 27, 66, 41, 18, 16, 21, 3
KEYPAD = {digit: key for key, digit in KEYPAD_DIGITS.items()}


def typed(keys: KeyText, *codes: int) -> str:
    """Presses all of ``codes`` in their order, then releases them in the opposite one."""
    return "".join(
        [keys.key(code, True) for code in codes] + [keys.key(code, False) for code in codes[::-1]]
    )


def alt(keys: KeyText, digits: str) -> str:
    text = keys.key(ALT, True)
    for digit in digits:
        text += typed(keys, KEYPAD[digit])
    return text + keys.key(ALT, False)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_has_48_keys_and_every_printable_ascii_character(layout: Layout) -> None:
    rows = characters(layout)
    assert {*rows} == {*KEYS, SPACE}
    assert len(KEYS) == 48
    keys = KeyText(layout)
    seen = set()
    for code in rows:
        for held in ((), (SHIFT,), (ALT_GR,)):
            seen |= {typed(keys, *held, code) + typed(keys, SPACE)}
    found = {text[0] for text in seen if text}
    assert {chr(code) for code in range(32, 127)} <= found


@pytest.mark.parametrize(
    ("layout", "codes", "text"),
    [
        ("us", (Y,), "y"),
        ("de", (Y,), "z"),
        ("fr", (Q,), "a"),
        ("us", (SHIFT, TWO), "@"),
        ("gb", (SHIFT, TWO), '"'),
        ("de", (SHIFT, TWO), '"'),
        ("fr", (SHIFT, TWO), "2"),
        ("fr", (TWO,), "é"),
        ("de", (ALT_GR, Q), "@"),
        ("de", (CTRL, ALT, Q), "@"),
        ("us", (CTRL, RIGHT_BRACE), "\x1d"),
        ("de", (CTRL, RIGHT_BRACE), "\x1d"),
        ("us", (F8,), "\x1d"),
        ("us", (28,), "\n"),
        ("us", (CTRL, 50), "\r"),
        ("us", (KEYPAD["7"],), "7"),
        ("us", (69,), ""),
    ],
)
def test_keys_type(layout: Layout, codes: tuple[int, ...], text: str) -> None:
    assert typed(KeyText(layout), *codes) == text


@pytest.mark.parametrize(
    ("digits", "text"),
    [
        ("029", "\x1d"),
        ("0029", "\x1d"),
        ("65", "A"),
        ("0065", "A"),
        ("0252", "ü"),
        ("129", "ü"),
        ("0128", "€"),
        ("8364", "€"),
        ("0129", UNREADABLE),
        ("55296", UNREADABLE),
        ("99999999", UNREADABLE),
        ("", ""),
    ],
)
def test_alt_and_the_keypads_digits(digits: str, text: str) -> None:
    assert alt(KeyText(), digits) == text


def test_dead_keys_wait_for_the_next() -> None:
    keys = KeyText("de")
    assert typed(keys, GRAVE) == ""
    assert typed(keys, E) == "ê"
    assert typed(keys, GRAVE) + typed(keys, SPACE) == "^"
    assert typed(keys, GRAVE) + typed(keys, Y) == "ẑ"
    assert typed(keys, GRAVE) + typed(keys, TWO) == "^2"
    assert typed(keys, GRAVE) + typed(keys, GRAVE) + typed(keys, SPACE) == "^^"


def test_caps_lock_turns_letters_only() -> None:
    keys = KeyText()
    typed(keys, CAPS_LOCK)
    assert typed(keys, Q) + typed(keys, SHIFT, Q) + typed(keys, TWO) == "Qq2"
    typed(keys, CAPS_LOCK)
    assert typed(keys, Q) == "q"


def test_forgetting_lets_every_key_go() -> None:
    keys = KeyText()
    keys.key(SHIFT, True)
    keys.forget()
    assert typed(keys, Q) == "q"


@given(st.lists(st.tuples(st.integers(0, 767), st.booleans())), st.sampled_from(LAYOUTS))
def test_any_keys_type_text_that_can_be_written(
    events: list[tuple[int, bool]], layout: Layout
) -> None:
    keys = KeyText(layout)
    for code, pressed in events:
        text = keys.key(code, pressed)
        assert len(text) <= 2
        text.encode("utf-8")


@pytest.mark.parametrize(
    ("layout", "codes", "text"),
    [
        ("us", (KEYPAD["1"], 32), "\x1d"),  # d
        ("us", (KEYPAD["0"], KEYPAD["0"], KEYPAD["1"], 32), "\x1d"),
        ("us", (3, KEYPAD["0"], 30, 46), "\u20ac"),  # 2 0 a c: digits of the main block as well
        ("fr", (3, KEYPAD["0"], 16, 46), "\u20ac"),  # A is where Q is, and 2 needs Shift
        ("us", (KEYPAD["9"], KEYPAD["3"]), "\x93"),  # no code page
        ("us", (), UNREADABLE),
        ("us", (KEYPAD["9"],) * 7, UNREADABLE),
        ("us", (32, KEYPAD["8"], KEYPAD["0"], KEYPAD["0"]), UNREADABLE),  # half a surrogate
    ],
)
def test_alt_plus_and_hexadecimal_digits(layout: Layout, codes: tuple[int, ...], text: str) -> None:
    keys = KeyText(layout)
    said = keys.key(ALT, True) + typed(keys, KEYPAD_PLUS)
    said += "".join(typed(keys, code) for code in codes) + keys.key(ALT, False)
    assert said == text
    assert typed(keys, 30 if layout == "us" else 16) == "a", "and then it is over"
    assert typed(keys, KEYPAD_PLUS) == "+"
