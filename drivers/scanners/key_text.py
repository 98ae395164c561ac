"""Pressed and released keys to the text that they type: pure, for scanners that are keyboards.

It knows what such scanners do that no typist does: characters as ALT and digits of the keypad,
decimal (``ALT+0029``) or, after its plus, hexadecimal (``ALT++001D``, as Windows takes them with
EnableHexNumpad), group separators as ``Ctrl+]`` or as a function key, AltGr as Ctrl and Alt, and
Caps Lock turned on and off around a code.
"""

from __future__ import annotations

import unicodedata

from drivers.scanners.key_layouts import (
    ALT,
    ALT_GR,
    CAPS_LOCK,
    CONTROLS,
    ENTER,
    FUNCTION_KEYS,
    KEYPAD,
    KEYPAD_DIGITS,
    KEYPAD_ENTER,
    KEYPAD_PLUS,
    SHIFTS,
    SPACE,
    SPACING,
    TAB,
    Layout,
    characters,
)

GROUP_SEPARATOR = "\x1d"
UNREADABLE = "\0"
"""Typed in place of a character that nobody can know: no code carries it, so it is refused."""
_US = characters("us")
_MOST_ALT_DIGITS = 7
_HEX, _HEX_DIGITS = "+", frozenset("0123456789abcdef")
_FIXED = {**KEYPAD, ENTER: "\n", KEYPAD_ENTER: "\n", TAB: "\t"}
"""Keys that type the same with and without Shift."""


class KeyText:
    """``key`` by ``key`` to text. ``separator_keys`` (``f8``) type the group separator.

    Held modifiers and a waiting accent are the only state; ``forget`` lets all go.
    """

    def __init__(self, layout: Layout = "us", separator_keys: tuple[str, ...] = ("f8",)) -> None:
        self._characters = characters(layout)
        self._separators = {FUNCTION_KEYS[name] for name in separator_keys}
        self._held: set[int] = set()
        self._caps = False
        self._accent = ""
        self._alt_digits = ""

    def forget(self) -> None:
        """Keys were missed: take none as held."""
        self._held.clear()
        self._caps = False
        self._accent = self._alt_digits = ""

    def key(self, code: int, pressed: bool) -> str:
        """What is typed by pressing or releasing a key; Enter types LF, and most nothing."""
        if code in (*SHIFTS, *CONTROLS, ALT, ALT_GR):
            return self._modifier(code, pressed)
        if not pressed:
            return ""
        if code == CAPS_LOCK:
            self._caps = not self._caps
            return ""
        if ALT in self._held and (digit := self._alt_digit(code)):
            self._alt_digits = (self._alt_digits + digit)[: _MOST_ALT_DIGITS + 1]
            return ""
        return self._accented(self._typed(code))

    def _alt_digit(self, code: int) -> str:
        """What a key adds to ALT and digits: after the keypad's plus they are hexadecimal."""
        if code == KEYPAD_PLUS and not self._alt_digits:
            return _HEX
        if code in KEYPAD_DIGITS or not self._alt_digits.startswith(_HEX):
            return KEYPAD_DIGITS.get(code, "")
        if code not in self._characters:
            return ""
        plain, shifted, _ = self._characters[code]
        typed = (plain, shifted, _US[code][0])
        return next((one for one in typed if one.lower() in _HEX_DIGITS), "")

    def _modifier(self, code: int, pressed: bool) -> str:
        if pressed:
            self._held.add(code)
            return ""
        self._held.discard(code)
        if code != ALT or not self._alt_digits:
            return ""
        digits, self._alt_digits = self._alt_digits, ""
        return self._accented(_alt_character(digits))

    def _typed(self, code: int) -> str:
        if code in self._separators:
            return GROUP_SEPARATOR
        if code in _FIXED:
            return _FIXED[code]
        if code not in self._characters:
            return ""
        control = not self._held.isdisjoint(CONTROLS)
        if control and ALT not in self._held:
            return self._control(code)
        return self._character(code, third=ALT_GR in self._held or control)

    def _character(self, code: int, *, third: bool) -> str:
        plain, shifted, with_alt_gr = self._characters[code]
        if code == SPACE:
            return plain
        if third and with_alt_gr != " ":
            return with_alt_gr
        shift = not self._held.isdisjoint(SHIFTS)
        if self._caps and plain.isalpha() and shifted == plain.upper():
            shift = not shift
        return (shifted if shift else plain).strip()

    def _control(self, code: int) -> str:
        """Ctrl and a key: by the layout's own character, else by the place on a US keyboard."""
        for plain, shifted, _ in (self._characters[code], _US[code]):
            for character in (plain, shifted):
                if "@" <= character.upper() <= "_":
                    return chr(ord(character.upper()) & 0x1F)
        return UNREADABLE

    def _accented(self, typed: str) -> str:
        accent, self._accent = self._accent, ""
        if typed in SPACING:
            self._accent = typed
            return SPACING.get(accent, "")
        if not accent or not typed:
            self._accent = accent if not typed else ""
            return typed
        if typed == " ":
            return SPACING[accent]
        whole = unicodedata.normalize("NFC", typed + accent)
        return whole if len(whole) == 1 else SPACING[accent] + typed


def _alt_character(digits: str) -> str:
    """ALT and digits, as Windows reads them: with a leading 0 Windows-1252, else the DOS code
    page 437; up to 127 both are ASCII with its control characters; above 255, and in hexadecimal,
    Unicode.
    """
    if digits == _HEX:
        return UNREADABLE
    hexadecimal = digits.startswith(_HEX)
    number = int(digits.removeprefix(_HEX), 16 if hexadecimal else 10)
    if len(digits) > _MOST_ALT_DIGITS or number > 0x10FFFF or 0xD800 <= number < 0xE000:
        return UNREADABLE
    if hexadecimal or number < 128 or number > 255:
        return chr(number)
    try:
        return bytes([number]).decode("cp1252" if digits[0] == "0" else "cp437")
    except UnicodeDecodeError:
        return UNREADABLE
