"""The rules of receiving: which line takes what, and how an order stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.receiving.model import (
    Arrived,
    Count,
    Order,
    OrderLine,
    Piece,
    Seen,
    discrepancies,
    rule,
    state,
)

ORDER = Order(
    id="po-00001", reference="PO-7890", supplier="Acme", location="hall",
    lines=(
        OrderLine(line="1", sku="OAT", quantity=10, lot="A"),
        OrderLine(line="2", sku="OAT", quantity=5),
        OrderLine(line="3", sku="NUT", quantity=20),
    ),
)  # fmt: skip
NAME = "https://id.gs1.org/01/09521234000013/21/7"
NEW = Seen("NUT", 1, pieces=(Piece(NAME, 1, here=False),))
HERE = Seen("NUT", 1, pieces=(Piece(NAME, 1, here=True),))
NONE = {"1": Count(), "2": Count(), "3": Count()}


def takes(seen: Seen, counts: dict[str, Count], order: Order = ORDER) -> object:
    found = rule(order, counts, seen)
    return found.verdict, [tuple(take) for take in found.takes], found.aside


@pytest.mark.parametrize(
    ("seen", "counts", "verdict", "taken", "aside"),
    [
        (Seen("NUT", 20), {}, "expected", [("3", 0, 20)], 0),
        (Seen("RICE", 1), {}, "unexpected", [], 1),
        (Seen("OAT", 12, "A"), {}, "expected", [("1", 0, 10), ("2", 0, 2)], 0),
        (Seen("OAT", 6, "B"), {}, "over", [("2", 0, 5)], 1),
        (Seen("NUT", 21), {}, "over", [("3", 0, 20)], 1),
        (Seen("NUT", 3, condition="damaged"), {}, "damaged", [("3", 0, 3)], 0),
        # A portal has told of twelve: they are confirmed, three more are posted.
        (Seen("NUT", 15), {"3": Count(12)}, "expected", [("3", 12, 3)], 0),
        (Seen("NUT", 5), {"3": Count(12, 12)}, "expected", [("3", 0, 5)], 0),
        # A named piece answers for itself alone.
        (NEW, {"3": Count(12)}, "expected", [("3", 0, 1)], 0),
        (HERE, {"3": Count(12)}, "expected", [("3", 1, 0)], 0),
        (HERE, {}, "expected", [], 0),
    ],
)  # fmt: skip
def test_lines_take_what_is_in_hand(
    seen: Seen,
    counts: dict[str, Count],
    verdict: str,
    taken: list[tuple[str, int, int]],
    aside: int,
) -> None:
    assert takes(seen, NONE | counts) == (verdict, taken, aside)


def test_the_wrong_lot_is_no_line_s() -> None:
    lines = (OrderLine(line="1", sku="OAT", quantity=10, lot="A"),)
    order = Order(id="po-00002", reference="r", supplier="s", location="hall", lines=lines)
    assert takes(Seen("OAT", 4, "B"), NONE, order) == ("wrong_lot", [], 4)


def test_more_than_ordered_is_taken_as_far_as_the_order_says() -> None:
    lines = (OrderLine(line="1", sku="OAT", quantity=10),)
    order = Order(
        id="po-00003", reference="r", supplier="s", location="hall", lines=lines, over_percent=15
    )
    assert takes(Seen("OAT", 12), NONE, order) == ("over", [("1", 0, 11)], 1)


@given(
    seen=st.lists(st.tuples(st.sampled_from(["OAT", "NUT"]), st.integers(1, 30)), max_size=12),
    sensed=st.tuples(st.integers(0, 10), st.integers(0, 5), st.integers(0, 20)),
    percent=st.integers(0, 100),
)
def test_no_unit_is_lost_nor_counted_twice_and_no_line_takes_too_much(
    seen: list[tuple[str, int]], sensed: tuple[int, int, int], percent: int
) -> None:
    order = Order(
        id="po-00004", reference="r", supplier="s", location="hall", lines=ORDER.lines,
        over_percent=percent,
    )  # fmt: skip
    counts = {name: Count(units) for name, units in zip(NONE, sensed, strict=True)}
    for sku, units in seen:
        ruling = rule(order, counts, Seen(sku, units))
        assert sum(t.confirmed + t.posted for t in ruling.takes) + ruling.aside == units
        for take in ruling.takes:
            before = counts[take.line]
            counts[take.line] = before._replace(
                confirmed=before.confirmed + take.confirmed, posted=before.posted + take.posted
            )
    for line in order.lines:
        count = counts[line.line]
        assert count.confirmed <= count.sensed
        assert count.received <= line.quantity + line.quantity * percent // 100
    in_hand = sum(units for _, units in seen)
    assert sum(c.confirmed + c.posted for c in counts.values()) <= in_hand


@pytest.mark.parametrize(
    ("counts", "sessions", "status", "expected"),
    [
        ({}, [], "open", "expected"),
        ({}, ["open"], "open", "receiving"),
        ({"3": Count(1)}, [], "open", "receiving"),
        ({"1": Count(10), "2": Count(5), "3": Count(20)}, [], "open", "received"),
        ({"1": Count(10), "2": Count(5), "3": Count(21)}, ["closed"], "open", "over"),
        ({"1": Count(10), "2": Count(5), "3": Count(0, 0, 19)}, ["closed"], "open", "short"),
        ({"1": Count(10)}, ["closed", "open"], "open", "receiving"),
        ({"1": Count(10)}, ["closed"], "closed", "closed"),
    ],
)
def test_how_an_order_stands(
    counts: dict[str, Count], sessions: list[str], status: str, expected: str
) -> None:
    order = Order(
        id="po-00005", reference="r", supplier="s", location="hall", lines=ORDER.lines,
        status=status,
    )  # fmt: skip
    assert state(order, NONE | counts, sessions=sessions) == expected


def test_what_differs_is_named_line_by_line() -> None:
    counts = {"1": Count(8, 8, 0, 2), "2": Count(0, 0, 6), "3": Count(20)}
    found = discrepancies(ORDER, counts, [Arrived("RICE", "unexpected", 4)])
    assert [(one.line, one.sku, one.kind, one.quantity) for one in found] == [
        ("1", "OAT", "short", 2), ("1", "OAT", "damaged", 2), ("2", "OAT", "over", 1),
        ("", "RICE", "unexpected", 4),
    ]  # fmt: skip
