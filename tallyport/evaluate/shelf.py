"""A shelf's recording, judged as in production and held against its truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from central.reconcile.shelf.beliefs import USUAL_NOISE_MG, countable
from central.reconcile.verdict import Context, PlatePlan, ReadPoint, Verdict
from central.stock.model import Movement
from drivers.recording import ChangeTruth, Recording, ShelfHeader
from edge.replaying import replay_recording
from gateway.contract import DeviceDescribed, DeviceHealth, Observation
from tallyport.evaluate.events import Event, Happening, happenings
from tallyport.evaluate.judging import verdicts

TOGETHER_S = 4.0
"""Changes of a plate that follow each other so closely are counted as one: it never came to
rest in between.
"""
_AFTERWARDS = timedelta(seconds=60)
_STOCK = "shelf"


class PlateHappening(NamedTuple):
    """What happened on one plate, once, and what was made of it."""

    plate: int
    seen: Happening


def grade(recording: Recording) -> list[PlateHappening]:
    """Everything that changed on a plate or was judged to, by time."""
    assert isinstance(recording.header, ShelfHeader)
    return held_against_truth(recording, _judged(recording, recording.header))


def countable_by_plate(recording: Recording) -> dict[int, int]:
    """The most pieces in one change that each plate tells from one more or less, by its plan and
    at a usual shelf's noise.
    """
    assert isinstance(recording.header, ShelfHeader)
    return {
        one.plate: countable(one.unit_mg, one.unit_cv, USUAL_NOISE_MG)
        for one in recording.header.plates
    }


def held_against_truth(
    recording: Recording, judged: Iterable[tuple[int, Event]]
) -> list[PlateHappening]:
    """What was judged of each plate beside what was true of it, by time."""
    events: dict[int, list[Event]] = {}
    for line in recording.truths:
        if isinstance(line, ChangeTruth):
            events.setdefault(line.plate, []).append(Event(line.t, line.quantity, judged=False))
    for plate, event in judged:
        events.setdefault(plate, []).append(event)
    found = [
        PlateHappening(plate, one)
        for plate, its in events.items()
        for one in happenings(its, TOGETHER_S)
    ]
    return sorted(found, key=lambda one: (one.seen.t, one.plate))


def _judged(recording: Recording, header: ShelfHeader) -> Iterator[tuple[int, Event]]:
    began = header.started_at
    point = ReadPoint(code=header.read_point, kind="shelf", location=_STOCK)
    plans = {
        (header.read_point, one.plate): PlatePlan(
            read_point=header.read_point,
            plate=one.plate,
            sku=one.item,
            unit_mg=one.unit_mg,
            unit_cv=one.unit_cv,
        )
        for one in header.plates
    }
    context = Context(read_points={header.read_point: point}, plates=plans)
    items = {one.plate: one.item for one in header.plates}
    for verdict, known_t in verdicts(_log(recording, header), context, began):
        yield from _answers(verdict, began, known_t, items)


def _log(recording: Recording, header: ShelfHeader) -> Iterator[tuple[int, Observation]]:
    at_us = round(header.started_at.timestamp() * 1e6)
    for plate in header.plates:
        yield (
            at_us,
            DeviceDescribed(
                device=f"plate-{plate.plate}",
                read_point=header.read_point,
                event_time=header.started_at,
                driver="mt-sics",
                plate=plate.plate,
            ),
        )
    last = header.started_at
    for at_us, observation in replay_recording(recording):
        last = max(last, observation.event_time)
        yield at_us, observation
    for plate in header.plates:
        yield (
            at_us,
            DeviceHealth(
                device=f"plate-{plate.plate}",
                read_point=header.read_point,
                event_time=last + _AFTERWARDS,
                state="running",
            ),
        )


def _answers(
    verdict: Verdict, began: datetime, known_t: float, items: Mapping[int, str]
) -> Iterator[tuple[int, Event]]:
    """What was posted or asked, by plate. A truth tells of a plate's own pieces: another lane's
    piece that was put there counts as a question, and as none of them.
    """
    asked: list[tuple[Movement, str]] = [(movement, "") for movement in verdict.movements]
    asked += [(one.proposals[0], one.reason) for one in verdict.reviews if one.proposals]
    for movement, why in asked:
        sign = 1 if movement.destination == _STOCK else -1
        t = (movement.event_time - began).total_seconds()
        plate = movement.evidence["plate"]
        assert isinstance(plate, int)
        quantity = sign * movement.quantity if movement.sku == items[plate] else 0
        yield plate, Event(t, quantity, True, known_t, movement.confidence, why)
    for one in verdict.reviews:
        if not one.proposals:
            plate = one.evidence["plate"]
            assert isinstance(plate, int)
            t = (one.event_time - began).total_seconds()
            yield plate, Event(t, 0, True, known_t, 0.0, one.reason)
