"""What may have happened with a doubtful group, ranked, and told in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from central.reconcile.hypotheses import either_or, ranked
from central.reconcile.portal import guesses
from central.reconcile.portal import track as tracks
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.features import SHAPE, WAY, Seen
from central.reconcile.portal.weighing import Crossing
from central.reconcile.verdict import Hypothesis, Pack
from central.stock.model import Movement
from gateway.gs1 import decode_epc
from tests.central.shop import moving
from tests.fakes.portal_scenes import epcs_of

PACK = Pack(gtin="09521234000013", sku="NUT")
SEEN = Seen((0.0,) * len(SHAPE), (0.0,) * len(WAY))


def tag(number: int, crossed: float, inwards: float = 0.95) -> Crossing:
    (epc,) = epcs_of(number, 1)
    track = tracks.begin(epc, 0, source=0, seq=number)
    return Crossing(track, decode_epc(epc), SEEN, Judged(crossed, inwards, 0), False, PACK)


def lots(ones: Sequence[Crossing], way: str | None) -> tuple[Movement, ...]:
    """One movement for each way, as the desk makes them; the goods lie in the hall already."""
    made = []
    for direction in ("in", "out"):
        epcs = tuple(one.track.epc for one in ones if (way or one.direction) == direction)
        if epcs:
            ends = ("supplier", "hall") if direction == "in" else ("hall", "customer")
            made.append(moving(len(made), *ends, len(epcs), epcs=epcs))
    return tuple(made)


def told(found: Sequence[Hypothesis]) -> list[str]:
    return [one.says for one in found]


def test_a_pallet_with_a_doubtful_tag_has_it_with_and_without() -> None:
    goods = [tag(n, 0.97) for n in range(17)] + [tag(17, 0.6)]
    found = guesses.of_a_group(goods, [], lots)
    end = goods[-1].track.epc[-6:]
    assert told(found[:2]) == [
        "all 18 tags came in", f"17 tags came in (without ...{end})",
    ]  # fmt: skip
    assert {*told(found[2:])} == {"all 18 tags went out", "nothing crossed"}
    assert [sum(m.quantity for m in one.movements) for one in found[:2]] == [18, 17]
    assert sum(one.probability for one in found) == pytest.approx(1.0, abs=1e-3)


def test_a_tag_in_doubt_beside_them_may_have_gone_along() -> None:
    goods, beside = [tag(n, 0.98, 0.02) for n in range(3)], [tag(9, 0.4)]
    found = guesses.of_a_group(goods, beside, lots)
    end = beside[0].track.epc[-6:]
    assert told(found)[:2] == ["all 3 tags went out", f"4 tags went out (with ...{end})"]
    assert {movement.destination for movement in found[1].movements} == {"customer"}


def test_ways_that_contradict_are_asked_as_each_its_own_and_as_all_one() -> None:
    found = guesses.of_a_group([tag(1, 0.9), tag(2, 0.9), tag(3, 0.9, 0.1)], [], lots)
    assert told(found)[0] == "2 tags came in and 1 went out"
    assert {*told(found)} >= {"all 3 tags came in", "all 3 tags went out", "nothing crossed"}


def test_goods_against_the_ledger_move_only_where_they_can() -> None:
    here = [tag(n, 0.95) for n in range(3)]
    again = guesses.against_the_ledger(here, lambda _ones, _way: ())
    assert again[0].says.startswith("all 3 tags came in once more")
    assert (again[0].movements, {*again[0].crossed.values()}) == ((), {"in"})
    gone = [tag(n, 0.95, 0.03) for n in range(3)]
    strange = guesses.of_unmet_goods(gone, lots, [])
    assert strange[0].says == "all 3 tags went out, though stock never had them"
    assert sum(movement.quantity for movement in strange[0].movements) == 3
    lain = [guesses.Lain((moving(1, "bin", "customer"),), 0.7)]
    likely, less, *_ = guesses.of_unmet_goods(gone, lots, lain)
    assert "from bin, where as many lay of which no tag was known" in likely.says
    assert (less.says, less.probability < likely.probability) == (strange[0].says, True)


def test_unknown_goods_can_only_be_said_to_have_crossed() -> None:
    found = guesses.of_unknown_goods([tag(1, 0.9)])
    assert [bool(one.movements) for one in found] == [False, False]
    assert [*found[0].crossed.values()] == ["in"]


def test_the_best_comes_first_and_probabilities_stay_probabilities() -> None:
    move = moving(1, "hall", "shelf")
    assert told(either_or("it moved", [move], 0.3)) == ["nothing moved", "it moved"]
    assert [one.probability for one in ranked([Hypothesis(says="x", probability=1.2)])] == [1.0]
