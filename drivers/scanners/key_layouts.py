r"""Which characters a keyboard's keys type, by layout: plain, with Shift, with AltGr.

The layouts are those of xkeyboard-config (``us``, ``gb``, ``de``, ``fr``, without variants);
a blank stands where a key types nothing that a scanner would send, a combining accent where
the key is dead and waits for the next one. Key codes are those of the kernel (``linux/
input-event-codes.h``); they name places on a keyboard, not letters.
"""

from __future__ import annotations

from typing import Literal, get_args

Layout = Literal["us", "gb", "de", "fr"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

KEYS = (41, *range(2, 14), *range(16, 28), *range(30, 41), 43, 86, *range(44, 54))
"""The 48 keys with characters, from top left to bottom right, as the rows below list them."""
ENTER, TAB, SPACE = 28, 15, 57
SHIFTS, CONTROLS, ALT, ALT_GR, CAPS_LOCK = (42, 54), (29, 97), 56, 100, 58
KEYPAD_ENTER, KEYPAD_PLUS = 96, 78
KEYPAD_DIGITS = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8",
                 73: "9"}  # fmt: skip
KEYPAD = {**KEYPAD_DIGITS, 55: "*", 74: "-", KEYPAD_PLUS: "+", 83: ".", 98: "/"}
FUNCTION_KEYS = {f"f{number}": 58 + number for number in range(1, 11)} | {"f11": 87, "f12": 88}

_ROWS: dict[Layout, tuple[str, str, str]] = {
    "us": (
        "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./",
        '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|>ZXCVBNM<>?',
        " " * 48,
    ),
    "gb": (
        "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./",
        '¬!"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?',
        "|¹²³€½¾{[]}\\ @ e¶    øþ\u0308\u0303æßð      \u0301\u0302\u0300|«»¢   µ · ",
    ),
    "de": (
        "\u03021234567890ß\u0301qwertzuiopü+asdfghjklöä#<yxcvbnm,.-",
        "°!\"§$%&/()=?\u0300QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_",
        " ¹²³¼½¬{[]}\\ @ €¶    øþ\u0308~æ ð       \u0302 |»«¢   µ·  ",
    ),
    "fr": (
        "²&é\"'(-è_çà)=azertyuiop\u0302$qsdfghjklmù*<wxcvbn,;:!",
        "~1234567890°+AZERTYUIOP\u0308£QSDFGHJKLM%µ>WXCVBN?./§",
        "¬¹~#{[|`\\^@]}æ«€¶    øþ\u0308¤@ßð      µ\u0302\u0300| »¢   \u0301 · ",
    ),
}

SPACING = {"\u0300": "`", "\u0301": "\u00b4", "\u0302": "^", "\u0303": "~", "\u0308": "¨"}
"""What a dead key's accent is when it stands alone."""


def characters(layout: Layout) -> dict[int, tuple[str, str, str]]:
    """For each key: what it types plain, with Shift and with AltGr; a blank is nothing."""
    plain, shifted, third = _ROWS[layout]
    return {key: (plain[at], shifted[at], third[at]) for at, key in enumerate(KEYS)} | {
        SPACE: (" ", " ", " ")
    }
