"""A plate: the level its stock is counted from, and the change that is not decided yet."""

from __future__ import annotations

from datetime import datetime

import msgspec

from central.database.moments import to_us
from central.reconcile.identity import cause_of, spanning
from central.reconcile.shelf.beliefs import Shown, Unit, unit_of
from central.reconcile.shelf.leaks import Leak
from central.reconcile.shelf.odds import (
    DEAD,
    LIVELY,
    RESTED,
    RETURNED,
    RETURNED_LATE,
    Reading,
    Strange,
)
from central.reconcile.verdict import Logged, PlatePlan
from central.stock.model import Cause
from gateway.contract import WeightSettled

FOLLOWED = 0.4
"""A drift of less than this share of a piece is followed."""
MOST_LYING, MOST_MOVED, MOST_ASIDE = 8, 4, 4
SOON_US = 60_000_000
"""What was put down for a moment goes within this."""
HANDS_FROM_MG = 50_000.0
"""Less than this is no hand that rests."""
STILL_SPREADS, STILL_SHARE, STILL_ERROR = 4.0, 0.01, 0.0025
"""A load lies still when what it shakes by is less than so many times the plate's own spread, or
this share of it; its level, when its error is less than this share.
"""
STILLER = 0.6
STEADY_US, AGAIN_US = 2_500_000, 1_900_000
"""What was undisturbed for so long lies still; an edge tells a fresh level once more after so long.
"""
HOLD_US = 20_000_000
"""So long something strange may lie on a plate before anybody is asked: hands go away, and so
does what was put down for a moment.
"""
PRESSED_MG, UNTOUCHED_MG = 10_000.0, 2_000.0
"""Only hands move a plate so far beyond both its levels; a neighbour's leak does not. By
less than the second nobody was at it, so far as is known: of 1,265 changes of 5 g pieces on 800
shelves for training, hands moved 126 plates so little.
"""
SETTLES_US, SETTLES = 3_000_000, 0.002
"""A level told among the last rings of a load comes right by this share of it (SD) soon after."""
_SPREADS = 0.2
_MOST_SPREAD = 2.0


