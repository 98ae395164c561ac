"""Goods held before a reader that knows no sides, among tags that lie about."""

from __future__ import annotations

from random import Random

import pytest

from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Verdict
from gateway.contract import Antenna, DeviceDescribed, DeviceHealth, Observation, TagSighting
from tests.fakes.portal_log import WHO, logged, moment
from tests.fakes.portal_scenes import context, epcs_of

BOX, ROOM = epcs_of(1, 8), epcs_of(100, 60)


def scanned(
    rng: Random, box: list[str], *, at: float = 0.0, side: str = "unknown", moved_db: float = 7.0
) -> list[Observation]:
    """Half a minute: the box twice as often as the nearest of the room, and held in the hand."""
    told: list[tuple[float, str, int, float]] = []
    for epcs, per_s, level, spread in ((box, 5.0, -48.0, moved_db), (ROOM, 1.5, -56.0, 2.5)):
        for epc in epcs:
            rate = per_s * (rng.uniform(0.9, 1.1) if epcs is box else rng.uniform(0.05, 1.0))
            told += [
                (at + rng.uniform(0.0, 30.0), epc, rng.choice((1, 2)), rng.gauss(level, spread))
                for _ in range(round(30 * rate))
            ]
    antennas = [Antenna(antenna=1, side=side), Antenna(antenna=2, side=side)]
    yield_first: list[Observation] = [
        DeviceDescribed(event_time=moment(at), driver="llrp", antennas=antennas, **WHO)
    ]
    return [
        *yield_first,
        *(
            TagSighting(
                event_time=moment(t), epc=epc, antenna=antenna, count=1, peak_rssi_dbm=dbm, **WHO
            )
            for t, epc, antenna, dbm in sorted(told)
        ),
        DeviceHealth(event_time=moment(at + 60.0), state="running", **WHO),
    ]


def presented(verdict: Verdict) -> dict[str, list[str]]:
    """Who would move, and between which places, were the reviews' best guesses true."""
    assert not verdict.movements  # sides are unknown: never without asking
    found: dict[str, list[str]] = {}
    for review in verdict.reviews:
        for movement in review.proposals:
            for epc in movement.epcs:
                found.setdefault(epc, []).append(f"{movement.source}>{movement.destination}")
    return found


def judged(log: list[Logged], known: Context) -> Verdict:
    return Reconciler().judge(log, known)


@pytest.mark.parametrize("seed", range(3))
def test_a_box_is_told_from_the_room_and_asked_about(seed: int) -> None:
    verdict = judged(logged(scanned(Random(seed), BOX)), context({}))
    assert presented(verdict) == {epc: ["supplier>hall"] for epc in BOX}


def test_what_lies_at_the_place_already_is_proposed_to_go_out() -> None:
    verdict = judged(logged(scanned(Random(5), BOX)), context(dict.fromkeys(BOX, "hall")))
    assert presented(verdict) == {epc: ["hall>customer"] for epc in BOX}


def test_nothing_is_presented_where_nothing_is_held() -> None:
    """A room alone, and a heap set down close by: read often, but lying still."""
    assert presented(judged(logged(scanned(Random(1), [])), context({}))) == {}
    heap = scanned(Random(1), BOX, moved_db=2.0)
    assert presented(judged(logged(heap), context({}))) == {}


def test_an_earlier_scan_tells_who_belongs_to_the_room() -> None:
    """A tag of the room that wavers as the second box does, but is no louder than it was."""
    rng, other, restless = Random(2), epcs_of(50, 8), ROOM[0]

    def wavers(at: float, reads: int) -> list[Observation]:
        return [
            TagSighting(
                event_time=moment(at + 30.0 * step / reads), epc=restless, antenna=1, count=1,
                peak_rssi_dbm=-42.0 - 8.0 * (step % 3), **WHO,
            )
            for step in range(reads)
        ]  # fmt: skip

    def timed(told: list[Observation]) -> list[Observation]:
        return sorted(told, key=lambda seen: seen.event_time)

    first = timed([*scanned(rng, BOX), *wavers(1.0, 9)])
    second = timed([*scanned(rng, other, at=100.0), *wavers(100.1, 150)])
    assert set(presented(judged(logged(second), context({})))) == {*other, restless}
    both = presented(judged(logged([*first, *second]), context({})))
    assert set(both) == {*BOX, *other}


def test_a_portal_that_knows_its_sides_makes_no_scans() -> None:
    verdict = judged(logged(scanned(Random(1), BOX, side="inside")), context({}))
    assert presented(verdict) == {}
