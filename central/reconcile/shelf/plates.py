"""The plates of a shelf: the levels that stock is counted from, and changes not yet decided.

Only differences between two levels at rest count: real plates are not zeroed. A plate's slow
changes (creep, warmth, drift) are followed and never become stock.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from central.moments import to_us
from central.reconcile.identity import cause_of, spanning
from central.reconcile.shelf.beliefs import Leak, Unit, leak_at, unit_of
from central.reconcile.shelf.odds import Reading, Strange
from central.reconcile.verdict import Ignored, Logged, PlatePlan, Verdict
from central.stock.model import Cause
from gateway.contract import WeightDisturbed, WeightSettled

BEFORE_US = 400_000
"""A neighbour's step so long before a disturbance may still be what disturbed."""
SETTLING_US = 500_000
"""A level is the mean of so long: a step within is in it by a part."""
TOGETHER_US = 450_000
"""Steps of one cause come within this; windows end every 0.2 s."""
FOLLOWED = 0.4
"""A drift of less than this share of a piece is followed."""
PATIENCE_US = 20_000_000
UNSETTLED_MG = 1_500_000.0
"""What may weigh on a plate that is not at rest: a hand, a crate (SD)."""
REACH = 2
LEAKS_FROM = 15.0
"""A plate's change may be a leak of one so many times as large."""
MOST_LYING, MOST_MOVED = 8, 4
RESTED_US, LEAVING_US = 1_500_000, 1_200_000
"""A hand rests longer than a footstep shakes, and when it has left a plate, its neighbours are
weighed anew within this.
"""
_MAYBE_IN = 0.5


class Change(msgspec.Struct, array_like=True):
    """A new level that is not decided; it came between ``from_us`` and ``at_us``, by a step at
    ``step_us``.
    """

    from_us: int
    at_us: int
    step_us: int
    event_time: datetime
    gross_mg: int
    error_mg: float
    disturbed: bool
    log_id: int
    cause: Cause
    strange: bool = False


class Moved(msgspec.Struct, array_like=True):
    """A load that came or went lately, for what it leaked to others."""

    step_us: int
    load_mg: float
    variance: float


class Plate(msgspec.Struct):
    """One plate. ``lying`` are strange things on it, ``moved`` its last changes of load,
    ``returned`` from when to when it was disturbed for nothing.
    """

    device: str
    sku: str
    unit: Unit
    level_mg: int
    error_mg: float
    disturbed_us: int | None = None
    restarted: bool = False
    change: Change | None = None
    moved: list[Moved] = []
    returned: tuple[int, int] | None = None
    taken_us: int | None = None
    leaks: dict[int, Leak] = {}
    lying: list[tuple[float, float, str]] = []
    followed_mg: int = 0

    @property
    def strange(self) -> list[Strange]:
        """What lies here and is none of the plate's pieces."""
        return [Strange(*one) for one in self.lying]

    def load(self) -> tuple[float, float]:
        """By how much the undecided change moved the level, and its variance."""
        assert self.change is not None
        moved_mg = float(self.change.gross_mg - self.level_mg)
        return moved_mg, self.change.error_mg**2 + self.error_mg**2