class Change(msgspec.Struct, array_like=True):
    """A new level that is not decided; it came between ``from_us`` and ``at_us``, by a step at
    ``step_us``. ``lively`` is how much likelier than else it is a hand, by how still it lies;
    ``beyond_mg`` how far the plate was pressed or lifted beyond both levels, where that is known;
    ``again`` whether its level was told once more, undisturbed.
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
    lively: float = 1.0
    beyond_mg: float | None = None
    again: bool = False

    @property
    def is_pressed(self) -> bool:
        """Whether a hand was surely at the plate."""
        return self.beyond_mg is not None and self.beyond_mg >= PRESSED_MG

    @property
    def is_untouched(self) -> bool:
        """Whether the plate came to its new level as if nobody was at it."""
        return self.disturbed and self.beyond_mg is not None and self.beyond_mg < UNTOUCHED_MG

    def spans(self, before: Change, *, anew: bool) -> None:
        """Both are one change with the one ``before``; ``anew``, its very level."""
        self.disturbed = self.disturbed or before.disturbed
        self.cause = spanning([before.cause, self.cause])[0]
        self.from_us = min(self.from_us, before.from_us)
        self.strange = before.strange
        if before.beyond_mg is not None:
            self.beyond_mg = max(before.beyond_mg, self.beyond_mg or 0.0)
        if anew:
            self.at_us, self.event_time = before.at_us, before.event_time
            self.step_us = before.step_us


class Moved(msgspec.Struct, array_like=True):
    """A load that came or went lately, for what it leaked to others; ``beyond_mg`` is how far the
    plate was pressed or lifted besides.
    """

    step_us: int
    load_mg: float
    variance: float
    beyond_mg: float = 0.0


class Returned(msgspec.Struct, array_like=True):
    """A plate was disturbed for nothing, from when to when, and went so far from its level."""

    from_us: int
    at_us: int
    away_mg: float | None = None


class Lying(msgspec.Struct, array_like=True):
    """Something that came to lie at ``at_us`` and was not counted; of item ``sku``, if known.
    ``doubt`` is how likely it is none of the plate's own pieces.
    """

    at_us: int
    mass_mg: float
    variance: float
    sku: str
    doubt: float = 1.0


class Aside(msgspec.Struct, array_like=True):
    """A change that is not decided though others followed it: it may be taken away again. It led
    from ``before_mg`` to its level, and is read as ``readings``.
    """

    change: Change
    before_mg: int
    readings: list[Reading]


class Plate(msgspec.Struct):
    """One plate. Its level was weighed at ``weighed_us``. ``lying`` are strange things on it,
    ``aside`` the undecided of them, ``moved`` its last changes of load, ``returned`` when it was
    last disturbed for nothing, ``spread_mg`` how much it shakes by itself; ``zero_mg`` is its level
    with nothing on it, where that is known.
    """

    device: str
    sku: str
    unit: Unit
    level_mg: int
    error_mg: float
    weighed_us: int = 0
    disturbed_us: int | None = None
    restarted: bool = False
    change: Change | None = None
    moved: list[Moved] = []
    returned: Returned | None = None
    taken_us: int | None = None
    leaks: dict[int, Leak] = {}
    lying: list[Lying] = []
    aside: list[Aside] = []
    followed_mg: int = 0
    spread_mg: float | None = None
    zero_mg: float | None = None
    is_empty: bool = False

    def strange(self, now_us: int) -> list[Strange]:
        """What lies here and is none of the plate's pieces."""
        found = []
        for one in self.lying:
            prior = RETURNED if now_us - one.at_us < SOON_US else RETURNED_LATE
            found.append(Strange(one.mass_mg, one.variance, one.sku, prior * one.doubt))
        return found

    def load(self) -> tuple[float, float]:
        """By how much the undecided change moved the level, and its variance."""
        change = self.change
        assert change is not None
        moved_mg = float(change.gross_mg - self.level_mg)
        variance = change.error_mg**2 + self.error_mg**2
        for one in self.moved:
            if 0 < change.step_us - one.step_us < SETTLES_US:
                variance += (SETTLES * one.load_mg) ** 2
        return moved_mg, variance

    def lively(self, now_us: int) -> float:
        """How much likelier than else the undecided load is a hand, by how still it lies."""
        assert self.change is not None
        if abs(self.change.gross_mg - self.level_mg) < HANDS_FROM_MG:
            return 1.0
        rested_us = 0 if self.disturbed_us is not None else now_us - self.change.at_us
        if rested_us >= HOLD_US:
            return RESTED
        is_steady = self.is_steady(now_us) and self.change.lively < LIVELY
        return DEAD if is_steady else self.change.lively

    def is_steady(self, now_us: int) -> bool:
        """Whether the undecided load was told once more, or was undisturbed for long enough."""
        assert self.change is not None
        if self.disturbed_us is not None:
            return False
        return self.change.again or now_us - self.change.at_us >= STEADY_US

    def is_planned(self, plan: PlatePlan) -> bool:
        """Whether the plan still says that this item lies here."""
        return (self.sku, self.unit.planned_mg) == (plan.sku, plan.unit_mg)

    def follows(self, seen: WeightSettled) -> bool:
        """Take slow changes into the level; whether that was all there is."""
        limit_mg = FOLLOWED * self.unit.mean_mg
        level_mg = seen.gross_mg if seen.disturbed_at is None else seen.before_mg
        if level_mg is None or abs(level_mg - self.level_mg) > limit_mg:
            return False
        self.followed_mg += level_mg - self.level_mg
        self.level_mg = level_mg
        if seen.disturbed_at is not None:
            return False
        self.error_mg, self.weighed_us = error_mg(seen), to_us(seen.event_time)
        self._hear_spread(seen)
        return True

    def change_to(self, logged: Logged, seen: WeightSettled) -> None:
        """A level that is not decided yet, or that is told anew."""
        before_mg = self.level_mg if self.change is None else self.change.gross_mg
        change = _change(logged, seen)
        change.lively = self._lively(seen)
        if seen.disturbed_at is not None:
            self._remember(change, to_us(seen.disturbed_at), seen, float(seen.gross_mg - before_mg))
        if self.change is not None:
            change.spans(self.change, anew=self.is_same(seen))
            rested_us = to_us(seen.event_time) - change.at_us
            change.again = seen.disturbed_at is None and rested_us >= AGAIN_US
        self.change = change

    def is_same(self, seen: WeightSettled) -> bool:
        """Whether this is the undecided change's level, known better or come to rest anew."""
        assert self.change is not None
        moved_mg = abs(seen.gross_mg - self.change.gross_mg)
        return seen.disturbed_at is None or moved_mg < FOLLOWED * self.unit.mean_mg

    def _remember(self, change: Change, since_us: int, seen: WeightSettled, load_mg: float) -> None:
        """Keep a load that came or went, for what it leaks to others."""
        variance = change.error_mg**2 + self.error_mg**2
        moved = Moved(change.step_us, load_mg, variance, change.beyond_mg or 0.0)
        self.moved = [*self.moved, moved][-MOST_MOVED:]
        if abs(load_mg) < FOLLOWED * self.unit.mean_mg:
            self.returned = Returned(since_us, change.at_us, _away_mg(seen))

    def _hear_spread(self, seen: WeightSettled) -> None:
        """What it shakes by at rest; a footstep teaches little."""
        if self.spread_mg is None:
            self.spread_mg = max(1.0, float(seen.std_mg))
        heard = min(float(seen.std_mg), _MOST_SPREAD * self.spread_mg)
        self.spread_mg += _SPREADS * (max(heard, 1.0) - self.spread_mg)

    def _lively(self, seen: WeightSettled) -> float:
        """How a load lies that came: as still as goods, or as a hand does."""
        if self.spread_mg is None:
            return 1.0
        moved_mg = abs(float(seen.gross_mg - self.level_mg))
        if moved_mg < HANDS_FROM_MG:
            return 1.0
        still_mg = max(STILL_SPREADS * self.spread_mg, STILL_SHARE * moved_mg)
        unsure = error_mg(seen) > max(self.spread_mg, STILL_ERROR * moved_mg)
        if seen.std_mg > still_mg or unsure:
            return LIVELY
        return DEAD if seen.std_mg < STILLER * still_mg else 1.0


