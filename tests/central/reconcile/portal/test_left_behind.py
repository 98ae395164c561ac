"""What of a pallet does not seem to go with the rest of it, a moment after it crossed."""

from __future__ import annotations

import pytest

from central.reconcile.portal.ahead import ahead_of
from central.reconcile.portal.desk import Decided, decide
from central.reconcile.portal.on_stock import Books
from central.reconcile.portal.state import Portal
from central.reconcile.portal.weighing import Crossing
from central.reconcile.verdict import Context
from tests.central.reconcile.test_documents import CASES, DOCK, crossing

OUT = 0.0
BOOKS = Books(DOCK, Context(), dict.fromkeys(CASES, DOCK.location))


def behind(epc: str, alone: float) -> Crossing:
    """A tag that by its company did not go out, and by itself may have."""
    one = crossing(epc, 0.04, OUT)
    return one._replace(odds=one.odds._replace(alone=alone))


def decided(ones: list[Crossing], *, lately: bool) -> Decided:
    portal = Portal(sources=[("edge-1", "epoch0001")])
    portal.ahead += [ahead_of(one.track, None) for one in ones if lately]
    return decide(ones, portal=portal, point=DOCK, books=BOOKS, pass_id="pass-1")


def test_the_rest_of_a_pallet_that_goes_on_is_asked_about() -> None:
    """Five cases of 42 that had come in half a minute before went out behind the other 37, weakly
    heard: among themselves they looked like strays, and stayed in the books without a word.
    """
    asked = decided([behind(epc, 0.65) for epc in CASES[:5]], lately=True)
    (review,) = asked.reviews
    assert review.reason == "left behind by their company"
    assert not asked.movements
    assert asked.decision == "review"
    assert {tag.reason for tag in asked.tags} == {"in doubt"}
    proposed = {movement.destination for one in review.hypotheses for movement in one.movements}
    assert DOCK.outbound_to in proposed
    assert review.hypotheses[0].says == "nothing crossed"


@pytest.mark.parametrize(
    ("count", "alone", "lately"), [(2, 0.65, True), (5, 0.45, True), (5, 0.65, False)]
)
def test_strays_are_not_asked_about(count: int, alone: float, lately: bool) -> None:
    left = decided([behind(epc, alone) for epc in CASES[:count]], lately=lately)
    assert (left.reviews, left.decision) == ([], "nothing")
