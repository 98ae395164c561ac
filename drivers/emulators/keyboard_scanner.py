"""An emulated scanner that is a keyboard: text to the input events that type it."""

from __future__ import annotations

from typing import Literal

from drivers.scanners.input_device import INPUT_EVENT
from drivers.scanners.key_layouts import (
    ALT,
    ALT_GR,
    CONTROLS,
    ENTER,
    KEYPAD_DIGITS,
    KEYPAD_PLUS,
    SHIFTS,
    SPACE,
    SPACING,
    TAB,
    Layout,
    characters,
)
from drivers.scanners.keyboard import EV_KEY, EV_SYN

Mode = Literal["layout", "alt", "alt-hex"]
_KEYPAD = {digit: key for key, digit in KEYPAD_DIGITS.items()}
_RIGHT_BRACE = 27


class EmulatedKeyboardScanner:
    """Types codes on a keyboard of some layout, or all as ALT and digits of the keypad: decimal
    (``alt``), or hexadecimal after its plus, with letters by the layout (``alt-hex``).
    """

    def __init__(self, layout: Layout = "us", mode: Mode = "layout") -> None:
        self._mode = mode
        self._places: dict[str, tuple[int, ...]] = {}
        for key, typed in characters(layout).items():
            for modifier, character in zip((None, SHIFTS[0], ALT_GR), typed, strict=True):
                held = () if modifier is None else (modifier,)
                if key == SPACE or character != " ":
                    self._places.setdefault(character, (*held, key))
        self._accents = {alone: mark for mark, alone in SPACING.items() if mark in self._places}

    def scan(self, text: str, symbology: str = "", *, enter: bool = True) -> bytes:
        """The events of a scan; raises ``KeyError`` for what the layout cannot type."""
        events = b"".join(self._type(character) for character in symbology + text)
        return events + (_pressed(ENTER) if enter else b"")

    def can_type(self, text: str) -> bool:
        """Whether the layout has every character."""
        typable = {*self._places, *self._accents, "\x1d", "\t"} - {*SPACING}
        return {*text} <= typable

    def _type(self, character: str) -> bytes:
        if self._mode == "alt":
            digits = f"0{character.encode('cp1252')[0]:03}"
            return _held(ALT, b"".join(_pressed(_KEYPAD[digit]) for digit in digits))
        if self._mode == "alt-hex":
            keys = [
                _KEYPAD[one] if one in _KEYPAD else self._places[one][-1]
                for one in f"{ord(character):04x}"
            ]
            return _held(ALT, _pressed(KEYPAD_PLUS) + b"".join(_pressed(key) for key in keys))
        if character == "\x1d":
            return _held(CONTROLS[0], _pressed(_RIGHT_BRACE))
        if character == "\t":
            return _pressed(TAB)
        if character not in self._places and character in self._accents:
            return self._type(self._accents[character]) + _pressed(SPACE)
        *modifiers, key = self._places[character]
        events = _pressed(key)
        for modifier in modifiers:
            events = _held(modifier, events)
        return events


def _pressed(key: int) -> bytes:
    return _held(key, b"")


def _held(key: int, meanwhile: bytes) -> bytes:
    return key_event(key, 1) + meanwhile + key_event(key, 0)


def key_event(key: int, value: int) -> bytes:
    """One key pressed (1), released (0) or repeating (2), and the report's end."""
    return INPUT_EVENT.pack(0, 0, EV_KEY, key, value) + INPUT_EVENT.pack(0, 0, EV_SYN, 0, 0)
