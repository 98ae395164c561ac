"""From weighings to verdicts: when a change is decided, and what it is decided to be.

A change is decided as soon as one explanation is all but certain. Otherwise it waits: for
neighbours that are not at rest (they may have leaked), for the level to be known better, and,
where only something strange explains it, for that to be taken away again, as a hand is. What is
still open then is asked of a person, with every explanation as a proposal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from central.database.moments import to_us
from central.reconcile.shelf import joint, zero
from central.reconcile.shelf.answers import Decided, ask, ask_strange, count
from central.reconcile.shelf.beliefs import Unit
from central.reconcile.shelf.odds import (
    HOPS,
    HOPS_SHAKEN,
    LEAKED_PRESS,
    MISPLACED,
    MISPLACED_UNTAKEN,
    NO_PIECE,
    NOTHING,
    NOTHING_UNDISTURBED,
    NOTHING_WITH_OTHERS,
    RESTED,
    Odds,
    Other,
    Reading,
    odds,
    terms,
    touched,
)
from central.reconcile.shelf.plate import (
    HOLD_US,
    MOST_ASIDE,
    MOST_LYING,
    Aside,
    Change,
    Lying,
    Plate,
)
from central.reconcile.shelf.plates import Shelf
from central.reconcile.shelf.waiting import LIKELY_NOTHING, is_apart, is_sure, may_be_leak, waits
from central.reconcile.verdict import Context, Ignored, Logged, PlatePlan, ReadPoint, Verdict
from gateway.contract import WeightDisturbed, WeightSettled

CLEAR, CLEAR_PRESSED = 0.99, 0.97
"""So sure of pieces, only neighbours are waited for that may have moved this plate themselves; and
none where a hand was felt on it.
"""
LEARN_AT, LEARN_NOTHING_AT, LEARN_PIECES = 0.99, 0.9, 6
LEARN_LEAK_MG = 300_000.0
DOUBTED = 0.1
"""Leaks that are doubted by more than this share of a piece are looked for on other plates."""
LEADS_US = 150_000
"""A plate that was disturbed so long before its neighbour's load moved was not so by its leak."""
KEPT_US = 20_000_000
"""What was taken from a plate is in somebody's hand for about so long (e-fold), and only what is
in a hand is put down on a wrong lane.
"""
RESTART_PIECES = 3


def weigh(
    shelf: Shelf,
    logged: Logged,
    seen: WeightSettled | WeightDisturbed,
    point: ReadPoint,
    context: Context,
) -> list[Verdict]:
    """Take one weighing; what was due before it is decided first, by what was known then."""
    began = seen.event_time
    if isinstance(seen, WeightSettled) and seen.disturbed_at is not None:
        began = seen.disturbed_at
    parts = ripen(shelf, to_us(began), point, context)
    if isinstance(seen, WeightDisturbed):
        return [*parts, _ignored(logged.log_id, shelf.disturb(seen))]
    plan = context.plan(point.code, seen.plate, to_us(seen.event_time))
    if plan is None:
        return [*parts, _ignored(logged.log_id, "no item is planned for this plate")]
    parts += _apart(shelf, seen, plan, point)
    return [*parts, shelf.settle(logged, seen, plan)]


def ripen(shelf: Shelf, now_us: int, point: ReadPoint, context: Context) -> list[Verdict]:
    """Decide what need not wait any longer, the largest changes first: they leak into others."""
    waiting = [(n, plate) for n, plate in shelf.plates.items() if plate.change is not None]
    waiting.sort(key=lambda one: (-abs(one[1].load()[0]), one[0]))
    found = []
    for number, plate in waiting:
        assert plate.change is not None
        plan = context.plan(point.code, number, plate.change.at_us)
        decided = None if plan is None else _decide(shelf, number, now_us, plan, point)
        if decided is not None:
            found.append(decided)
    return [*found, *_overdue(shelf, now_us, point, context)]


def _apart(shelf: Shelf, seen: WeightSettled, plan: PlatePlan, point: ReadPoint) -> list[Verdict]:
    """Something strange lies on a plate and another change came. If it is another change indeed,
    the first is decided now or put aside, so that the second counts for itself.
    """
    number, now_us = seen.plate, to_us(seen.event_time)
    plate = shelf.plates.get(number)
    if plate is None or plate.change is None or not plate.change.strange:
        return []
    if plate.is_same(seen) or may_be_leak(shelf, number, now_us):
        return []
    if not is_apart(plate, seen, _others(shelf, number, now_us), shelf.felt(number, seen)):
        return []
    found = _decide(shelf, number, now_us, plan, point, finally_=True)
    return [] if found is None else [found]


