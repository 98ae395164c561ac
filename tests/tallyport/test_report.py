"""Truth and ledger side by side: nothing may hide."""

from __future__ import annotations

from tallyport.demo.goods import CASES, PLATES, Truth
from tallyport.demo.report import compare


def row(sku: str, location: str, on_hand: int, lot: str = "") -> dict[str, object]:
    return {"sku": sku, "location": location, "on_hand": on_hand, "lot": lot}


def test_lots_add_up_and_empty_places_are_left_out() -> None:
    inventory = [row("A", "x", 2, "L1"), row("A", "x", 3, "L2"), row("B", "x", 0)]
    lines = compare({("A", "x"): 5, ("B", "x"): 0}, inventory)
    assert [(line.item, line.truth, line.ledger) for line in lines] == [("A", 5, 5)]


def test_what_only_one_side_knows_is_told() -> None:
    lines = compare({("A", "x"): 5}, [row("B", "y", 1)])
    assert [(line.item, line.location, line.truth, line.ledger) for line in lines] == [
        ("A", "x", 5, 0),
        ("B", "y", 0, 1),
    ]


def test_truth_moves_between_places_and_the_world_outside() -> None:
    truth = Truth()
    truth.set("A", "x", 5)
    truth.move("A", 2, source="x", destination="y")
    truth.move("A", 1, source="y", destination=None)
    truth.move("A", 4, source=None, destination="x")
    assert truth.table() == {("A", "x"): 7, ("A", "y"): 1}


def test_the_goods_are_all_different_and_the_plates_bear_them() -> None:
    skus = [good.sku for good in (*CASES, *PLATES)]
    assert len({*skus}) == len(skus)
    most_mg = 15_000_000
    assert all((good.opening + good.refill) * good.unit_mg < 2 * most_mg for good in PLATES)
    assert all(max(good.opening, 4 + good.refill) * good.unit_mg < most_mg for good in PLATES)
