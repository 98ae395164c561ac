"""A photo-eye tells when a crossing was, parts pallets, and speaks against what it did not see."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from central.reconcile.portal import beam
from central.reconcile.portal.eye import LEARNT, MOST_DARKS, Eye
from central.reconcile.portal.weighing import CROSSED_AT, Crossing
from central.reconcile.reconciler import Reconciler
from drivers.emulators.portal_beam import edges
from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_scene import Path, Scene, dock_antennas, pallet
from gateway.contract import GateWindow
from tests.central.reconcile.test_documents import CASES, CLOSING, crossing, knowing
from tests.fakes.portal_log import EPOCH, WHO, described, fold, logged, moment

ZERO = round(EPOCH.timestamp() * 1e6)
S = 1_000_000


def dark(since: float, until: float, by: str = "beam") -> GateWindow:
    return GateWindow(event_time=moment(since), closed_at=moment(until), closed_by=by, **WHO)


def eye(*darks: tuple[float, float], hits: int = 0, misses: int = 0) -> Eye:
    one = Eye(hits=hits, misses=misses)
    for since, until in darks:
        one.take(dark(since, until))
    return one


def tag(epc: str, crossed: float, at: float) -> Crossing:
    one = crossing(epc, crossed, 0.99)
    return one._replace(odds=one.odds._replace(centre_us=ZERO + round(at * S)))


def seconds(one: Crossing) -> float:
    return (one.odds.centre_us - ZERO) / S


def test_a_beginning_is_replaced_by_the_whole_and_memory_is_bounded() -> None:
    one = eye((2.0, 2.0), (2.0, 3.0))
    assert one.darks == [(ZERO + 2 * S, ZERO + 3 * S)]
    for n in range(2 * MOST_DARKS):
        one.take(dark(10.0 + n, 10.5 + n))
        one.take(dark(10.0 + n, 10.5 + n, by="gpi"))
    assert len(one.darks) == len(one.closings) == MOST_DARKS
    for _ in range(3 * LEARNT):
        one.learn(dark=True)
    assert one.hits + one.misses <= LEARNT
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Eye) == one


def test_pallets_are_parted_between_the_middles_of_what_was_dark_together() -> None:
    one = eye((1.0, 2.0), (2.3, 2.7), (5.0, 6.0))
    assert [round((at - ZERO) / S, 2) for at in one.middles()] == [1.85, 5.5]
    old = Eye()
    old.take(dark(0.0, 4.0, by="gpi"))
    assert old.middles() == [ZERO + 4 * S]
    assert beam.heed([tag(CASES[0], 0.9, 1.0)], old) == [tag(CASES[0], 0.9, 1.0)]


def test_a_crossing_was_when_the_beam_was_dark() -> None:
    (one,) = beam.heed([tag(CASES[0], 0.97, 3.2)], eye((1.5, 2.5)))
    assert (seconds(one), one.odds.crossed) == (2.0, 0.97)
    (parked,) = beam.heed([tag(CASES[0], 0.97, 3.2)], eye((3.5, 60.0)))
    assert seconds(parked) == 3.5
    (still,) = beam.heed([tag(CASES[0], 0.97, 3.2)], eye((3.0, 3.0)))
    assert (seconds(still), still.odds.crossed) == (3.2, 0.97)


def test_darkness_alone_makes_no_crossing() -> None:
    (one,) = beam.heed([tag(CASES[0], 0.3, 2.0)], eye((1.5, 2.5), hits=50))
    assert one.odds.crossed == 0.3


@pytest.mark.parametrize(
    ("crossed", "hits", "misses", "least", "most"),
    [
        (0.95, 0, 0, 0.85, 0.95),  # an eye of which nothing is known says little
        (0.95, 40, 0, 0.1, CROSSED_AT),  # a proven one outweighs a doubt
        (0.9999, 40, 0, CROSSED_AT, 0.6),  # and certainty against it is a question
        (0.9999, 0, 40, 0.999, 0.9999),  # one that never saw what crossed is not heeded
        (0.9999, 40, 10, 0.99, 0.9999),  # nor one that begins to fail
    ],
)
def test_a_free_beam_speaks_against_a_crossing_as_much_as_the_eye_has_earned(
    crossed: float, hits: int, misses: int, least: float, most: float
) -> None:
    known = eye((100.0, 101.0), hits=hits, misses=misses)
    (one,) = beam.heed([tag(CASES[0], crossed, 3.0)], known)
    assert least <= one.odds.crossed <= most


def test_an_eye_is_judged_by_groups_that_crossed_without_a_doubt() -> None:
    one = eye((1.0, 2.0))
    beam.learn([tag(epc, 0.99, 1.5) for epc in CASES], set(CASES), one)
    beam.learn([tag(epc, 0.99, 30.0) for epc in CASES], set(CASES), one)
    beam.learn([tag(epc, 0.8, 1.5) for epc in CASES], set(CASES), one)
    assert (one.hits, one.misses) == (1, 1)


def test_a_pallet_posts_when_it_went_through_the_beam_and_the_eye_is_remembered() -> None:
    path = Path.through(3.0, speed=1.0, inwards=True)
    tags = tuple(pallet(CASES, path, Random(5)))
    scene = Scene(antennas=dock_antennas(), tags=tags, seed=5, epoch_us=0)
    beams = list(edges(scene, 20.0))
    assert [is_dark for _, is_dark in beams] == [True, False]
    since, until = (t for t, _ in beams)
    assert until - since == pytest.approx(1.2, abs=0.1), "the length of a pallet at 1 m/s"
    said = [
        *fold(PortalPhysics(scene).until(20.0)),
        dark(since, since),
        dark(since, until),
        CLOSING,
    ]
    said.sort(key=lambda one: one.closed_at if isinstance(one, GateWindow) else one.event_time)
    log = logged([described(dock_antennas()), *said])
    whole = Reconciler()
    verdict = whole.judge(log, knowing())
    assert verdict.movements
    assert {one.event_time for one in verdict.movements} == {moment((since + until) / 2)}
    for cut in range(0, len(log), 29):
        first = Reconciler()
        first.judge(log[:cut], knowing())
        second = Reconciler(first.dump())
        second.judge(log[cut:], knowing())
        assert second.dump() == whole.dump()
