"""Which of several rules holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.alerts import items
from central.alerts.items import Held, Seen
from central.alerts.model import Kind, Rule
from central.alerts.nearest import Thing, holding

NUT = Thing(sku="NUT", category="steel", family="NUTS")
SHELF = ("shelf", "hall", "shop")
EACH = {"each": True}
PATHS = [SHELF, ("back", "shop")]


def _rule(name: str, limit: int | None = 5, **more: object) -> Rule:
    return Rule(id=name, **{"kind": Kind.LOW, "limit": limit} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "holds", "instead_of"),
    [
        # the nearest to the item
        ([{"sku": "NUT"}, {"sku": "NUTS"}, {"category": "steel"}, {}], 0, [1, 2, 3]),
        ([{"category": "steel"}, {}, {"sku": "NUTS"}], 2, [0, 1]),
        ([{}, {"category": "wood"}, {"sku": "BOLT"}], 0, []),
        # then the nearest to the place; rules for others do not count
        ([{**EACH}, {**EACH, "location": "hall"}, {**EACH, "location": "shop"}], 1, [2, 0]),
        ([{**EACH, "sku": "NUT", "location": "shop"}, {**EACH, "location": "shelf"}], 0, [1]),
        ([{**EACH, "location": "elsewhere"}, {**EACH}], 1, []),
    ],
)  # fmt: skip
def test_the_nearest_rule_holds(
    rules: list[dict[str, object]], holds: int, instead_of: list[int]
) -> None:
    said = [_rule(str(number), **one) for number, one in enumerate(rules)]
    (found,) = holding(said, Kind.LOW, NUT, [SHELF])
    assert (found.rule.id, [one.id for one in found.others]) == (
        str(holds),
        [str(number) for number in instead_of],
    )


def test_a_warehouse_and_a_shelf_in_it_are_measured_both() -> None:
    rules = [_rule("all", location="shop"), _rule("one", location="shelf")]
    found = {one.place: one.rule.id for one in holding(rules, Kind.LOW, NUT, PATHS)}
    assert found == {"shop": "all", "shelf": "one"}


def test_only_an_items_own_rule_is_measured_where_it_never_was() -> None:
    rules = [_rule("own", sku="NUT", location="yard"), _rule("kin", sku="NUTS", location="port")]
    assert [one.rule.id for one in holding(rules, Kind.LOW, NUT, PATHS)] == ["own"]
    assert not list(holding([_rule("any")], Kind.LOW, NUT, []))


def test_a_rule_without_a_limit_is_silent_where_it_is_the_nearest() -> None:
    held = tuple(Held(path=path, on_hand=1) for path in PATHS)
    rules = [_rule("all", each=True), _rule("not here", None, each=True, location="shelf")]
    found = items.findings(Seen(thing=NUT, held=held), rules, 0)
    assert [(one.location, one.met) for one in found] == [("back", True)]


_CODES = st.sampled_from(["a", "b", "c", "d"])
_PATHS = st.lists(st.lists(_CODES, min_size=1, unique=True).map(tuple), max_size=6)


@given(
    st.lists(st.tuples(_PATHS, st.integers(0, 9)).filter(bool), max_size=5),
    st.none() | _CODES,
    st.integers(0, 30),
)
def test_the_sum_over_a_tree_is_the_sum_of_what_lies_in_it(
    there: list[tuple[list[tuple[str, ...]], int]], location: str | None, limit: int
) -> None:
    held = tuple(Held(path=path, on_hand=units) for paths, units in there for path in paths)
    rule = _rule("sum", limit, sku="NUT", location=location)
    (found,) = items.findings(Seen(thing=NUT, held=held), [rule], 0)
    inside = [one.on_hand for one in held if location is None or location in one.path]
    assert found.value == sum(inside)
    assert found.met is (sum(inside) < limit)