def _overdue(shelf: Shelf, now_us: int, point: ReadPoint, context: Context) -> list[Verdict]:
    """What was put aside and has lain for so long that it stays: pieces, or a question."""
    found = []
    for number, plate in sorted(shelf.plates.items()):
        while plate.aside:
            one = plate.aside[0]
            plan = context.plan(point.code, number, one.change.at_us)
            if plan is None:
                break
            if now_us - one.change.from_us < HOLD_US and len(plate.aside) <= MOST_ASIDE:
                break
            plate.aside = plate.aside[1:]
            found.append(_stayed(shelf, number, one, now_us, plan=plan, point=point))
    return found


def _stayed(
    shelf: Shelf, number: int, one: Aside, now_us: int, *, plan: PlatePlan, point: ReadPoint
) -> Verdict:
    """What lay aside stays: by what is known of the lane's pieces by now."""
    plate = shelf.plates[number]
    others = _others(shelf, number, one.change.at_us)
    its_terms = terms(one.readings, plate.unit, others, (), nothing=NOTHING, lively=RESTED)
    found = odds(one.readings, its_terms)
    decided = Decided(plan, point, one.change, one.before_mg, plate.unit, one.readings, found)
    if not is_sure(found, now_us - one.change.from_us):
        return ask_strange(decided)
    plate.lying = [lies for lies in plate.lying if lies.at_us != one.change.at_us]
    return count(decided)


def _decide(
    shelf: Shelf,
    number: int,
    now_us: int,
    plan: PlatePlan,
    point: ReadPoint,
    *,
    finally_: bool = False,
) -> Verdict | None:
    """What a plate's change was; None while it is better to wait."""
    plate = shelf.plates[number]
    change = plate.change
    assert change is not None
    told = _told(shelf, number, now_us)
    found = _odds(shelf, number, now_us, told)
    best = found[0]
    decided = Decided(plan, point, change, plate.level_mg, plate.unit, told.readings, found)
    if plate.restarted and _lost_zero(plate, best):
        _close(plate, told.readings[0], best)
        return ask(decided, "scale restarted at zero")
    sure = is_sure(found, now_us - change.from_us)
    if not finally_:
        clear = sure and best.probability >= (CLEAR_PRESSED if change.is_pressed else CLEAR)
        if best.guess.pieces and may_be_leak(shelf, number, now_us, clear=clear):
            return None
        if not sure and waits(shelf, number, found, now_us):
            return None
    if sure and best.guess.pieces:
        _learn(shelf, number, best, decided)
        _close(plate, told.readings[0], best, counted=True)
        return count(decided)
    if finally_ and told.readings[0].moved_mg > 0.0 and best.guess != NO_PIECE:
        plate.aside = [*plate.aside, Aside(change, plate.level_mg, list(told.readings))]
        _close(plate, told.readings[0], best)
        return Verdict()
    return _without_pieces(shelf, number, decided)


def _told(shelf: Shelf, number: int, now_us: int) -> joint.Told:
    """A plate's change, and all that it may come to."""
    plate = shelf.plates[number]
    change = plate.change
    assert change is not None
    readings = shelf.readings(number, now_us)
    its_terms = terms(
        readings,
        plate.unit,
        _others(shelf, number, change.at_us),
        plate.strange(now_us),
        nothing=_nothing(shelf, number, change),
        lively=plate.lively(now_us),
        hops=HOPS_SHAKEN if _sank_with(shelf, number, change) else HOPS,
    )
    return joint.Told(readings, its_terms)


def _odds(shelf: Shelf, number: int, now_us: int, told: joint.Told) -> list[Odds]:
    """By itself, or, where it matters how much leaked, together with what others felt."""
    plate = shelf.plates[number]
    doubt = max(one.variance - one.alone for one in told.readings)
    if doubt < (DOUBTED * plate.unit.mean_mg) ** 2:
        return odds(told.readings, told.terms)
    others = []
    for other, its in shelf.plates.items():
        if other == number or its.change is None:
            continue
        one = _told(shelf, other, now_us)
        size = max(reading.near_mg**2 + reading.far_mg**2 for reading in one.readings)
        if size:
            blur = min(reading.alone for reading in one.readings) + its.unit.variance(1)
            others.append((blur / size, other, one))
    others.sort(key=lambda one: one[:2])
    telling = [one for _, _, one in others[: joint.MOST_TOGETHER]]
    return joint.search(shelf.common, telling, told)


def _nothing(shelf: Shelf, number: int, change: Change) -> float:
    """How likely a change of level is no change in pieces, before its size is looked at."""
    if not change.disturbed:
        return NOTHING_UNDISTURBED
    heavier = shelf.heavier(number, change)
    if not heavier and not _sank_with(shelf, number, change):
        return NOTHING
    own_mg = change.beyond_mg
    if own_mg is not None:
        leaked_mg = LEAKED_PRESS * max((one.beyond_mg for one in heavier), default=0.0)
        own_mg = max(0.0, own_mg - leaked_mg)
    likelier = touched(own_mg)
    if any(one.step_us - change.from_us >= LEADS_US for one in heavier):
        likelier = max(likelier, 1.0)
    return NOTHING_WITH_OTHERS / (NOTHING_WITH_OTHERS + (1.0 - NOTHING_WITH_OTHERS) * likelier)


