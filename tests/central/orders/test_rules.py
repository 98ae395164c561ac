"""What orders may do when, the way that pickers walk, and the numbers of cartons."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.orders.model import OPEN, STATES, Line, OrderError, WrongState, after, shipped_state
from central.orders.packing import sscc
from central.orders.route import length, walked
from gateway.gs1.keys import is_sscc

EVENTS = (
    "allocate", "lose", "release", "pick", "pack", "ship", "ship part", "deliver part", "deliver",
    "cancel",
)  # fmt: skip


@given(st.lists(st.sampled_from(EVENTS), max_size=20))
def test_an_order_is_always_in_a_state_and_ends_once(events: list[str]) -> None:
    state = "new"
    for event in events:
        before = state
        try:
            state = after(state, event)
        except WrongState as error:
            assert before in str(error)
        assert state in STATES
        assert before not in {"cancelled", "delivered"} or state == before
        assert before in OPEN or state not in OPEN


def test_what_has_left_says_how_far_an_order_is() -> None:
    line = Line(line="1", sku="NUT", quantity=3, shipped=3)
    half = Line(line="2", sku="NUT", quantity=3, picked=1, shipped=1)
    here = Line(line="3", sku="NUT", quantity=3, picked=2, shipped=1)
    assert shipped_state("picking", [line]) == "shipped"
    assert shipped_state("picking", [line, half]) == "new"
    assert shipped_state("picking", [half, here]) == "picking"
    assert shipped_state("allocated", [half]) == "allocated"
    assert shipped_state("delivered", [line]) == "delivered"


_codes = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 120)).map(
        lambda one: ("WH-01", f"R{one[0]}", f"R{one[0]}-B{one[1]}")
    ),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(_codes, _codes)
def test_the_walk_is_never_longer_than_any_other_order(
    wanted: list[tuple[str, ...]], others: list[tuple[str, ...]]
) -> None:
    paths = {path[-1]: path for path in (*wanted, *others)}
    codes = [path[-1] for path in wanted]
    way = length(walked(codes, paths), paths)
    assert all(way <= length(naive, paths) for naive in permutations(codes))


def test_ten_comes_after_two() -> None:
    paths = {code: ("WH-01", code) for code in ("R10", "R2", "R1", "cage")}
    assert walked(["R10", "cage", "R2"], paths) == ["R2", "R10", "cage"]


@given(
    st.text("0123456789", min_size=4, max_size=12),
    st.integers(0, 9),
    st.integers(0, 9_999),
)
def test_each_carton_has_a_number_that_holds_its_check(
    prefix: str, extension: int, serial: int
) -> None:
    number = sscc(prefix, extension, serial)
    assert is_sscc(number)
    assert number.startswith(f"{extension}{prefix}")


def test_the_numbers_of_a_prefix_end() -> None:
    assert sscc("0614141", 1, 123456789) == "106141411234567897"  # GS1's own example
    with pytest.raises(OrderError, match="sscc_extension"):
        sscc("012345678901", 0, 10_000)
