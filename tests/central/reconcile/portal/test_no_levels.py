"""A reader that leaves out how loud it hears tags: a person is asked about all that goes by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec
import pytest

from central.reconcile.portal.desk import NO_LEVELS
from central.reconcile.portal.stand_in import LATELY_S, ONCE_DBM, PER_DECADE_DB, StandIn
from central.reconcile.portal.state import Portal
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Logged, Verdict
from drivers.emulators.portal_physics import dock_antennas
from gateway.contract import DeviceHealth, Observation, TagSighting
from tests.fakes import portal_scenes
from tests.fakes.portal_log import WHO, described, fold, logged, moment

SEED = 3


def levelless(seen: Iterator[Observation]) -> Iterator[Observation]:
    for one in seen:
        bare = {"peak_rssi_dbm": None, "mean_rssi_dbm": None}
        yield msgspec.structs.replace(one, **bare) if isinstance(one, TagSighting) else one


@cache
def scene() -> tuple[tuple[Observation, ...], dict[str, str]]:
    """A pallet of eight that goes by strays, and which way each tag of it went."""
    dock = portal_scenes.dock(SEED, passes=1, cases=(8, 8), strays=4)
    end = DeviceHealth(event_time=moment(90.0), state="running", **WHO)
    seen = (described(dock_antennas()), *fold(dock.reads), end)
    return seen, {epc: one.direction for one in dock.truths for epc in one.epcs}


def judged(seen: Iterator[Observation]) -> Verdict:
    placed = portal_scenes.dock(SEED, passes=1, cases=(8, 8), strays=4).placed
    return Reconciler().judge(logged(seen), portal_scenes.context(placed))


def test_what_goes_by_is_asked_about_and_nothing_posted() -> None:
    seen, truth = scene()
    verdict = judged(levelless(iter(seen)))
    assert not verdict.movements
    assert {one.reason for one in verdict.reviews} == {NO_LEVELS}
    proposed = {
        epc: str(one.evidence["direction"])
        for review in verdict.reviews
        for one in review.proposals
        for epc in one.epcs
    }
    assert truth.items() <= proposed.items()


def test_nobody_is_told_a_level_that_no_reader_told() -> None:
    verdict = judged(levelless(iter(scene()[0])))
    assert {tag.peak_rssi_dbm for one in verdict.passes for tag in one.tags} == {None}
    proposals = [one for review in verdict.reviews for one in review.proposals]
    assert not any("peak_rssi_dbm" in one.evidence for one in proposals)
    told = (stage.facts for one in verdict.traces for stage in one.stages if stage.name == "tags")
    facts = next(told)
    columns, rows = facts["columns"], facts["rows"]
    assert isinstance(columns, list)
    assert isinstance(rows, list)
    assert {row[columns.index("peak_rssi_dbm")] for row in rows} == {None}


def test_reads_of_a_reader_that_tells_levels_need_no_stand_in() -> None:
    """Not even where one of them lacks its level now and then."""
    seen, truth = scene()
    sightings = [one for one in seen if isinstance(one, TagSighting)]
    bare = {id(one) for one in sightings[200::50]}
    some = (next(levelless(iter([one]))) if id(one) in bare else one for one in seen)
    verdict = judged(some)
    assert not verdict.reviews
    assert {epc for one in verdict.movements for epc in one.epcs} == set(truth)
    portal = Portal()
    for number, one in enumerate(sightings[:200], 1):
        portal.sight(Logged(number, "edge-1", "epoch0001", number, one), one)
    assert portal.stand_in == StandIn()


def sighting(t: float, count: int, antenna: int = 1) -> TagSighting:
    return TagSighting(event_time=moment(t), epc="A0" * 12, antenna=antenna, count=count, **WHO)


def test_the_oftener_it_is_read_the_louder_it_is_taken_to_be() -> None:
    stand_in = StandIn()
    levels = []
    for tenth in range(100):
        seen = stand_in.levelled(sighting(tenth / 10, 1), tenth * 100_000)
        levels.append(seen.peak_rssi_dbm or 0.0)
    assert levels[0] == ONCE_DBM
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(ONCE_DBM + PER_DECADE_DB, abs=1.0)  # ten a second
    later = stand_in.levelled(sighting(9.9 + 5 * LATELY_S, 1), round(9.9e6 + 5e6 * LATELY_S))
    assert later.peak_rssi_dbm == pytest.approx(ONCE_DBM, abs=1.0)
    other = stand_in.levelled(sighting(15.0, 1, antenna=2), 15_000_000)
    assert other.peak_rssi_dbm == ONCE_DBM


def test_its_memory_is_bounded_and_outlives_a_stop() -> None:
    stand_in = StandIn()
    for number in range(4_100):
        one = msgspec.structs.replace(sighting(0.0, 1), epc=f"{number:024X}")
        stand_in.levelled(one, number)
    assert len(stand_in.tags) == 4_000
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(stand_in), type=StandIn)
    assert kept == stand_in
