"""GS1 keys and their check digits (GS1 General Specifications, section 7.9)."""

from __future__ import annotations

_GTIN_LENGTHS = (8, 12, 13, 14)
_DATES = ("11", "12", "13", "15", "16", "17")
"""Application identifiers of dates, six digits each."""


class Gs1Error(ValueError):
    """A text that is no GS1 identifier: the message says why, for people."""


def check_digit(payload: str) -> str:
    """The check digit that follows the digits ``payload`` (weights 3, 1, 3, ... from the right)."""
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(payload))
    )
    return str(-total % 10)


def is_digits(text: str) -> bool:
    """Whether ``text`` is one or more of the ten ASCII digits and nothing else."""
    return text.isascii() and text.isdigit()


def has_check_digit(digits: str) -> bool:
    """Whether the last of ``digits`` is the check digit of those before it."""
    return len(digits) > 1 and is_digits(digits) and check_digit(digits[:-1]) == digits[-1]


def require_check_digit(digits: str, key: str) -> None:
    """Raise ``Gs1Error`` naming the ``key`` unless ``digits`` end with the right check digit."""
    expected = check_digit(digits[:-1])
    if digits[-1] != expected:
        raise Gs1Error(
            f"the check digit of {key} {digits} is {digits[-1]}, but should be {expected}: "
            "it was probably mistyped or misread"
        )


def is_gtin(text: str) -> bool:
    """Whether ``text`` is a GTIN-8, -12, -13 or -14 with the right check digit."""
    return len(text) in _GTIN_LENGTHS and has_check_digit(text)


def to_gtin14(text: str) -> str:
    """A GTIN-8, -12, -13 or -14 as 14 digits; raises ``Gs1Error``."""
    if not is_digits(text) or len(text) not in _GTIN_LENGTHS:
        raise Gs1Error(f"a GTIN has 8, 12, 13 or 14 digits, not {text!r}")
    require_check_digit(text, f"GTIN-{len(text)}")
    return text.zfill(14)


def is_sscc(text: str) -> bool:
    """Whether ``text`` is an SSCC (18 digits) with the right check digit."""
    return len(text) == 18 and has_check_digit(text)


def refuse_mistyped_key(text: str) -> None:
    """Raise ``Gs1Error`` for digits as long as a GTIN or SSCC, but with a wrong check digit.

    Such digits may also read as an element string (a GTIN that begins with 10 as a lot), but a
    mistyped or misread key is far likelier; only a date of eight digits (``17280229``) is not.
    """
    if not is_digits(text):
        return
    if len(text) in _GTIN_LENGTHS and not (len(text) == 8 and text[:2] in _DATES):
        to_gtin14(text)
    elif len(text) == 18:
        to_sscc(text)


def to_sscc(text: str) -> str:
    """An SSCC, checked; raises ``Gs1Error``."""
    if not is_digits(text) or len(text) != 18:
        raise Gs1Error(f"an SSCC has 18 digits, not {text!r}")
    require_check_digit(text, "SSCC")
    return text
