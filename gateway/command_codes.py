"""Our own barcodes for the floor: what to do next, and where. Pure text to meaning and back.

The format is our own, made so that Code 128, QR and a keyboard all carry it::

    TP-C-<command>-<check>   receive, move-to, pick, count, undo: TP-C-PICK-F
    TP-L-<place>-<check>     1 to 40 letters, digits, hyphens, dots, underscores: TP-L-shelf-7-Z

The check character stands for everything before it. It is a pure system in the form of
ISO/IEC 7064, with modulus 41 and radix 6, since the standard's own alphabets have no room for
the hyphen, dot and underscore that places have. 41 is prime and 6 is a primitive root of it: a
wrong character, or any two that changed places within 40, is always noticed. Values 36 to 40
are written ``* + $ % /``. Case never matters, as a keyboard's caps lock may have turned it.

No GS1 key, element string or EPC begins so; any other text that begins with ``TP-`` is not ours.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

_MODULUS = 41
_RADIX = 6
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET + "-._")}
_CHECKS = _ALPHABET + "*+$%/"
_PLACE = re.compile(r"[0-9A-Za-z._-]{1,40}")
_OURS = re.compile(
    r"(?P<body>TP-(?P<kind>[CL])-(?P<what>[0-9A-Z._-]{1,40}))-(?P<check>[^-])",
    re.IGNORECASE | re.ASCII,
)


class Verb(StrEnum):
    """What a command tells: the scans that follow are received, moved, picked or counted."""

    RECEIVE = "receive"
    MOVE_TO = "move-to"
    PICK = "pick"
    COUNT = "count"
    UNDO = "undo"


class CommandCode(msgspec.Struct, frozen=True, gc=False):
    """A command label."""

    verb: Verb


class PlaceCode(msgspec.Struct, frozen=True, gc=False):
    """A label on a place; compare places without regard to case."""

    place: str


class CodeError(ValueError):
    """A code that looks like one of ours and is not: the message says why, for people."""


def check_character(body: str) -> str:
    """The check character that follows ``body``; raises ``CodeError`` for a foreign character."""
    remainder = 0
    for character in body.upper():
        value = _VALUES.get(character)
        if value is None:
            raise CodeError(f"{character!r} cannot stand in a code of ours")
        remainder = (remainder + value) * _RADIX % _MODULUS
    return _CHECKS[(1 - remainder) % _MODULUS]


def command_code(verb: Verb) -> str:
    """The text of a command's barcode."""
    body = f"TP-C-{verb.value.upper()}"
    return f"{body}-{check_character(body)}"


def place_code(place: str) -> str:
    """The text of a place's barcode; raises ``CodeError`` where the place has no such name."""
    if not _PLACE.fullmatch(place):
        raise CodeError(
            f"a place's label carries 1 to 40 letters, digits, hyphens, dots and underscores, "
            f"unlike {place!r}"
        )
    body = f"TP-L-{place}"
    return f"{body}-{check_character(body)}"


def parse_code(text: str) -> CommandCode | PlaceCode | None:
    """What a scanned text tells us to do, or ``None`` when it is no code of ours.

    Raises ``CodeError`` where it looks like one and its check character or command is wrong.
    """
    text = text.strip(" \t\r\n")
    if text[:5].upper() not in ("TP-C-", "TP-L-"):
        return None
    found = _OURS.fullmatch(text)
    if found is None:
        raise CodeError(f"{text[:80]!r} begins like a label of ours, but is none: is it torn?")
    expected = check_character(found["body"])
    if found["check"].upper() != expected:
        raise CodeError(
            f"the check character of {text!r} is {found['check']}, but should be {expected}: "
            "scan it again, or print it anew"
        )
    if found["kind"].upper() == "L":
        return PlaceCode(found["what"])
    try:
        return CommandCode(Verb(found["what"].lower()))
    except ValueError as error:
        known = ", ".join(Verb)
        raise CodeError(f"{found['what']!r} is none of the commands {known}") from error
