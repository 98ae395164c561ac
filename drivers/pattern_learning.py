"""A pattern for a scale's lines, learned from three of them or more. Pure.

Lines are cut into figures, words and signs. What all lines share stays as it is, blanks may
always differ, what differs is let vary within its kind, and words known to mean "at rest" or "in
motion" become flags. The weight is the figure that stands before a unit, or the one that shows
the values given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

FEWEST_SAMPLES = 3
_TOKENS = re.compile(r"\d+(?:[.,]\d+)?|[A-Za-z]+|[^\sA-Za-z\d]")
_FIGURE = r"\d+(?:[.,]\d+)?"
_WEIGHT = rf"(?P<sign>[-+]?) *(?P<value>{_FIGURE})"
_UNITS = frozenset({"kg", "g", "lb", "oz", "t", "mg", "lbs", "kgs"})
_STABLE = frozenset({"ST", "S", "STABLE"})
_MOVING = frozenset({"US", "U", "D", "SD", "MOTION", "UNSTABLE"})
_NET = frozenset({"NT", "N", "NET"})
_GROSS = frozenset({"GS", "G", "GR", "GROSS", "B"})


class CannotLearn(ValueError):
    """The lines give no pattern; the message says why."""


def learn(lines: Sequence[str], values: Sequence[str] = ()) -> str:
    """A pattern that fits every line; ``values`` are what the scale showed for each.

    Raises ``CannotLearn``.
    """
    if len(lines) < FEWEST_SAMPLES:
        raise CannotLearn(f"Give {FEWEST_SAMPLES} lines or more, with different weights.")
    if values and len(values) != len(lines):
        raise CannotLearn(f"There are {len(lines)} lines and {len(values)} values.")
    rows = [_TOKENS.findall(line) for line in lines]
    places = [_weight_place(row, values[at] if values else None) for at, row in enumerate(rows)]
    # The weight's own sign may be there or not: it is no part of what must be alike.
    before = [_unsigned(row[:place]) for row, place in zip(rows, places, strict=True)]
    after = [row[place + 1 :] for row, place in zip(rows, places, strict=True)]
    head, used = _alike(before, frozenset())
    tail, _ = _alike(after, used, unit=True)
    tokens = [*before[0], "0", *after[0]]
    pattern = " *"
    for place, part in enumerate([*head, _WEIGHT, *tail]):
        # Two figures, or two words, are two only because of the blank between them.
        apart = place > 0 and _kind(tokens[place]) == _kind(tokens[place - 1]) != "sign"
        pattern += (" +" if apart else " *" if place else "") + part
    return pattern + " *"


def _kind(token: str) -> str:
    return "figure" if token[0].isdigit() else "word" if token.isalpha() else "sign"


def _weight_place(row: list[str], value: str | None) -> int:
    figures = [at for at, token in enumerate(row) if token[0].isdigit()]
    if value is not None:
        figures = [at for at in figures if _same(row[at], value)]
    named = [at for at in figures if at + 1 < len(row) and row[at + 1].lower() in _UNITS]
    chosen = named or figures
    if len(chosen) == 1:
        return chosen[0]
    shown = "".join(row)
    if not chosen:
        raise CannotLearn(f'There is no weight in "{shown}".')
    raise CannotLearn(
        f'Which figure of "{shown}" is the weight? Give with each line the value that it shows.'
    )


def _same(token: str, value: str) -> bool:
    try:
        return Decimal(token.replace(",", ".")) == abs(Decimal(value.replace(",", ".")))
    except InvalidOperation as error:
        raise CannotLearn(f'"{value}" is no figure.') from error


def _unsigned(row: list[str]) -> list[str]:
    return row[:-1] if row and row[-1] in {"+", "-"} else row


def _alike(
    rows: Sequence[list[str]], used: frozenset[str], *, unit: bool = False
) -> tuple[list[str], frozenset[str]]:
    """One part of a pattern for each place of the rows, and which groups have been used."""
    if len({len(row) for row in rows}) != 1:
        raise CannotLearn(
            "The lines differ in more than their figures: give lines of one kind, none of them "
            "with an error or an overload."
        )
    parts = []
    for place in range(len(rows[0])):
        tokens = {row[place] for row in rows}
        part, name = _part(tokens, used, unit=unit and place == 0)
        used |= {name}
        parts.append(part)
    return parts, used


def _part(tokens: set[str], used: frozenset[str], *, unit: bool) -> tuple[str, str]:
    if unit and all(token.lower() in _UNITS for token in tokens):
        return "(?P<unit>[A-Za-z]+)", "unit"
    upper = {token.upper() for token in tokens}
    if "stable" not in used and upper <= _STABLE | _MOVING and upper & (_STABLE - {"S"} | _MOVING):
        return _flag("stable", _STABLE, _MOVING, tokens), "stable"
    if "net" not in used and upper <= _NET | _GROSS and upper & {"NT", "GS", "NET", "GROSS"}:
        return _flag("net", _NET, _GROSS, tokens), "net"
    if {_kind(token) for token in tokens} == {"figure"}:
        return _FIGURE, ""
    if len(tokens) == 1:
        return re.escape(tokens.pop()), ""
    return ("[A-Za-z]+" if all(token.isalpha() for token in tokens) else r"\S+"), ""


def _flag(name: str, yes: frozenset[str], no: frozenset[str], seen: set[str]) -> str:
    """The words seen, and of each kind the usual one that was not."""
    usual = {"stable": ("ST", "US"), "net": ("NT", "GS")}[name]
    words = seen | {word for word in usual if any(len(word) == len(one) for one in seen)}
    true = "|".join(sorted(word for word in words if word.upper() in yes))
    false = "|".join(sorted(word for word in words if word.upper() in no))
    return f"(?:(?P<{name}>{true or '(?!)'})|(?:{false or '(?!)'}))"
