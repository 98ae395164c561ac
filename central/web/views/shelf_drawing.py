"""A shelf as it stands, ready to be drawn: every board to one scale, the highest first. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from central.catalogue.geometry import Board, Laid, Layout
from central.web.views.devices import PlateRow

__all__ = ["GAP", "WIDTH", "Drawing", "DrawnBoard", "DrawnPlate", "draw"]

WIDTH = 1_000
"""Units of the drawing that the widest board has."""
GAP = 3
"""Units by which a plate is drawn smaller on each side, so that two that touch are two."""


class DrawnPlate(msgspec.Struct, frozen=True, kw_only=True):
    """A plate in units of the drawing, from its board's left end and back; ``row`` is what lies
    on it, none where no plan says so. ``level`` units of its depth are full.
    """

    plate: int
    x: float
    y: float
    width: float
    depth: float
    level: float
    row: PlateRow | None
    laid: Laid


class DrawnBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A board with its plates from left to right."""

    board: Board
    width: float
    depth: float
    plates: tuple[DrawnPlate, ...]


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A shelf: its boards from above, and the plates that nobody has put on one. Without boards
    nobody has said how it stands.
    """

    boards: tuple[DrawnBoard, ...] = ()
    loose: tuple[PlateRow, ...] = ()


def draw(layout: Layout, rows: Iterable[PlateRow]) -> Drawing:
    """A layout with what lies on its plates."""
    held = {row.plate: row for row in rows}
    scale = WIDTH / max((one.width_mm for one in layout.boards), default=WIDTH)
    boards = tuple(
        _board(board, layout.plates, held, scale)
        for board in sorted(layout.boards, key=lambda one: -one.board)
    )
    laid = {one.plate for one in layout.plates}
    loose = tuple(row for plate, row in sorted(held.items()) if plate not in laid)
    return Drawing(boards=boards, loose=loose)


def _board(
    board: Board, plates: Iterable[Laid], held: dict[int, PlateRow], scale: float
) -> DrawnBoard:
    on_it = sorted((one for one in plates if one.board == board.board), key=lambda p: p.x_mm)
    return DrawnBoard(
        board=board,
        width=round(board.width_mm * scale, 1),
        depth=round(board.depth_mm * scale, 1),
        plates=tuple(_plate(one, board, held.get(one.plate), scale) for one in on_it),
    )


def _plate(laid: Laid, board: Board, row: PlateRow | None, scale: float) -> DrawnPlate:
    depth = laid.depth_mm * scale - 2 * GAP
    return DrawnPlate(
        plate=laid.plate,
        x=round(laid.x_mm * scale + GAP, 1),
        y=round((board.depth_mm - laid.y_mm - laid.depth_mm) * scale + GAP, 1),
        width=round(max(1, laid.width_mm * scale - 2 * GAP), 1),
        depth=round(max(1, depth), 1),
        level=round(max(0, depth) * row.percent / 100, 1) if row is not None else 0.0,
        row=row,
        laid=laid,
    )
