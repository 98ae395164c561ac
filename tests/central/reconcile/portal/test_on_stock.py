"""The ledger's say in which way goods went."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from central.reconcile.portal.crossing import logistic
from central.reconcile.portal.desk import decide
from central.reconcile.portal.on_stock import KNOWN, NEVER_MET, Books, heed
from central.reconcile.portal.state import Portal
from central.reconcile.portal.weighing import Crossing
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged
from drivers.emulators.portal_physics import Path, Scene, dock_antennas, pallet, simulate
from gateway.contract import DeviceHealth
from tests.central.reconcile.test_documents import crossing
from tests.fakes.portal_log import WHO, described, fold, logged, moment
from tests.fakes.portal_scenes import DOCK, context, epcs_of

GOODS = epcs_of(1, 8)


def group(inwards: float = 0.5, crossed: float = 0.99) -> list[Crossing]:
    return [crossing(epc, crossed, inwards) for epc in GOODS]


def put_away(places: dict[str, str]) -> Context:
    """The hall has a bin in it."""
    made = context(places)
    paths = {"bin": ("hall", "bin")}
    return msgspec.structs.replace(made, enclosing=lambda place: paths.get(place, (place,)))


def books(places: dict[str, str]) -> Books:
    return Books(DOCK, put_away(places), places)


@pytest.mark.parametrize(
    ("place", "log_odds"),
    [
        ("hall", -KNOWN), ("bin", -KNOWN), ("customer", KNOWN), (None, NEVER_MET),
        ("elsewhere", 0.0),
    ],
)  # fmt: skip
def test_where_a_group_was_tells_its_way(place: str | None, log_odds: float) -> None:
    places = {} if place is None else dict.fromkeys(GOODS, place)
    told = [one.odds.inwards for one in heed(group(), books(places))]
    assert told == pytest.approx([logistic(log_odds)] * len(GOODS))


def test_antennas_that_are_sure_are_not_overruled() -> None:
    for one in heed(group(inwards=0.999), books(dict.fromkeys(GOODS, "hall"))):
        assert one.direction == "in"


def test_what_lies_inside_beside_a_pallet_that_comes_in_is_no_part_of_it() -> None:
    """Its own place bars its way; it neither goes along nor out."""
    strays = GOODS[:2]
    ones = heed(group(), books(dict.fromkeys(strays, "hall")))
    assert [one.ledger for one in ones[:2]] == [0.0, 0.0]
    assert all(one.direction == "in" and one.ledger > 0.0 for one in ones[2:])


def test_of_a_mixed_group_the_ledger_says_nothing() -> None:
    assert heed(group(), books(dict.fromkeys(GOODS[:4], "hall"))) == group()


def test_nothing_is_said_of_who_did_not_cross() -> None:
    inside = dict.fromkeys(GOODS, "hall")
    assert heed(group(crossed=0.05), books(inside)) == group(crossed=0.05)


@pytest.mark.parametrize(
    ("inwards", "place", "reason"),
    [
        (0.45, None, "not on stock"), (0.2, None, "not on stock"), (0.001, None, "not on stock"),
        (0.999, "hall", "already inside"), (0.999, "bin", "already inside"),
        (0.001, "customer", "already outside"),
    ],
)  # fmt: skip
def test_goods_that_surely_crossed_against_the_ledger_are_asked_about(
    inwards: float, place: str | None, reason: str
) -> None:
    """However unsure their way is: they went silently once."""
    decided = decide(
        group(inwards),
        portal=Portal(sources=[("edge", "epoch")]),
        point=DOCK,
        books=books({} if place is None else dict.fromkeys(GOODS, place)),
        pass_id="pass",
    )
    assert [one.reason for one in decided.reviews] == [reason]
    assert not decided.movements


def heard_from_inside(seed: int) -> list[Logged]:
    """A pallet goes out, and only the antennas inside hear it."""
    antennas = tuple(one for one in dock_antennas() if one.side == "inside")
    tags = pallet(GOODS, Path.through(4.0, speed=1.0, inwards=False), Random(seed))
    reads = simulate(Scene(antennas=antennas, tags=tuple(tags), seed=seed), 0.0, 18.0)
    beat = DeviceHealth(event_time=moment(100.0), state="running", **WHO)
    return logged([described(antennas), *fold(reads), beat])


@pytest.mark.parametrize("place", ["hall", "bin"])
def test_goods_of_which_the_ledger_knows_go_out_through_half_a_portal(place: str) -> None:
    """Without it every such pallet is a question."""
    posted = 0
    for seed in range(4):
        log = heard_from_inside(seed)
        blind = Reconciler().judge(log, context(dict.fromkeys(GOODS, "elsewhere")))
        assert [one.reason for one in blind.reviews] == ["low confidence"]
        verdict = Reconciler().judge(log, put_away(dict.fromkeys(GOODS, place)))
        asked = [one for review in verdict.reviews for one in review.proposals]
        told = [*verdict.movements, *asked]
        went = {epc: one.destination for one in told for epc in one.epcs}
        assert went == dict.fromkeys(GOODS, "customer")
        posted += bool(verdict.movements)
        (stage,) = [one for one in verdict.traces[-1].stages if one.name == "ledger"]
        rows = stage.facts["rows"]
        assert isinstance(rows, list)
        assert {row[0]: row[1] for row in rows} == dict.fromkeys(GOODS, -KNOWN)
        assert all(row[3] < row[2] for row in rows)
    assert posted >= 2
