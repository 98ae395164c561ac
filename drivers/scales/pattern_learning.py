"""A pattern for a scale's lines, learned from three of them or more. Pure.

Lines are cut into figures, words and signs. What all lines share stays as it is, blanks may
always differ, what differs is let vary within its kind, a mark that some lines lack may be
missing, and words known to mean "at rest", "in motion" or "net" become flags. The weight is the
figure beside a unit, or the one that shows the values given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from drivers.scales.pattern_figures import (
    ANY_FIGURE,
    CUT,
    CUT_BLANKS,
    grouping,
    grouping_by,
    pattern_of,
    shows,
)

FEWEST_SAMPLES = 3
_MOST_MISSING = 2
_OTHERS = r"|[A-Za-z]+|[^\sA-Za-z\d]"
_TOKENS, _TOKENS_BLANKS = re.compile(CUT + _OTHERS), re.compile(CUT_BLANKS + _OTHERS)
_SIGNS = frozenset({"+", "-"})
_UNITS = frozenset({"kg", "g", "lb", "oz", "t", "mg", "lbs", "kgs", "pcs", "pc", "ct"})
_STABLE = frozenset({"ST", "S", "STABLE"})
_MOVING = frozenset({"US", "U", "D", "SD", "MOTION", "UNSTABLE"})
_NET = frozenset({"NT", "N", "NET"})
_GROSS = frozenset({"GS", "G", "GR", "GROSS", "B"})
_PAIRS_NET = ({"N", "G"}, {"N", "B"})
_MARKS_MOVING = frozenset({"?", "~"})
_MARKS_UNCLEAR = frozenset({"(", ")"})
_MISSING = ""


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
    try:
        return _learned(lines, values, _TOKENS)
    except CannotLearn:
        # Two figures with a blank between them may be one with its thousands apart.
        if all(_TOKENS.findall(line) == _TOKENS_BLANKS.findall(line) for line in lines):
            raise
        return _learned(lines, values, _TOKENS_BLANKS)


def _learned(lines: Sequence[str], values: Sequence[str], tokens: re.Pattern[str]) -> str:
    rows = [tokens.findall(line) for line in lines]
    places = [_weight_place(row, values[at] if values else None) for at, row in enumerate(rows)]
    figures = [row[place] for row, place in zip(rows, places, strict=True)]
    grouped = grouping_by(figures, values) if values else grouping(figures)
    # The weight's own sign may be there or not: it is no part of what must be alike.
    before = [row[:place] for row, place in zip(rows, places, strict=True)]
    after = [row[place + 1 :] for row, place in zip(rows, places, strict=True)]
    sign, figure = "(?P<sign>[-+]?)", pattern_of(figures, grouped)
    weight = f"{sign} *{figure}"
    if any(row and row[0] in _SIGNS for row in after):
        after = [row[1:] if row and row[0] in _SIGNS else row for row in after]
        weight = f"{figure} *{sign}"
    before = [row[:-1] if row and row[-1] in _SIGNS else row for row in before]
    pattern = _joined(before, weight, after)
    for line in lines:
        if not re.fullmatch(pattern, line):
            raise CannotLearn(f'What the lines share does not fit "{line}": write the pattern.')
    return pattern


def _joined(before: list[list[str]], weight: str, after: list[list[str]]) -> str:
    tails, heads = _aligned(after), _aligned(before)
    unit_after = _unit_place(tails)
    unit_before = None if unit_after is not None else _unit_place([row[::-1] for row in heads])
    first = len(heads[0])
    head, used = _parts(
        heads, frozenset(), None if unit_before is None else first - 1 - unit_before
    )
    tail, _ = _parts(tails, used, unit_after)
    tokens = [*_longest(heads), "0", *_longest(tails)]
    pattern = " *"
    for place, part in enumerate([*head, weight, *tail]):
        # Two figures, or two words, are two only because of the blank between them.
        apart = place > 0 and _kind(tokens[place]) == _kind(tokens[place - 1]) != "sign"
        pattern += (" +" if apart and not part.endswith("?") else " *" if place else "") + part
    return pattern + " *"


def _kind(token: str) -> str:
    return "figure" if token[-1].isdigit() else "word" if token.isalpha() else "sign"


# ---- which figure is the weight --------------------------------------------------------------
def _weight_place(row: list[str], value: str | None) -> int:
    figures = [at for at, token in enumerate(row) if token[-1].isdigit()]
    if value is not None:
        figures = [at for at in figures if _shows(row[at], value)]
    for beside in (_is_before_unit, _is_after_unit):
        named = [at for at in figures if beside(row, at)]
        if named:
            break
    chosen = named or figures
    if len(chosen) == 1:
        return chosen[0]
    shown = " ".join(row)
    if not chosen:
        raise CannotLearn(f'There is no weight in "{shown}".')
    raise CannotLearn(
        f'Which figure of "{shown}" is the weight? Give with each line the value that it shows.'
    )


def _shows(token: str, value: str) -> bool:
    try:
        return shows(token, value)
    except ValueError as error:
        raise CannotLearn(str(error)) from error


def _is_before_unit(row: list[str], at: int) -> bool:
    """A unit follows, or its sign or a comma and then the unit."""
    rest = [token for token in row[at + 1 : at + 3] if token not in {"+", "-", ",", ";"}]
    return bool(rest) and rest[0].lower() in _UNITS


def _is_after_unit(row: list[str], at: int) -> bool:
    rest = [token for token in row[max(0, at - 2) : at] if token not in _SIGNS | {":", "="}]
    return bool(rest) and rest[-1].lower() in _UNITS


def _unit_place(rows: Sequence[list[str]]) -> int | None:
    """Where all rows have a unit, behind signs at most."""
    for place in range(min(2, len(rows[0]))):
        tokens = {row[place] for row in rows}
        if all(token.lower() in _UNITS for token in tokens):
            return place
        if any(token == _MISSING or _kind(token) != "sign" for token in tokens):
            return None
    return None


# ---- what the lines share --------------------------------------------------------------------
def _aligned(rows: Sequence[list[str]]) -> list[list[str]]:
    """The rows at the length of the longest, with ``""`` where one lacks a mark or a word."""
    most = max(rows, key=len)
    lacking = [row for row in rows if len(row) < len(most)]
    if not lacking:
        return list(rows)
    missing = len(most) - len(lacking[0])
    for gaps in combinations(range(len(most)), min(missing, _MOST_MISSING)):
        kept = [place for place in range(len(most)) if place not in gaps]
        if any(most[place][-1].isdigit() for place in gaps):
            continue
        if all(_fits(row, most, kept) for row in lacking):
            return [row if len(row) == len(most) else _spread(row, kept, len(most)) for row in rows]
    raise CannotLearn(
        "The lines differ in more than their figures: give lines of one kind, none of them "
        "with an error or an overload."
    )


def _fits(row: list[str], most: list[str], kept: list[int]) -> bool:
    return len(row) == len(kept) and all(
        _kind(token) == _kind(most[place]) and (_kind(token) != "sign" or token == most[place])
        for token, place in zip(row, kept, strict=True)
    )


def _spread(row: list[str], kept: list[int], length: int) -> list[str]:
    spread = [_MISSING] * length
    for token, place in zip(row, kept, strict=True):
        spread[place] = token
    return spread


def _longest(rows: Sequence[list[str]]) -> list[str]:
    return next((row for row in rows if _MISSING not in row), rows[0])


def _parts(
    rows: Sequence[list[str]], used: frozenset[str], unit_place: int | None
) -> tuple[list[str], frozenset[str]]:
    """One part of a pattern for each place of the rows, and which groups have been used."""
    parts = []
    for place in range(len(rows[0])):
        tokens = {row[place] for row in rows}
        if place == unit_place:
            part, name = "(?P<unit>[A-Za-z]+)", "unit"
        else:
            part, name = _part(tokens - {_MISSING}, used)
        if _MISSING in tokens:
            part, name = _may_be_missing(part, name, tokens, used)
        used |= {name}
        parts.append(part)
    return parts, used


def _may_be_missing(
    part: str, name: str, tokens: set[str], used: frozenset[str]
) -> tuple[str, str]:
    marks = sorted(tokens - {_MISSING})
    if _MARKS_UNCLEAR.intersection(marks):
        raise CannotLearn("Some lines have brackets: is that below zero? Write the pattern.")
    if _MARKS_MOVING.issuperset(marks) and not used & {"moving", "stable"}:
        return f"(?P<moving>{'|'.join(map(re.escape, marks))})?", "moving"
    return f"(?:{part})?", name


def _part(tokens: set[str], used: frozenset[str]) -> tuple[str, str]:
    upper = {token.upper() for token in tokens}
    if "stable" not in used and upper <= _STABLE | _MOVING and upper & (_STABLE - {"S"} | _MOVING):
        return _flag("stable", _STABLE, _MOVING, tokens), "stable"
    named_net = upper & {"NT", "GS", "NET", "GROSS"} or upper in _PAIRS_NET
    if "net" not in used and upper <= _NET | _GROSS and named_net:
        return _flag("net", _NET, _GROSS, tokens), "net"
    if {_kind(token) for token in tokens} == {"figure"}:
        return ANY_FIGURE, ""
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
