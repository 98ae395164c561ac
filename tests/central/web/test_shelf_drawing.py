"""A layout and what lies on its plates as one drawing: to scale, with nothing left out."""

from __future__ import annotations

import msgspec

from central.catalogue.geometry import Board, Laid, Layout, mistakes
from central.web.views.devices import PlateRow
from central.web.views.shelf_drawing import GAP, draw
from tallyport.demo.books import layout as demo_layout


def row(plate: int, percent: int = 50) -> PlateRow:
    return PlateRow(
        read_point="shelf", plate=plate, sku="NUT", name="Nut", unit_mg=2_000, gross_mg=20_000,
        units=10, percent=percent, state="settled", event_us=1, countable=3,
    )  # fmt: skip


WIDE, NARROW = Board(board=1, width_mm=2_000, depth_mm=500), Board(
    board=2, width_mm=1_000, depth_mm=400)  # fmt: skip
LAID = (
    Laid(plate=1, board=1, x_mm=1_000, y_mm=0, width_mm=400, depth_mm=300),
    Laid(plate=2, board=1, x_mm=0, y_mm=100, width_mm=400, depth_mm=400),
    Laid(plate=3, board=2, x_mm=0, y_mm=0, width_mm=400, depth_mm=400),
)


def test_every_board_has_one_scale_and_the_highest_comes_first() -> None:
    upper, lower = draw(Layout(boards=(WIDE, NARROW), plates=LAID), [row(1), row(2), row(3)]).boards
    assert (upper.board.board, upper.width, upper.depth) == (2, 500, 200)
    assert (lower.board.board, lower.width, lower.depth) == (1, 1_000, 250)
    left, right = lower.plates
    assert (left.plate, left.x, left.y, left.width, left.depth) == (2, GAP, GAP, 194, 194)
    assert (right.plate, right.x, right.y, right.depth) == (1, 503, 103, 144)
    assert right.level == 72, "half of its depth"


def test_what_has_no_place_and_what_has_no_item_is_shown_all_the_same() -> None:
    drawing = draw(Layout(boards=(WIDE,), plates=LAID[:2]), [row(1), row(7)])
    bare, held = drawing.boards[0].plates
    assert (bare.row, bare.level, held.row) == (None, 0, row(1))
    assert [one.plate for one in drawing.loose] == [7]
    nothing = draw(Layout(), [row(1)])
    assert (nothing.boards, [one.plate for one in nothing.loose]) == ((), [1])


def test_the_demos_shelf_can_stand_as_it_is_said() -> None:
    said = msgspec.convert(demo_layout(), Layout)
    assert len(said.plates) == 6
    assert mistakes(said, range(1, 7)) == []
