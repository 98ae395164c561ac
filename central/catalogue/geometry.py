"""Where plates lie on the boards of a shelf, and what of such a layout cannot be. Pure.

Lengths are whole millimetres. ``x_mm`` runs from a board's left end to the right as one stands
before the shelf, ``y_mm`` from its front edge to the back. Boards are counted from below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import combinations, islice

import msgspec

__all__ = ["MOST_BOARDS", "MOST_MM", "MOST_PLATES", "Board", "Laid", "Layout", "Mistake",
           "mistakes"]  # fmt: skip

MOST_MM = 20_000
LEAST_BOARD_MM, LEAST_PLATE_MM = 50, 10
MOST_BOARDS, MOST_PLATES = 50, 400
MOST_TOLD = 200
"""Pairs of plates that lie on each other: four hundred on one spot are eighty thousand."""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A board of a shelf; number 1 is the lowest."""

    board: int
    width_mm: int
    depth_mm: int


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A plate on a board: its left front corner and its size."""

    plate: int
    board: int
    x_mm: int
    y_mm: int
    width_mm: int
    depth_mm: int


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A shelf as it stands there; without boards nobody has said yet how."""

    boards: tuple[Board, ...] = ()
    plates: tuple[Laid, ...] = ()


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """What cannot be, and what to do about it. ``plates`` and ``boards`` are whom it is about."""

    where: str
    what: str
    plates: tuple[int, ...] = ()
    boards: tuple[int, ...] = ()


def mistakes(layout: Layout, known: Collection[int]) -> list[Mistake]:
    """Every one, boards first. ``known`` are the numbers of plates that the shelf has."""
    found = list(_boards(layout.boards))
    boards = {one.board: one for one in layout.boards}
    often = Counter(one.plate for one in layout.plates)
    found += [
        _of(plate, f"it lies in {count} places: leave one of them")
        for plate, count in sorted(often.items())
        if count > 1
    ]
    for one in layout.plates:
        found += [_of(one.plate, what) for what in _plate(one, boards, known)]
    return [*found, *islice(_overlaps(layout.plates), MOST_TOLD)]


def _boards(boards: Iterable[Board]) -> Iterator[Mistake]:
    seen = set[int]()
    for one in boards:
        told = [] if 1 <= one.board <= MOST_BOARDS else [
            f"boards are numbered from 1, the lowest, to {MOST_BOARDS}"
        ]  # fmt: skip
        if one.board in seen:
            told.append("there is another board of this number: give it another")
        seen.add(one.board)
        told += [
            f"its {name} is {LEAST_BOARD_MM} to {MOST_MM} mm, not {mm}"
            for name, mm in (("width_mm", one.width_mm), ("depth_mm", one.depth_mm))
            if not LEAST_BOARD_MM <= mm <= MOST_MM
        ]
        for what in told:
            yield Mistake(where=f"board {one.board}", what=what, boards=(one.board,))


def _plate(one: Laid, boards: dict[int, Board], known: Collection[int]) -> Iterator[str]:
    if one.plate not in known:
        yield ("the books know no such plate of this shelf: say which item lies on it, start its "
               "scale, or take it out")  # fmt: skip
    for name, mm in (("width_mm", one.width_mm), ("depth_mm", one.depth_mm)):
        if not LEAST_PLATE_MM <= mm <= MOST_MM:
            yield f"its {name} is {LEAST_PLATE_MM} to {MOST_MM} mm, not {mm}"
    for name, mm in (("x_mm", one.x_mm), ("y_mm", one.y_mm)):
        if mm < 0:
            yield f"its {name} is not less than 0, not {mm}: the board begins there"
    board = boards.get(one.board)
    if board is None:
        yield f"there is no board {one.board}: add it, or choose another"
        return
    for side, over, way in (
        ("right end", one.x_mm + one.width_mm - board.width_mm, "left"),
        ("back", one.y_mm + one.depth_mm - board.depth_mm, "forward"),
    ):
        if over > 0:
            yield (f"it sticks out {over} mm over the {side} of board {one.board}: move it "
                   f"{way}, or make it smaller")  # fmt: skip


def _overlaps(plates: Iterable[Laid]) -> Iterator[Mistake]:
    for one, other in combinations(sorted(plates, key=lambda p: (p.board, p.plate)), 2):
        wide, deep = shared(one, other)
        if one.plate == other.plate or wide <= 0 or deep <= 0:
            continue
        what = (f"they lie on each other, {wide} x {deep} mm on board {one.board}: move one, or "
                "make it smaller")  # fmt: skip
        both = (one.plate, other.plate)
        yield Mistake(where=f"plates {one.plate} and {other.plate}", what=what, plates=both)


def shared(one: Laid, other: Laid) -> tuple[int, int]:
    """How far two plates reach over each other, in width and depth; not above 0: they do not."""
    if one.board != other.board:
        return 0, 0
    return (
        min(one.x_mm + one.width_mm, other.x_mm + other.width_mm) - max(one.x_mm, other.x_mm),
        min(one.y_mm + one.depth_mm, other.y_mm + other.depth_mm) - max(one.y_mm, other.y_mm),
    )


def _of(plate: int, what: str) -> Mistake:
    return Mistake(where=f"plate {plate}", what=what, plates=(plate,))
