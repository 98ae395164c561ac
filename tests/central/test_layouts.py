"""What of a shelf's layout cannot be, each told with what to do."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.catalogue.geometry import MOST_TOLD, Board, Laid, Layout, mistakes, shared

BOARD = Board(board=1, width_mm=900, depth_mm=400)
ONE = Laid(plate=1, board=1, x_mm=0, y_mm=0, width_mm=300, depth_mm=400)
TWO = Laid(plate=2, board=1, x_mm=300, y_mm=0, width_mm=300, depth_mm=400)
KNOWN = {1, 2, 3}


def other(laid: Laid, **now: int) -> Laid:
    changed: Laid = msgspec.structs.replace(laid, **now)
    return changed


def told(*plates: Laid, boards: tuple[Board, ...] = (BOARD,)) -> list[str]:
    found = mistakes(Layout(boards=boards, plates=plates), KNOWN)
    return [f"{one.where}: {one.what}" for one in found]


def test_plates_side_by_side_are_well() -> None:
    assert told(ONE, TWO) == []
    assert told(boards=()) == []


@pytest.mark.parametrize(
    ("plates", "says"),
    [
        ((ONE, other(TWO, x_mm=280)), "plates 1 and 2: they lie on each other, 20 x 400 mm"),
        ((other(ONE, width_mm=-1),), "plate 1: its width_mm is 10 to 20000 mm, not -1"),
        ((other(ONE, x_mm=-5),), "plate 1: its x_mm is not less than 0, not -5"),
        ((other(ONE, x_mm=650),), "plate 1: it sticks out 50 mm over the right end of board 1"),
        ((other(ONE, y_mm=1),), "plate 1: it sticks out 1 mm over the back of board 1"),
        ((other(ONE, board=2),), "plate 1: there is no board 2: add it, or choose another"),
        ((other(ONE, plate=9),), "plate 9: the books know no such plate of this shelf"),
        ((ONE, other(TWO, plate=1)), "plate 1: it lies in 2 places: leave one of them"),
    ],
)
def test_a_plate_that_cannot_be(plates: tuple[Laid, ...], says: str) -> None:
    (said,) = told(*plates)
    assert said.startswith(says)


def test_boards_that_cannot_be() -> None:
    boards = (BOARD, Board(board=1, width_mm=40, depth_mm=400), Board(board=0, width_mm=60,
                                                                    depth_mm=90_000))  # fmt: skip
    assert told(boards=boards) == [
        "board 1: there is another board of this number: give it another",
        "board 1: its width_mm is 50 to 20000 mm, not 40",
        "board 0: boards are numbered from 1, the lowest, to 50",
        "board 0: its depth_mm is 50 to 20000 mm, not 90000",
    ]


def test_every_mistake_is_told_at_once() -> None:
    found = told(other(ONE, x_mm=-1), other(TWO, x_mm=200), other(ONE, plate=8, board=7))
    assert [one.split(":")[0] for one in found] == ["plate 1", "plate 8", "plate 8",
                                                    "plates 1 and 2"]  # fmt: skip


def test_four_hundred_on_one_spot_are_not_told_one_by_one() -> None:
    many = [other(ONE, plate=number) for number in range(1, 401)]
    assert len(mistakes(Layout(boards=(BOARD,), plates=tuple(many)), set(range(401)))) == MOST_TOLD


LENGTH = st.integers(min_value=1, max_value=60)
SPOT = st.builds(
    Laid, plate=st.integers(1, 3), board=st.integers(1, 2), x_mm=LENGTH, y_mm=LENGTH,
    width_mm=LENGTH, depth_mm=LENGTH,
)  # fmt: skip


@given(SPOT, SPOT)
def test_what_two_plates_share_is_what_they_both_cover(one: Laid, two: Laid) -> None:
    def covered(laid: Laid) -> set[tuple[int, int, int]]:
        return {
            (laid.board, x, y)
            for x in range(laid.x_mm, laid.x_mm + laid.width_mm)
            for y in range(laid.y_mm, laid.y_mm + laid.depth_mm)
        }

    wide, deep = shared(one, two)
    assert max(0, wide) * max(0, deep) == len(covered(one) & covered(two))
