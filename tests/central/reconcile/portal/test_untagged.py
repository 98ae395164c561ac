"""Where goods may have lain whose tags the ledger has never met."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
import pytest

from central.reconcile.holdings import Held, Lot
from central.reconcile.portal.crossing import logistic
from central.reconcile.portal.desk import decide
from central.reconcile.portal.on_stock import NEVER_MET, Books, heed
from central.reconcile.portal.state import Portal
from central.reconcile.portal.untagged import lot_of
from central.reconcile.portal.weighing import Crossing
from central.reconcile.verdict import Pack
from tests.central.reconcile.portal.test_on_stock import put_away
from tests.central.reconcile.test_documents import crossing
from tests.fakes.portal_scenes import DOCK, GTINS, PACKS, epcs_of

GOODS = epcs_of(0, 3)
"""A piece of SKU-1, two of SKU-2 in a case, three of SKU-3."""
SKUS = [pack.sku for pack in PACKS.values()]
ENOUGH = [Held("bin", 3, 3)]


class Lying:
    """``Holdings`` as told."""

    def __init__(self, held: dict[str, Sequence[Held]], picked: Sequence[str]) -> None:
        self._held, self._picked = held, picked

    def of(self, lots: Collection[Lot]) -> dict[Lot, Sequence[Held]]:
        return {(sku, lot): self._held.get(sku, ()) for sku, lot in lots if not lot}

    def picked_to(self, _sku: str, place: str) -> bool:
        return place in self._picked


def books(held: dict[str, Sequence[Held]], picked: Sequence[str] = ()) -> Books:
    placed: dict[str, str] = {}
    context = msgspec.structs.replace(put_away(placed), held=Lying(held, picked))
    return Books(DOCK, context, placed)


def group(inwards: float = 0.5, count: int = 3) -> list[Crossing]:
    return [crossing(epc, 0.99, inwards) for epc in GOODS[:count]]


def taken(made: Books, inwards: float = 0.001) -> dict[str, str]:
    """Where goods are taken from that may cross for all that the ledger knows, by item. They are
    proposed, not posted: these tags were heard on neither side.
    """
    decided = decide(
        group(inwards), portal=Portal(sources=[("edge", "epoch")]), point=DOCK, books=made,
        pass_id="pass",
    )  # fmt: skip
    assert {one.reason for one in decided.reviews} <= {"antenna sides unknown", "not on stock"}
    free = [one for one in decided.reviews if one.reason != "not on stock"]
    return {one.sku: one.source for review in free for one in review.proposals}


@pytest.mark.parametrize(
    "held",
    [
        [Held("bin", 3, 3)],
        [Held("hall", 4, 9, tuple(epcs_of(32, 1)))],
        [Held("bin", 3, 3), Held("hall", 2, 2)],
        [Held("bin", 3, 3), Held("elsewhere", 9, 9)],
    ],
)
def test_they_leave_from_the_only_place_with_as_many(held: list[Held]) -> None:
    assert taken(books({"SKU-3": held})) == {"SKU-3": held[0].place}


@pytest.mark.parametrize(
    "held",
    [
        [],
        [Held("bin", 2, 9)],  # the others may not be sold
        [Held("bin", 9, 2)],
        [Held("bin", 5, 5, tuple(epcs_of(32, 1)))],  # three of them are in a case that is known
        [Held("elsewhere", 9, 9)],
        [Held("bin", 3, 3), Held("hall", 3, 3)],
        [Held("bin", 3, 3, by_name=True)],
    ],
)
def test_they_stay_where_nobody_can_know(held: list[Held]) -> None:
    assert "SKU-3" not in taken(books({"SKU-3": held}))


def test_what_was_picked_lies_ready() -> None:
    held = [Held("bin", 9, 9), Held("hall", 3, 3)]
    assert taken(books(dict.fromkeys(SKUS, held), picked=["hall"])) == dict.fromkeys(SKUS, "hall")


def test_nothing_is_said_of_their_way() -> None:
    made = books(dict.fromkeys(SKUS, ENOUGH))
    assert heed(group(0.4), made) == group(0.4)
    told = [one.odds.inwards for one in heed(group(0.5), books({}))]
    assert told == pytest.approx([logistic(NEVER_MET)] * len(told))


def test_what_comes_in_is_new() -> None:
    made = books(dict.fromkeys(SKUS, ENOUGH))
    assert taken(made, inwards=0.999) == dict.fromkeys(SKUS, "supplier")


def test_the_ways_in_which_all_may_have_lain() -> None:
    two = [Held("bin", 9, 9), Held("hall", 9, 9)]
    one_item = books({"SKU-1": two}, picked=["hall"]).untagged(group(count=1))
    assert list(one_item.ways()) == [
        ({("SKU-1", ""): "hall"}, pytest.approx(0.8)),
        ({("SKU-1", ""): "bin"}, pytest.approx(0.2)),
    ]
    every = books(dict.fromkeys(SKUS, two)).untagged(group())
    assert list(every.ways()) == [({(sku, ""): "bin" for sku in SKUS}, 1.0)]
    assert list(books({"SKU-1": two}).untagged(group()).ways()) == []


def test_a_lot_is_asked_for_by_its_name() -> None:
    bound = crossing(GOODS[0], 0.99, 0.001)._replace(
        pack=Pack(gtin=GTINS[0], sku="SKU-1", lot="L1")
    )
    made = books({"SKU-1": ENOUGH})
    assert lot_of(bound) == ("SKU-1", "L1")
    assert not made.untagged([bound]).may_hold(("SKU-1", "L1"))