class Shelf(msgspec.Struct):
    """All plates of one read point."""

    plates: dict[int, Plate] = {}

    def restart(self, device: str) -> None:
        """A device came up anew: its next level may have lost its zero."""
        for plate in self.plates.values():
            if plate.device == device:
                plate.restarted = True

    def disturb(self, seen: WeightDisturbed) -> str:
        """Never a movement; says why it was looked at for nothing."""
        plate = self.plates.get(seen.plate)
        if plate is not None:
            plate.disturbed_us = to_us(seen.event_time)
        return {"held": "something rests on the plate"}.get(seen.reason, seen.reason)

    def settle(self, logged: Logged, seen: WeightSettled, plan: PlatePlan) -> Verdict:
        """A plate came to rest: a change to be decided, or a drift to be followed."""
        plate = self.plates.get(seen.plate)
        if plate is None or not _is_same(plate, plan):
            reason = "baseline" if plate is None else "baseline: another item lies here now"
            self.plates[seen.plate] = Plate(
                device=seen.device,
                sku=plan.sku,
                unit=unit_of(plan.unit_mg, plan.unit_cv),
                level_mg=seen.gross_mg,
                error_mg=_error_mg(seen),
            )
            return Verdict(ignored=(Ignored(log_id=logged.log_id, reason=reason),))
        plate.device = seen.device
        plate.disturbed_us = None
        if plate.change is None and self._follows(plate, seen):
            reason = "the level drifts: followed"
            return Verdict(ignored=(Ignored(log_id=logged.log_id, reason=reason),))
        before_mg = plate.level_mg if plate.change is None else plate.change.gross_mg
        change = _change(logged, seen, plate.change)
        if seen.disturbed_at is not None:
            _remember(plate, change, to_us(seen.disturbed_at), float(seen.gross_mg - before_mg))
        plate.change = change
        return Verdict()

    def _follows(self, plate: Plate, seen: WeightSettled) -> bool:
        """Take slow changes into the level; whether that was all there is."""
        limit_mg = FOLLOWED * plate.unit.mean_mg
        level_mg = seen.gross_mg if seen.disturbed_at is None else seen.before_mg
        if level_mg is None or abs(level_mg - plate.level_mg) > limit_mg:
            return False
        plate.followed_mg += level_mg - plate.level_mg
        plate.level_mg = level_mg
        if seen.disturbed_at is not None:
            return False
        plate.error_mg = _error_mg(seen)
        return True

    def heavy(self, number: int, change: Change, least_mg: float) -> tuple[int, float] | None:
        """The one plate near by whose load moved, heavily, while this one changed; None when
        there is none, or another that moved as well.
        """
        moved = [
            (other, load_mg)
            for other in self._near_numbers(number)
            for load_mg, _, _ in self._loads(other, change)
            if abs(load_mg) > least_mg / LEAKS_FROM
        ]
        if len(moved) != 1 or abs(moved[0][1]) < least_mg:
            return None
        return moved[0]

    def leak(self, number: int, other: int) -> Leak:
        """The share of ``other``'s changes that plate ``number`` feels."""
        leaks = self.plates[number].leaks
        if other not in leaks:
            leaks[other] = leak_at(abs(number - other))
        return leaks[other]

    def unsettled(self, number: int, now_us: int) -> list[int]:
        """Plates near by that are not at rest and may yet leak, or that something rested on
        while this one was weighed and has only just left.
        """
        return [
            other
            for other in self._near_numbers(number)
            if self._may_leak(number, other, now_us) or self._just_left(number, other, now_us)
        ]

    def is_disturbed(self, number: int, now_us: int) -> bool:
        """Whether a plate is not at rest, nor given up."""
        since = self.plates[number].disturbed_us
        return since is not None and now_us - since < PATIENCE_US

    def _may_leak(self, number: int, other: int, now_us: int) -> bool:
        """Whether another plate is not at rest, and was not when this one was weighed."""
        change, since = self.plates[number].change, self.plates[other].disturbed_us
        before = change is None or since is None or since <= change.at_us
        return before and self.is_disturbed(other, now_us)

    def _just_left(self, number: int, other: int, now_us: int) -> bool:
        change, returned = self.plates[number].change, self.plates[other].returned
        if change is None or returned is None or now_us - returned[1] > LEAVING_US:
            return False
        is_long = returned[1] - returned[0] >= RESTED_US
        return is_long and returned[0] <= change.at_us <= returned[1]

    def _near_numbers(self, number: int) -> list[int]:
        around = range(number - REACH, number + REACH + 1)
        return [n for n in around if n != number and n in self.plates]

    def readings(self, number: int, now_us: int) -> list[Reading]:
        """A plate's undecided change less what its neighbours leaked into it: once with all of
        them in it, and once without those that may have come after it.
        """
        plate = self.plates[number]
        change = plate.change
        assert change is not None
        own_mg, own_var = plate.load()
        sure_mg = maybe_mg = 0.0
        sure_var = maybe_var = 0.0
        for other in self._near_numbers(number):
            leak = self.leak(number, other)
            for load_mg, variance, surely in self._loads(other, change):
                felt_var = leak.variance * load_mg**2 + leak.share**2 * variance
                if surely:
                    sure_mg += leak.share * load_mg
                    sure_var += felt_var
                else:
                    maybe_mg += leak.share * load_mg
                    maybe_var += felt_var
        for other in self.unsettled(number, now_us):
            leak = self.leak(number, other)
            sure_var += (leak.share**2 + leak.variance) * UNSETTLED_MG**2
        without = Reading(own_mg - sure_mg, own_var + sure_var, 1.0)
        if not maybe_mg:
            return [without]
        within = Reading(without.moved_mg - maybe_mg, without.variance + maybe_var, _MAYBE_IN)
        return [within, without._replace(weight=1.0 - _MAYBE_IN)]

    def _loads(self, other: int, change: Change) -> list[tuple[float, float, bool]]:
        """What moved on another plate while this one changed, and whether surely before its new
        level was weighed. Measured, not counted: its own leak is of the second order.
        """
        return [
            (one.load_mg, one.variance, one.step_us <= change.at_us - SETTLING_US)
            for one in self.plates[other].moved
            if change.from_us - BEFORE_US <= one.step_us <= change.at_us
        ]

    def is_with(self, number: int, change: Change) -> bool:
        """Whether a change came with a heavier one near by, which may be all there was to it."""
        own_mg = abs(self.plates[number].load()[0])
        return any(
            abs(one.step_us - change.step_us) <= TOGETHER_US
            and abs(one.load_mg) > LEAKS_FROM * own_mg
            for other in self._near_numbers(number)
            for one in self.plates[other].moved
        )


