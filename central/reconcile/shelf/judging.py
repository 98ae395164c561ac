"""From weighings to verdicts: when a change is decided, and what it is decided to be.

A change is decided as soon as one explanation is all but certain. Otherwise it waits: for
neighbours that are not at rest (they may have leaked), for the level to be known better, and,
where only something strange explains it, for that to be taken away again, as a hand is. What is
still open then is asked of a person, with every explanation as a proposal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from central.moments import to_us
from central.reconcile.shelf.answers import Decided, ask, ask_strange, count
from central.reconcile.shelf.beliefs import Unit
from central.reconcile.shelf.odds import (
    MISPLACED,
    MISPLACED_UNTAKEN,
    NOTHING,
    NOTHING_UNDISTURBED,
    NOTHING_WITH_OTHERS,
    Guess,
    Odds,
    Other,
    Reading,
    odds,
)
from central.reconcile.shelf.plates import (
    MOST_LYING,
    PATIENCE_US,
    Change,
    Plate,
    Shelf,
)
from central.reconcile.verdict import Context, Ignored, Logged, PlatePlan, ReadPoint, Verdict
from gateway.contract import WeightDisturbed, WeightSettled

SURE = 0.95
LIKELY_NOTHING = 0.8
MAYBE_STRANGE = 0.05
LEARN_AT, LEARN_NOTHING_AT, LEARN_PIECES = 0.99, 0.9, 6
LEARN_LEAK_MG = 300_000.0
SURER_US = 2_500_000
"""An edge tells a fresh level once more, better known, within this."""
HOLD_US = 10_000_000
"""So long something strange may lie on a plate before anybody is asked: hands go away."""
LEAKED_AT_MOST, HAND_MG, PIECES_AT_ONCE = 0.016, 3_000_000.0, 6
"""What a plate may feel of a neighbour that is not at rest: of a hand, or of its pieces."""
TAKEN_LATELY_US = 120_000_000
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
    plan = context.plates.get((point.code, seen.plate))
    if plan is None:
        return [*parts, _ignored(logged.log_id, "no item is planned for this plate")]
    plate = shelf.plates.get(seen.plate)
    if plate is not None and plate.change is not None and plate.change.strange:
        parts += _apart(shelf, seen, plan, point, context)
    return [*parts, shelf.settle(logged, seen, plan)]


def ripen(shelf: Shelf, now_us: int, point: ReadPoint, context: Context) -> list[Verdict]:
    """Decide what need not wait any longer, the largest changes first: they leak into others."""
    waiting = [(n, plate) for n, plate in shelf.plates.items() if plate.change is not None]
    waiting.sort(key=lambda one: (-abs(one[1].load()[0]), one[0]))
    found = []
    for number, _ in waiting:
        plan = context.plates.get((point.code, number))
        decided = None if plan is None else _decide(shelf, number, now_us, plan, point)
        if decided is not None:
            found.append(decided)
    return found


def _apart(
    shelf: Shelf, seen: WeightSettled, plan: PlatePlan, point: ReadPoint, context: Context
) -> list[Verdict]:
    """Something strange lay on a plate and another change came. If both together are something
    strange as well, the first is decided now, so that the second counts for itself.
    """
    if seen.disturbed_at is None:
        return []
    number = seen.plate
    plate = shelf.plates[number]
    change = plate.change
    assert change is not None
    error = change.error_mg**2 + plate.error_mg**2
    both = Reading(float(seen.gross_mg - plate.level_mg), error, 1.0)
    now_us = to_us(seen.event_time)
    (best, *_) = odds(
        [both], plate.unit, _others(shelf, number, now_us), plate.strange, nothing=NOTHING
    )
    if best.guess == Guess("pieces", 0):
        return []
    found = _decide(shelf, number, change.at_us + PATIENCE_US + HOLD_US, plan, point)
    return [] if found is None else [found]


def _decide(
    shelf: Shelf, number: int, now_us: int, plan: PlatePlan, point: ReadPoint
) -> Verdict | None:
    """What a plate's change was; None while it is better to wait."""
    plate = shelf.plates[number]
    change = plate.change
    assert change is not None
    readings = shelf.readings(number, now_us)
    found = odds(
        readings,
        plate.unit,
        _others(shelf, number, now_us),
        plate.strange,
        nothing=_nothing(shelf, number, change),
    )
    best = found[0]
    decided = Decided(plan, point, change, plate.level_mg, plate.unit, readings, found)
    if plate.restarted and _lost_zero(plate, best):
        _close(plate, readings, best.guess)
        return ask(decided, "scale restarted at zero")
    sure = best.guess.kind == "pieces" and best.probability >= SURE
    if best.guess.pieces and _may_be_leak(shelf, number, now_us):
        return None
    if not sure and _waits(shelf, number, found, now_us):
        return None
    if sure and best.guess.pieces:
        _learn(shelf, number, best, readings)
        _close(plate, readings, best.guess, counted=True)
        return count(decided)
    return _without_pieces(shelf, number, decided)


def _nothing(shelf: Shelf, number: int, change: Change) -> float:
    """How likely a change of level is no change in pieces, before its size is looked at."""
    if not change.disturbed:
        return NOTHING_UNDISTURBED
    return NOTHING_WITH_OTHERS if shelf.is_with(number, change) else NOTHING