def _sank_with(shelf: Shelf, number: int, change: Change) -> bool:
    """Whether a plate that nobody touched came to rest elsewhere when something far heavier moved
    further away on its shelf.
    """
    return change.is_untouched and shelf.is_shaken(number, change)


def _without_pieces(shelf: Shelf, number: int, decided: Decided) -> Verdict:
    """Nothing moved, or a person has to say what."""
    plate, best = shelf.plates[number], decided.odds[0]
    guess, change = best.guess, decided.change
    if guess == NO_PIECE and best.probability >= LIKELY_NOTHING:
        _learn(shelf, number, best, decided)
        _close(plate, decided.readings[0], best)
        reason = "something rested on the plate" if change.strange else "no change in pieces"
        return _ignored(change.log_id, reason)
    _close(plate, decided.readings[0], best)
    if guess.kind == "gone" and not guess.sku:
        return _ignored(change.log_id, "a strange thing was taken away again")
    if guess.kind != "pieces":
        return ask_strange(decided)
    if len(decided.readings) > 1:
        return ask(decided, "a neighbour's change may have leaked")
    return ask(decided, "unresolved weight change")


def _lost_zero(plate: Plate, best: Odds) -> bool:
    """Started anew at nothing, where much lay before: its zero is another one now."""
    change = plate.change
    assert change is not None
    moved = round((change.gross_mg - plate.level_mg) / plate.unit.mean_mg)
    at_zero = abs(change.gross_mg) < plate.unit.mean_mg / 2
    return at_zero and abs(moved) >= RESTART_PIECES and best.guess != NO_PIECE


def _close(plate: Plate, reading: Reading, best: Odds, *, counted: bool = False) -> None:
    """The change is decided: its level is the plate's now, whatever it was decided to be. What
    was put there and not counted lies there, and may go again.
    """
    change, guess = plate.change, best.guess
    assert change is not None
    plate.level_mg, plate.error_mg = change.gross_mg, change.error_mg
    plate.weighed_us = change.at_us
    plate.restarted = False
    plate.change = None
    if guess == NO_PIECE:
        return
    zero.moved(plate, counted=counted, taken=guess.pieces < 0)
    if guess.kind == "pieces" and guess.pieces < 0:
        plate.taken_us = change.at_us
    if guess.kind != "gone" and reading.moved_mg > 0.0 and not counted:
        doubt = 1.0 - best.probability if guess.kind == "pieces" else 1.0
        lies = Lying(change.at_us, reading.moved_mg, reading.variance, guess.sku, doubt)
        plate.lying = [*plate.lying, lies][-MOST_LYING:]
    elif guess.kind == "gone":
        gone = plate.lying[guess.which]
        plate.lying = [lies for lies in plate.lying if lies is not gone]
        plate.aside = [one for one in plate.aside if one.change.at_us != gone.at_us]


def _learn(shelf: Shelf, number: int, best: Odds, decided: Decided) -> None:
    """Certain counts of few pieces teach the unit mass; heavy neighbours teach their leak."""
    plate = shelf.plates[number]
    pieces = best.guess.pieces
    if len(decided.readings) > 1 or abs(pieces) > LEARN_PIECES:
        return
    if best.probability < (LEARN_AT if pieces else LEARN_NOTHING_AT):
        return
    (reading,) = decided.readings
    if max(abs(reading.near_mg), abs(reading.far_mg)) >= LEARN_LEAK_MG:
        shelf.learn_leak(number, reading, pieces * plate.unit.mean_mg, plate.unit.variance(pieces))
    if pieces:
        shelf.learn_unit(number, pieces, reading)


def _others(shelf: Shelf, number: int, at_us: int) -> Mapping[str, Other]:
    """Other lanes' pieces that somebody may have put down on this plate then."""
    own = shelf.plates[number].sku
    units: dict[str, tuple[Unit, float]] = {}
    for other, plate in sorted(shelf.plates.items()):
        if other == number or plate.sku == own:
            continue
        _, sooner = units.get(plate.sku, (None, 0.0))
        units[plate.sku] = (plate.unit, max(_in_hand(plate, at_us), sooner))
    total = max(1.0, sum(share for _, share in units.values()))
    return {
        sku: Other(unit, MISPLACED * share / total + MISPLACED_UNTAKEN / len(units))
        for sku, (unit, share) in units.items()
    }


def _in_hand(plate: Plate, at_us: int) -> float:
    """How likely what was last taken from a plate was still in somebody's hand."""
    if plate.taken_us is None or plate.taken_us > at_us:
        return 0.0
    return math.exp((plate.taken_us - at_us) / KEPT_US)


def _ignored(log_id: int, reason: str) -> Verdict:
    return Verdict(ignored=(Ignored(log_id=log_id, reason=reason),))
