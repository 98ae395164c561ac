"""What the statuses of edge and central are made of: a title, figures, a table, words of trouble.

Everything fits the width it is given: figures wrap between themselves, columns give way in the
order they name, and rows beyond the height are told as a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.console import RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

__all__ = ["MARKS", "Column", "Trouble", "figures", "table", "title", "trouble"]

MARKS = {"good": ("●", "green"), "warn": ("▲", "yellow"), "bad": ("✕", "red")}
"""Sign and colour of a level: the sign says it where there is no colour."""
_GAP = 2


class Column(NamedTuple):
    """``leaves_below`` columns of the terminal it is left out; ``grows`` takes what is left."""

    name: str
    right: bool = False
    leaves_below: int = 0
    grows: bool = False


class Trouble(NamedTuple):
    """What is wrong, and what to do about it."""

    level: str
    what: str
    hint: str = ""


def title(name: str, more: str, width: int) -> RenderableType:
    """A line that parts the status from the log lines above it."""
    text = Text(name, style="bold").append(f"  {more}" if len(name) + len(more) < width else "")
    return Rule(text, align="left", style="dim")


def figures(parts: Sequence[tuple[str, str, str]], width: int) -> RenderableType:
    """Label, value and style of each, side by side, as many in a line as fit."""
    lines, line = [Text()], 0
    for label, value, style in parts:
        part = Text.assemble((f"{label} ", "dim"), (value, style))
        if line and line + _GAP + part.cell_len > width:
            lines.append(Text())
            line = 0
        if line:
            lines[-1].append(" " * _GAP)
            line += _GAP
        lines[-1].append_text(part)
        line += part.cell_len
    for one in lines:
        one.no_wrap, one.overflow = True, "ellipsis"
    return Text("\n").join(lines)


def trouble(one: Trouble, width: int) -> RenderableType:
    """One line of it, two where there is a hint and room."""
    mark, style = MARKS[one.level]
    line = Text(f"{mark} {one.what}", style=style, no_wrap=True, overflow="ellipsis")
    if one.hint and width >= 60:
        line.append(f" {one.hint}" if one.what[-1:] in ".?!" else f". {one.hint}", style="dim")
    return line


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Text | str]], width: int, most: int
) -> RenderableType:
    """``most`` rows at the most; what is left out is told."""
    shown = [number for number, one in enumerate(columns) if width >= one.leaves_below]
    made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), expand=True, header_style="dim")
    for number in shown:
        one = columns[number]
        made.add_column(
            one.name,
            justify="right" if one.right else "left",
            ratio=1 if one.grows else None,
            no_wrap=True,
            overflow="ellipsis",
        )
    fits = rows if len(rows) <= most else rows[: max(0, most - 1)]
    for row in fits:
        made.add_row(*(row[number] for number in shown))
    if len(fits) < len(rows):
        made.add_row(Text(f"and {len(rows) - len(fits)} more", style="dim"))
    return made