def _remember(plate: Plate, change: Change, since_us: int, load_mg: float) -> None:
    """Keep a load that came or went, for what it leaks to others."""
    variance = change.error_mg**2 + plate.error_mg**2
    plate.moved = [*plate.moved, Moved(change.step_us, load_mg, variance)][-MOST_MOVED:]
    if abs(load_mg) < FOLLOWED * plate.unit.mean_mg:
        plate.returned = (since_us, change.at_us)


def _is_same(plate: Plate, plan: PlatePlan) -> bool:
    return (plate.sku, plate.unit.planned_mg) == (plan.sku, plan.unit_mg)


def _error_mg(seen: WeightSettled) -> float:
    """How far a level may be off; an old edge tells the scatter of its samples alone."""
    return max(1.0, float(seen.std_mg if seen.error_mg is None else seen.error_mg))


def _change(logged: Logged, seen: WeightSettled, before: Change | None) -> Change:
    at_us = to_us(seen.event_time)
    from_us = at_us if seen.disturbed_at is None else to_us(seen.disturbed_at)
    stepped = seen.stepped_at or seen.disturbed_at or seen.event_time
    change = Change(
        from_us,
        at_us,
        to_us(stepped),
        seen.event_time,
        seen.gross_mg,
        _error_mg(seen),
        seen.disturbed_at is not None,
        logged.log_id,
        cause_of(logged),
    )
    if before is not None:
        change.disturbed = change.disturbed or before.disturbed
        change.cause = spanning([before.cause, change.cause])[0]
        change.from_us = min(from_us, before.from_us)
        change.strange = before.strange
        if seen.disturbed_at is None:  # the same level, known better
            change.at_us, change.event_time = before.at_us, before.event_time
            change.step_us = before.step_us
    return change
