"""Which tags went with moves that name none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from central.tags.along import Move, Tag, along

TAGS = [Tag(f"tag-{n}", 10 + n, 6) for n in range(4)]


def went(tags: list[Tag], moves: list[Move]) -> dict[str, list[str]]:
    return {name: [one.epc for one in ones] for name, ones in along(tags, moves).items()}


def test_all_go_with_the_one_move_that_took_everything() -> None:
    assert went(TAGS, [Move("away", 20, 24)]) == {"away": ["tag-0", "tag-1", "tag-2", "tag-3"]}


def test_who_came_first_went_first_and_no_more_than_were_moved() -> None:
    moves = [Move("second", 21, 13), Move("first", 20, 12)]
    assert went(TAGS, moves) == {"first": ["tag-0", "tag-1"], "second": ["tag-2", "tag-3"]}


def test_nobody_went_before_he_came() -> None:
    moves = [Move("before", 11, 24), Move("after", 20, 12)]
    assert went(TAGS, moves) == {"before": ["tag-0"], "after": ["tag-1", "tag-2"]}


def test_who_went_with_nothing_stays() -> None:
    assert went(TAGS, []) == went(TAGS, [Move("small", 20, 5)]) == {}


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 9)), max_size=12),
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 30)), max_size=6),
)
def test_each_tag_goes_once_and_no_move_has_more_than_its_units(
    told: list[tuple[int, int]], moved: list[tuple[int, int]]
) -> None:
    tags = [Tag(str(n), seq, units) for n, (seq, units) in enumerate(told)]
    moves = [Move(str(n), seq, units) for n, (seq, units) in enumerate(moved)]
    found = along(tags, moves)
    every = [one for ones in found.values() for one in ones]
    assert len(every) == len(set(every))
    for move in moves:
        ones = found.get(move.id, [])
        assert sum(one.units for one in ones) <= move.units
        assert all(one.seq < move.seq for one in ones)
