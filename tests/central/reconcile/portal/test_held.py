"""A portal that does not hear for a while: what went by meanwhile is asked about, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from random import Random

import msgspec
import pytest

from central.database.moments import to_us
from central.reconcile.mind import Mind
from central.reconcile.ordering import told_us
from central.reconcile.portal import in_part
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Logged, Review, Verdict, together
from drivers.emulators.portal_physics import (
    Path,
    Scene,
    dock_antennas,
    pallet,
    simulate,
)
from drivers.readings import TagRead
from gateway.contract import DeviceHealth, Observation, TagResident
from tests.fakes.portal_log import WHO, described, fold, logged, moment
from tests.fakes.portal_scenes import context, epcs_of

COMING = epcs_of(1, 12)
STRAYS = epcs_of(101, 6)
INSIDE = epcs_of(107, 6)
END = 60.0
NEAREST = 14.0
Reads = tuple[tuple[float, TagRead], ...]


@cache
def reads_of(way: str) -> Reads:
    """A pallet that goes ``in``, goes ``out``, or comes from outside, stands before the door for
    18 s and goes in (``waits``); none (``nobody``); past strays on both sides.
    """
    rng = Random(1)
    tags = pallet(STRAYS, Path.standing(-3.0, 2.5), rng)
    tags += pallet(INSIDE, Path.standing(3.0, 2.5), rng)
    paths = {
        "in": Path.through(NEAREST - 6.0, speed=1.0, inwards=True),
        "out": Path.through(NEAREST - 6.0, speed=1.0, inwards=False),
        "waits": Path(
            waypoints=((6.0, -6.0, 0.0, 0.0), (9.0, -2.0, 0.0, 0.0),
                       (27.0, -2.0, 0.0, 0.0), (33.0, 5.0, 0.0, 0.0)),
        ),
        "stays": Path(
            waypoints=((6.0, -6.0, 0.0, 0.0), (14.0, 1.5, 0.0, 0.0), (60.0, 1.5, 0.0, 0.0))
        ),
    }  # fmt: skip
    if way in paths:
        tags += pallet(COMING, paths[way], rng)
    scene = Scene(antennas=dock_antennas(), tags=tuple(tags), seed=1)
    return tuple(simulate(scene, 0.0, END))


def state(t: float, named: str, cause: str = "") -> DeviceHealth:
    return DeviceHealth(event_time=moment(t), state=named, cause=cause, **WHO)


def log_of(reads: Reads, *held: tuple[float, float], how: str = "held") -> list[Logged]:
    """What an edge tells whose reader does not hear in these times."""
    told: list[Observation] = [described(dock_antennas()), state(0.01, "running")]
    starts = [0.0, *(until for _, until in held)]
    ends = [*(since for since, _ in held), END]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if number:
            told += [state(start - 0.2, "starting"), state(start, "running")]
        heard = fold((t, read) for t, read in reads if start <= t < end)
        told += [one for one in heard if end == END or told_us(one) <= to_us(moment(end))]
        if end < END and how != "died":
            told.append(state(end, how, "In use for a test read." if how == "held" else "Silent."))
    told += [state(END + 30.0, "running"), state(END + 60.0, "running")]
    return logged(told)


def judged(log: Iterable[Logged], way: str) -> Verdict:
    placed = dict.fromkeys(INSIDE, "hall") | (dict.fromkeys(COMING, "hall") if way == "out" else {})
    return Reconciler().judge(list(log), context(placed))


def moved(verdict: Verdict) -> set[str]:
    return {epc for movement in verdict.movements for epc in movement.epcs}


def asked(reviews: Iterable[Review]) -> set[str]:
    tags = [tag for review in reviews for tag in msgspec.to_builtins(review.evidence)["tags"]]
    return {tag["epc"] for tag in tags}


@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize(
    "held",
    [(11.0, 17.0), (12.5, 14.5), (13.5, 28.5), (11.0, 26.0)],
    ids=["over the crossing", "a moment", "from the door on", "for long"],
)
def test_a_pallet_that_was_on_its_way_is_asked_about_as_one(
    way: str, held: tuple[float, float]
) -> None:
    """Without it all 12 cases of the longer times were lost without a word."""
    verdict = judged(log_of(reads_of(way), held), way)
    (review,) = verdict.reviews
    assert not moved(verdict)
    assert review.reason == in_part.HELD
    assert asked([review]) == set(COMING)
    went = "came in" if way == "in" else "went out"
    assert review.hypotheses[0].says == f"12 tags {went} meanwhile"
    assert {movement.destination for movement in review.proposals} == {
        "hall" if way == "in" else "customer"
    }
    outage = msgspec.to_builtins(review.evidence)["outage"]
    assert outage["cause"] == "In use for a test read."
    assert outage["from"] == moment(held[0]).isoformat()
    assert outage["until"] == moment(held[1]).isoformat()


@pytest.mark.parametrize("held", [(2.0, 5.0), (20.0, 25.0), (28.0, 36.0)])
@pytest.mark.parametrize("way", ["in", "out"])
def test_a_pallet_that_went_before_or_after_moves_as_ever(
    way: str, held: tuple[float, float]
) -> None:
    verdict = judged(log_of(reads_of(way), held), way)
    assert moved(verdict) == set(COMING)
    assert not asked(verdict.reviews) & set(COMING)


@pytest.mark.parametrize("held", [((4.0, 9.0),), ((3.0, 20.0),), ((3.0, 6.0), (10.0, 15.0))])
def test_a_test_read_on_a_quiet_portal_asks_nothing(held: Sequence[tuple[float, float]]) -> None:
    verdict = judged(log_of(reads_of("nobody"), *held), "in")
    assert (verdict.movements, verdict.reviews) == ((), ())


def test_a_pallet_of_which_only_the_leaving_was_heard_is_asked_about() -> None:
    """It was nearest a second after the reader heard again, and is heard for 8 s more."""
    (review,) = judged(log_of(reads_of("out"), (9.0, 12.8)), "out").reviews
    assert (review.reason, asked([review])) == (in_part.HELD, set(COMING))


def test_a_pass_of_which_a_part_was_not_heard_says_so_where_it_is_asked_about() -> None:
    (review,) = judged(log_of(reads_of("stays"), (7.0, 8.0)), "in").reviews
    assert review.reason == "low confidence"
    assert msgspec.to_builtins(review.evidence)["outage"]["state"] == "held"


def test_a_pallet_that_waits_outside_meanwhile_is_judged_when_it_goes() -> None:
    for held in ((), ((14.0, 20.0),)):
        verdict = judged(log_of(reads_of("waits"), *held), "in")
        assert moved(verdict) | asked(verdict.reviews) == set(COMING)
        assert all(one.hypotheses[0].says == "all 12 tags came in" for one in verdict.reviews)


def test_goods_that_are_found_inside_afterwards_are_asked_about() -> None:
    """They came and stand there: nothing was ever heard of them before."""
    verdict = judged(log_of(reads_of("stays"), (6.0, 18.0)), "in")
    (review,) = verdict.reviews
    assert not moved(verdict)
    assert asked([review]) <= set(COMING)
    assert len(asked([review])) >= 10
    assert review.hypotheses[0].probability >= in_part.FOUND


def test_goods_that_lay_before_the_door_and_are_gone_are_asked_about_together() -> None:
    """An edge tells of what lies unchanged every 10 s, and once more when a technician comes."""
    told = [one.observation for one in log_of(reads_of("nobody"), (20.0, 30.0))]
    lying: list[Observation] = []
    for epc in STRAYS:
        for since, until in ((1.0, 11.0), (11.0, 19.9)):
            lying.append(
                TagResident(
                    event_time=moment(since), until=moment(until), epc=epc, antenna=1,
                    count=40, peak_rssi_dbm=-55.0, mean_rssi_dbm=-57.0, **WHO,
                )
            )  # fmt: skip
    rest = [one for one in told if getattr(one, "epc", "") not in STRAYS]
    log = logged(sorted([*rest, *lying], key=told_us))
    (review,) = judged(log, "in").reviews
    assert asked([review]) == set(STRAYS)
    assert review.hypotheses[0].probability == pytest.approx(in_part.GONE)


@pytest.mark.parametrize("how", ["retrying", "stopped", "died"])
def test_a_broken_line_and_an_edge_that_died_are_such_times_too(how: str) -> None:
    verdict = judged(log_of(reads_of("in"), (11.0, 17.0), how=how), "in")
    (review,) = verdict.reviews
    assert (moved(verdict), asked([review])) == (set(), set(COMING))
    assert review.reason == in_part.UNHEARD


@pytest.mark.parametrize("how", ["retrying", "stopped", "died"])
def test_what_a_reader_kept_and_tells_later_was_heard(how: str) -> None:
    """An LLRP reader may hold its reports until somebody takes them."""
    told = [one.observation for one in log_of(reads_of("in"))]
    before = [one for one in told if told_us(one) <= told_us(state(11.0, ""))]
    rest = [one for one in told if told_us(one) > told_us(state(11.0, ""))]
    back = [state(16.8, "starting"), rest[0], state(17.0, "running"), *rest[1:]]
    away = [] if how == "died" else [state(11.0, how)]
    verdict = judged(logged([*before, *away, *back]), "in")
    assert (moved(verdict), verdict.reviews) == (set(COMING), ())


def test_a_reader_that_does_not_come_back_is_asked_about_after_two_minutes() -> None:
    log = log_of(reads_of("in"), (12.0, 59.0), how="retrying")
    before = [
        one.observation for one in log if told_us(one.observation) <= told_us(state(12.0, ""))
    ]
    silent = [state(12.0 + 60.0 * minute, "retrying", "Silent.") for minute in (1, 2, 3)]
    (review,) = judged(logged([*before, *silent]), "in").reviews
    assert asked([review]) >= set(COMING)
    assert msgspec.to_builtins(review.evidence)["outage"]["until"] is None


def test_batches_and_restarts_change_nothing() -> None:
    log = log_of(reads_of("in"), (11.0, 17.0))
    whole = judged(log, "in")
    places = [0, *range(len(log) // 2, len(log), 97), len(log)]
    kept: bytes | None = None
    parts = []
    for begin, end in pairwise(places):
        reconciler = Reconciler(kept)
        parts.append(reconciler.judge(log[begin:end], context(dict.fromkeys(INSIDE, "hall"))))
        kept = reconciler.dump()
    assert together(parts) == whole


def test_two_edges_in_any_order_ask_the_same() -> None:
    """A second edge at the same door tells only how it is: whatever way its words arrive among
    the first one's, the question is the same.
    """
    first = log_of(reads_of("in"), (11.0, 17.0))
    other = msgspec.structs.replace
    second = [
        Logged(0, "edge-2", "epoch0002", number, other(state(t, "running"), device="eye"))
        for number, t in enumerate((0.5, 10.0, 18.0, 36.0, 99.0), start=1)
    ]
    answers = set()
    for seed in range(4):
        rng, lots = Random(seed), [list(first), list(second)]
        mixed: list[Logged] = []
        while any(lots):
            lot = rng.choice([one for one in lots if one])
            mixed.append(lot.pop(0)._replace(log_id=len(mixed) + 1))
        in_time = sorted(mixed, key=lambda one: (told_us(one.observation) // 300_000, one.log_id))
        log = [one._replace(log_id=number) for number, one in enumerate(in_time, start=1)]
        mind, known = Mind(), context(dict.fromkeys(INSIDE, "hall"))
        told = [mind.judge(one, known) for one in log]
        while mind.waiting is not None:
            told.append(mind.settle(len(log), known))
        (review,) = together(told).reviews
        answers.add((review.id, frozenset(asked([review]))))
    assert len(answers) == 1
    assert {tags for _, tags in answers} == {frozenset(COMING)}