def _without_pieces(shelf: Shelf, number: int, decided: Decided) -> Verdict:
    """Nothing moved, or a person has to say what."""
    plate, best = shelf.plates[number], decided.odds[0]
    guess, change = best.guess, decided.change
    if guess.kind == "pieces" and not guess.pieces and best.probability >= LIKELY_NOTHING:
        _learn(shelf, number, best, decided.readings)
        _close(plate, decided.readings, guess)
        reason = "something rested on the plate" if change.strange else "no change in pieces"
        return _ignored(change.log_id, reason)
    _close(plate, decided.readings, guess)
    if guess.kind == "gone" and not guess.sku:
        return _ignored(change.log_id, "a strange thing was taken away again")
    if guess.kind != "pieces":
        return ask_strange(decided)
    alike = any(len(decided.readings) > 1 and one.weight < 1.0 for one in decided.readings)
    if alike:
        return ask(decided, "a neighbour's change may have leaked")
    return ask(decided, "unresolved weight change")


def _may_be_leak(shelf: Shelf, number: int, now_us: int) -> bool:
    """Whether a plate near by is not at rest whose load may leak as much as was weighed here."""
    near = shelf.unsettled(number, now_us)
    heaviest_mg = max((shelf.plates[n].unit.mean_mg for n in near), default=0.0)
    load_mg = max(HAND_MG, PIECES_AT_ONCE * heaviest_mg)
    return bool(near) and abs(shelf.plates[number].load()[0]) < LEAKED_AT_MOST * load_mg


def _is_restless(shelf: Shelf, number: int, now_us: int) -> bool:
    """Whether a plate, or one near by, is not at rest, so that more may be known soon."""
    return shelf.is_disturbed(number, now_us) or bool(shelf.unsettled(number, now_us))


def _waits(shelf: Shelf, number: int, found: Sequence[Odds], now_us: int) -> bool:
    change = shelf.plates[number].change
    assert change is not None
    age_us = now_us - change.at_us
    strange = sum(o.probability for o in found if o.guess.kind in {"strange", "misplaced"})
    if strange >= MAYBE_STRANGE and age_us < HOLD_US:
        change.strange = True
        return True
    if age_us < SURER_US and found[0].guess != Guess("pieces", 0):
        return True
    return age_us < PATIENCE_US and _is_restless(shelf, number, now_us)


def _lost_zero(plate: Plate, best: Odds) -> bool:
    """Started anew at nothing, where much lay before: its zero is another one now."""
    change = plate.change
    assert change is not None
    moved = round((change.gross_mg - plate.level_mg) / plate.unit.mean_mg)
    at_zero = abs(change.gross_mg) < plate.unit.mean_mg / 2
    return at_zero and abs(moved) >= RESTART_PIECES and best.guess != Guess("pieces", 0)


def _close(
    plate: Plate, readings: Sequence[Reading], guess: Guess, *, counted: bool = False
) -> None:
    """The change is decided: its level is the plate's now, whatever it was decided to be. What
    was put there and not counted lies there, and may go again.
    """
    change = plate.change
    assert change is not None
    plate.level_mg, plate.error_mg = change.gross_mg, change.error_mg
    plate.restarted = False
    plate.change = None
    one = readings[0]
    if guess == Guess("pieces", 0):
        return
    if guess.kind == "pieces" and guess.pieces < 0:
        plate.taken_us = change.at_us
    if guess.kind != "gone" and one.moved_mg > 0.0 and not counted:
        lies = (one.moved_mg, one.variance, guess.sku)
        plate.lying = [*plate.lying, lies][-MOST_LYING:]
    elif guess.kind == "gone":
        plate.lying = [lies for n, lies in enumerate(plate.lying) if n != guess.which]


def _learn(shelf: Shelf, number: int, best: Odds, readings: Sequence[Reading]) -> None:
    """Certain counts of few pieces teach the unit mass; heavy neighbours teach their leak."""
    plate = shelf.plates[number]
    pieces = best.guess.pieces
    if len(readings) > 1 or abs(pieces) > LEARN_PIECES:
        return
    if best.probability < (LEARN_AT if pieces else LEARN_NOTHING_AT):
        return
    change = plate.change
    assert change is not None
    (reading,) = readings
    own_mg, own_var = plate.load()
    heavy = shelf.heavy(number, change, LEARN_LEAK_MG)
    if heavy is not None:
        other, load_mg = heavy
        felt_mg = own_mg - pieces * plate.unit.mean_mg
        shelf.leak(number, other).learn(felt_mg, load_mg, own_var + plate.unit.variance(pieces))
    if pieces:
        plate.unit.learn(reading.moved_mg, pieces, reading.variance)


def _others(shelf: Shelf, number: int, now_us: int) -> Mapping[str, Other]:
    """Other lanes' pieces that somebody may have put down on this plate."""
    own = shelf.plates[number].sku
    units: dict[str, tuple[Unit, bool]] = {}
    for other, plate in sorted(shelf.plates.items()):
        if other == number or plate.sku == own:
            continue
        lately = plate.taken_us is not None and now_us - plate.taken_us < TAKEN_LATELY_US
        units[plate.sku] = (plate.unit, lately or units.get(plate.sku, (None, False))[1])
    taken = sum(lately for _, lately in units.values())
    return {
        sku: Other(unit, MISPLACED / taken if lately else MISPLACED_UNTAKEN / len(units))
        for sku, (unit, lately) in units.items()
    }


def _ignored(log_id: int, reason: str) -> Verdict:
    return Verdict(ignored=(Ignored(log_id=log_id, reason=reason),))
