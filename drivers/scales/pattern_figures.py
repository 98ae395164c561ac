"""Figures as scales write them in lines: with a decimal point or comma, and perhaps thousands
set apart. Pure; for learning a pattern (``drivers.scales.pattern_learning``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

ANY_FIGURE = r"[.,]?\d+(?:[.,']\d+)*"
"""A figure that is not the weight: a number, a count, a date."""
CUT = r"\d{1,3}(?:'\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)*|(?<![\dA-Za-z])[.,]\d+"
CUT_BLANKS = r"\d{1,3}(?: \d{3})+(?:[.,]\d+)?|" + CUT
"""The same, where blanks may set thousands apart: ``1 250``."""
_SURE = {"'", " "}
_APART = re.compile(r"\d{1,3}(?:([.,' ])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d+)?")


def pattern_of(figures: Sequence[str], grouped: str) -> str:
    """The weight's own part of a pattern; ``grouped`` sets its thousands apart, if it is not ""."""
    if not grouped:
        pointed = r"|[.,]\d+" if any(not figure[0].isdigit() for figure in figures) else ""
        return rf"(?P<value>\d+(?:[.,]\d+)?{pointed})"
    mark = re.escape(grouped)
    return rf"(?P<value>\d{{1,3}}(?:(?P<thousands>{mark})\d{{3}}(?:{mark}\d{{3}})*)?(?:[.,]\d+)?)"


def grouping(figures: Sequence[str]) -> str:
    """What sets thousands apart in these figures of one scale; "" where nothing does.

    ``1,250`` alone may be either. It is a thousand where another figure of the same scale has no
    decimals at all, since a scale does not change how many it shows.
    """
    for figure in figures:
        found = _APART.fullmatch(figure)
        mark = found[1] if found else ""
        if mark and (mark in _SURE or figure.count(mark) > 1 or len(set(figure) & {".", ","}) > 1):
            return mark
    marked = {mark for figure in figures for mark in ".," if mark in figure}
    whole = [figure for figure in figures if figure.isdigit()]
    if len(marked) == 1 and whole and all(int(figure) < 1000 for figure in whole):
        (mark,) = marked
        if all(_APART.fullmatch(figure) for figure in figures if mark in figure):
            return mark
    return ""


def decimal(figure: str, grouped: str) -> Decimal | None:
    """The figure's value where ``grouped`` sets thousands apart; ``None`` if it is no figure."""
    text = figure.replace(grouped, "") if grouped else figure
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None


def shows(figure: str, value: str) -> bool:
    """Whether a figure may show ``value``, with its sign elsewhere. Raises ``ValueError``."""
    wanted = decimal(value.strip().lstrip("+-").strip(), "")
    if wanted is None:
        raise ValueError(f'"{value}" is no figure.')
    return any(decimal(figure, grouped) == wanted for grouped in ("", ",", ".", "'", " "))


def grouping_by(figures: Sequence[str], values: Sequence[str]) -> str:
    """The same as ``grouping``, where it is known what the figures show."""
    wanted = [decimal(value.strip().lstrip("+-").strip(), "") for value in values]
    for grouped in ("", ",", ".", "'", " "):
        if [decimal(figure, grouped) for figure in figures] == wanted:
            return grouped
    return grouping(figures)
