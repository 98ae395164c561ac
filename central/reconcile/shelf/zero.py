"""A plate's zero: where its level stands when nothing lies on it, and when that may be set anew.

Stock is counted from differences, so a zero that drifts moves none. It is watched for people: a
level says how much lies there only from a zero that is right. A zero is known where the plate was
calibrated or its scale showed its own centre of zero, and it is set anew only when the model says
that the plate is empty: pieces were surely taken, nothing strange lies there, and what is left is
less than half a piece. What drifts on a plate that has been empty since is seen too.
"""

from __future__ import annotations

from central.reconcile.identity import cause_of
from central.reconcile.shelf.plate import Plate
from central.reconcile.verdict import Logged, Rezeroed
from gateway.contract import WeightSettled

EMPTY = 0.5
"""An empty plate's level is less than this share of a piece from its zero."""
MOVED, MOVED_SIGMAS, MOVED_MG = 0.1, 3.0, 1_000.0
"""A zero has moved when it is off by this share of a piece, by so much of the level's error, and by
so much.
"""


def knows_zero(plate: Plate, seen: WeightSettled) -> None:
    """A level was told by a plate that was calibrated, or by a scale that shows its zero."""
    if seen.zero and plate.change is None:
        plate.zero_mg, plate.is_empty = float(plate.level_mg), True
    elif seen.calibration is not None and plate.zero_mg is None:
        plate.zero_mg = 0.0


def moved(plate: Plate, *, counted: bool, taken: bool) -> None:
    """A change was decided: the plate is empty if pieces were surely taken and no half of one is
    left. Anything else that moved leaves that open.
    """
    plate.is_empty = (
        counted
        and taken
        and plate.zero_mg is not None
        and not plate.lying
        and abs(plate.level_mg - plate.zero_mg) < EMPTY * plate.unit.mean_mg
    )


def rezero(plate: Plate, number: int, read_point: str, logged: Logged) -> tuple[Rezeroed, ...]:
    """Set the zero of an empty plate anew, if it has moved; tells that it did."""
    zero_mg = plate.zero_mg
    if zero_mg is None or not plate.is_empty:
        return ()
    away_mg = plate.level_mg - zero_mg
    least_mg = max(MOVED * plate.unit.mean_mg, MOVED_SIGMAS * plate.error_mg, MOVED_MG)
    if abs(away_mg) < least_mg:
        return ()
    plate.zero_mg = float(plate.level_mg)
    told = Rezeroed(
        read_point=read_point,
        plate=number,
        sku=plate.sku,
        event_time=logged.observation.event_time,
        before_mg=round(zero_mg),
        after_mg=plate.level_mg,
        error_mg=round(plate.error_mg),
        unit_mg=plate.unit.planned_mg,
        cause=cause_of(logged),
    )
    return (told,)