def plate_at(seen: WeightSettled, plan: PlatePlan, shown: Shown) -> Plate:
    """A plate as it is first seen."""
    return Plate(
        device=seen.device,
        sku=plan.sku,
        unit=unit_of(plan.unit_mg, plan.unit_cv, shown),
        level_mg=seen.gross_mg,
        error_mg=error_mg(seen),
        weighed_us=to_us(seen.event_time),
        spread_mg=max(1.0, float(seen.std_mg)),
    )


def _away_mg(seen: WeightSettled) -> float | None:
    """How far a plate went from its new level while it was disturbed."""
    if seen.lowest_mg is None or seen.highest_mg is None:
        return None
    return float(max(seen.highest_mg - seen.gross_mg, seen.gross_mg - seen.lowest_mg))


def _beyond_mg(seen: WeightSettled) -> float | None:
    """How far it went beyond the levels before and after."""
    if seen.lowest_mg is None or seen.highest_mg is None or seen.before_mg is None:
        return None
    low_mg, high_mg = sorted((seen.before_mg, seen.gross_mg))
    return float(max(seen.highest_mg - high_mg, low_mg - seen.lowest_mg, 0))


def error_mg(seen: WeightSettled) -> float:
    """How far a level may be off; an old edge tells the scatter of its samples alone."""
    return max(1.0, float(seen.std_mg if seen.error_mg is None else seen.error_mg))


def _change(logged: Logged, seen: WeightSettled) -> Change:
    at_us = to_us(seen.event_time)
    from_us = at_us if seen.disturbed_at is None else to_us(seen.disturbed_at)
    stepped = seen.stepped_at or seen.disturbed_at or seen.event_time
    return Change(
        from_us,
        at_us,
        to_us(stepped),
        seen.event_time,
        seen.gross_mg,
        error_mg(seen),
        seen.disturbed_at is not None,
        logged.log_id,
        cause_of(logged),
        beyond_mg=_beyond_mg(seen),
    )
