"""From which places orders are served: never more than is there, and in the right order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from central.reservations.allocation import Cell, Supply

DAY_US = 86_400 * 1_000_000
_days = st.none() | st.integers(0, 3).map(lambda day: day * DAY_US + day)
_cells = st.lists(
    st.builds(
        Cell,
        lot=st.sampled_from(["", "A", "B"]),
        location=st.sampled_from(["bin-1", "bin-2", "bin-3", "bin-4"]),
        on_hand=st.integers(0, 9),
        reserved=st.integers(0, 9),
        expires_on=st.sampled_from(["", "2026-02-01", "2026-11-30"]),
        since_us=_days,
    ),
    max_size=10,
    unique_by=lambda one: (one.lot, one.location),
)
_wishes = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from(["", "A"]),
        st.none() | st.just(frozenset({"bin-1", "bin-2"})),
    ),
    max_size=6,
)


@given(_cells, _wishes)
def test_nothing_is_given_twice(
    cells: list[Cell], wishes: list[tuple[int, str, frozenset[str] | None]]
) -> None:
    supply = Supply(cells)
    left = {(one.lot, one.location): max(0, one.on_hand - one.reserved) for one in cells}
    available = sum(one.on_hand - one.reserved for one in cells)
    for wanted, lot, places in wishes:
        free = supply.free(lot=lot, places=places)
        parts = supply.give(wanted, lot=lot, places=places)
        units = sum(part.units for part in parts)
        assert units == min(wanted, free)
        for part in parts:
            left[part.lot, part.location] -= part.units
            assert part.units > 0
            assert left[part.lot, part.location] >= 0
            assert part.lot == (lot or part.lot)
            assert places is None or part.location in places
        available -= units
        assert supply.available == available
        assert not units or available >= 0


@given(_cells, st.integers(1, 30))
def test_what_expires_or_came_first_goes_first(cells: list[Cell], wanted: int) -> None:
    whole = [one._replace(reserved=0) for one in cells]
    parts = Supply(whole).give(wanted)
    given_of = {(part.lot, part.location): part.units for part in parts}
    for one in whole:
        taken = given_of.get((one.lot, one.location), 0)
        for later in whole:
            if later.rank > one.rank and taken < one.on_hand:
                assert (later.lot, later.location) not in given_of


@given(_cells, st.integers(1, 9))
def test_one_place_that_has_it_all_comes_before_several(cells: list[Cell], wanted: int) -> None:
    same = [one._replace(reserved=0, expires_on="", since_us=7) for one in cells]
    parts = Supply(same).give(wanted)
    enough = [one.on_hand for one in same if one.on_hand >= wanted]
    if enough:
        (part,) = parts
        (there,) = [one for one in same if (one.lot, one.location) == part[:2]]
        assert there.on_hand == min(enough)


def test_what_is_gone_from_under_a_promise_is_kept_back_elsewhere() -> None:
    supply = Supply([Cell("", "bin-1", on_hand=2, reserved=5), Cell("", "bin-2", on_hand=4)])
    assert supply.free() == 1
    assert [part.units for part in supply.give(4)] == [1]
