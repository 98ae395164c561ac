"""When it is better to wait with a change: for others to rest, to know more, for a hand to go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from central.database.moments import to_us
from central.reconcile.shelf.odds import (
    LIVELY,
    NO_PIECE,
    NOTHING,
    Odds,
    Other,
    Reading,
    hop_mg,
    strangely,
    terms,
)
from central.reconcile.shelf.plate import HOLD_US, STEADY_US, Plate, error_mg
from central.reconcile.shelf.plates import LEAKED_AT_MOST, PATIENCE_US, Shelf
from gateway.contract import WeightSettled

SURE, LIKELY_NOTHING = 0.95, 0.8
MAYBE_STRANGE, MAYBE_STRANGE_MANY, MANY = 0.05, 0.01, 6
"""What may be strange so likely is waited for. It is less where so many pieces are put down at
once: many light ones weigh as much as nearly any strange thing.
"""
HOPS_FAR = 3.0
"""A plate hops by no more than so many times as far as it usually does."""
HAND_MG, PIECES_AT_ONCE = 3_000_000.0, 6
"""What may weigh on a neighbour that is not at rest: a hand, or so many of its pieces."""
PASSING, PASSING_LATER, PASSING_US = 0.5, 0.05, 3_000_000
"""How likely a first change was but a hand on its way to the second, within so long and later."""


def is_sure(found: Sequence[Odds], waited_us: int) -> bool:
    """Whether a change may be posted that has waited for so long."""
    best = found[0]
    if best.guess.kind != "pieces" or best.probability < SURE:
        return False
    return waited_us >= HOLD_US or not _maybe_strange(found)


def _maybe_strange(found: Sequence[Odds]) -> bool:
    strange = sum(o.probability for o in found if o.guess.kind in {"strange", "misplaced"})
    return strange >= (MAYBE_STRANGE_MANY if found[0].guess.pieces >= MANY else MAYBE_STRANGE)


def may_be_leak(shelf: Shelf, number: int, now_us: int, *, clear: bool = False) -> bool:
    """Whether a plate near by is not at rest whose load may leak as much as was weighed here, or
    one further away that may have shaken this one, where nobody touched it. Where pieces are
    ``clear``, a neighbour that was disturbed only after the step here is not waited for; nor is
    any where a hand was felt here.
    """
    if _may_have_hopped(shelf, number, now_us):
        return True
    near = shelf.unsettled(number, now_us)
    if clear:
        change = shelf.plates[number].change
        assert change is not None
        if change.is_pressed:
            return False
        near = [other for other in near if shelf.may_have_moved(number, other)]
    heaviest_mg = max((shelf.plates[n].unit.mean_mg for n in near), default=0.0)
    load_mg = max(HAND_MG, PIECES_AT_ONCE * heaviest_mg)
    return bool(near) and abs(shelf.plates[number].load()[0]) < LEAKED_AT_MOST * load_mg


def _may_have_hopped(shelf: Shelf, number: int, now_us: int) -> bool:
    plate = shelf.plates[number]
    assert plate.change is not None
    is_little = abs(plate.load()[0]) < HOPS_FAR * hop_mg(plate.unit)
    return plate.change.is_untouched and is_little and shelf.may_be_shaken(number, now_us)


def waits(shelf: Shelf, number: int, found: Sequence[Odds], now_us: int) -> bool:
    """Whether a change that is not sure may become so by waiting."""
    change = shelf.plates[number].change
    assert change is not None
    if _maybe_strange(found) and now_us - change.from_us < HOLD_US:
        change.strange = True
        return True
    age_us = now_us - change.at_us
    is_nothing = found[0].guess == NO_PIECE and found[0].probability >= LIKELY_NOTHING
    if not change.again and age_us < STEADY_US and not is_nothing:
        return True
    return age_us < PATIENCE_US and _is_restless(shelf, number, now_us)


def _is_restless(shelf: Shelf, number: int, now_us: int) -> bool:
    """Whether a plate, or one near by, is not at rest, so that more may be known soon."""
    return shelf.is_disturbed(number, now_us) or bool(shelf.unsettled(number, now_us))


def is_apart(
    plate: Plate, seen: WeightSettled, others: Mapping[str, Other], felt: tuple[float, float]
) -> bool:
    """Whether a new level is a change besides the undecided one, and not the same one's end.
    ``felt`` is what it felt of its neighbours, and the variance of that.

    A hand presses before it takes, leans and goes, or moves while it leans: then both are one
    change, and the level between them was passing.
    """
    change = plate.change
    assert change is not None
    first_mg, first_var = plate.load()
    felt_mg, felt_var = felt
    second_mg = float(seen.gross_mg - change.gross_mg) - felt_mg
    second_var = change.error_mg**2 + error_mg(seen) ** 2 + felt_var
    both_var = plate.error_mg**2 + error_mg(seen) ** 2 + felt_var
    soon = to_us(seen.event_time) - change.at_us <= PASSING_US
    passing = PASSING if soon or change.lively >= LIVELY else PASSING_LATER
    passing *= strangely(first_mg)
    now_us = to_us(seen.event_time)
    one = passing * _likeliest(plate, others, now_us, first_mg + second_mg, both_var)
    two = _likeliest(plate, others, now_us, first_mg, first_var)
    return two * _likeliest(plate, others, now_us, second_mg, second_var) > one


def _likeliest(
    plate: Plate, others: Mapping[str, Other], now_us: int, moved_mg: float, variance: float
) -> float:
    """How well the best explanation of a change explains it."""
    reading = Reading(moved_mg, variance, 1.0)
    found = terms([reading], plate.unit, others, plate.strange(now_us), nothing=NOTHING)
    return max(term.explains(moved_mg, variance) for term in found)
