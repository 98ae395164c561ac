"""Truth and ledger side by side: nothing may hide."""

from __future__ import annotations

import io

from rich.console import Console

from tallyport.demo.goods import CASES, PLATES, Truth
from tallyport.demo.report import Line, Report, compare, show


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


def test_what_a_person_is_asked_about_is_told_apart_from_what_is_lost() -> None:
    """The likelier answer need not be the largest: any of them may be true."""

    def moves(quantity: int) -> dict[str, object]:
        move = {"sku": "A", "source": "supplier", "destination": "x", "quantity": quantity}
        return {"movements": [move, {**move, "quantity": 1}]}

    reviews = [{"hypotheses": [{"movements": []}, moves(4), moves(2)]}, {"hypotheses": [moves(1)]}]
    lines = compare({("A", "x"): 9, ("B", "x"): 3}, [row("A", "x", 2)], reviews)
    assert [(one.item, one.location, one.asked) for one in lines] == [("A", "x", 7), ("B", "x", 0)]
    assert [one.differs for one in lines] == [7, 3]
    said = {lost: told(lines[:1], lost=lost) for lost in (0, 5)}
    assert "stock is right but for 7 units that a person is asked about" in said[0]
    assert "stock is wrong" in said[5]
    assert "stock is wrong" in told(lines, lost=0)


def told(lines: list[Line], *, lost: int) -> str:
    console = Console(record=True, file=io.StringIO(), width=200)
    show(
        Report(
            ok=False, seconds=1.0, seed=1, heard=1, kept=1, committed=1, movements=1, reviews=2,
            lost=lost, doubled=0, technician=1905, asked=7, items=lines,
        ),
        console,
    )  # fmt: skip
    text = console.export_text()
    assert "a technician had 1,905 reads" in text
    return text
