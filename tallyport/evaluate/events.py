"""What happened beside what was judged: events of one thing, met in time. Pure.

One thing is a tag, or a plate. Its events are told as they add up: +1 for coming in, -1 for
going out; so many pieces on a plate. Events that follow each other closely are one happening,
and what counts of it is its net effect: who comes and turns back has not moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Event(NamedTuple):
    """``quantity`` at ``t`` seconds: the truth, or what was judged, with when that was known,
    how sure it was, and whether a person was asked.
    """

    t: float
    quantity: int
    judged: bool
    known_t: float = 0.0
    confidence: float = 1.0
    asked: str = ""


class Happening(NamedTuple):
    """Events that belong together: the net truth, the net answer, and the events themselves."""

    want: int
    got: int
    posted: int
    events: tuple[Event, ...]

    @property
    def t(self) -> float:
        """When it truly was, or else was judged to have been."""
        true = [one.t for one in self.events if not one.judged]
        return true[-1] if true else self.events[-1].t

    @property
    def asked(self) -> str:
        """Why a person was asked; empty when nobody was."""
        return next((one.asked for one in self.events if one.asked), "")

    @property
    def latency_s(self) -> float | None:
        """From the truth to the answer, where there are both."""
        true = [one.t for one in self.events if not one.judged]
        known = [one.known_t for one in self.events if one.judged]
        return known[-1] - true[-1] if true and known else None


def happenings(events: Iterable[Event], gap_s: float) -> list[Happening]:
    """Cut one thing's events where ``gap_s`` went by without any."""
    ordered = sorted(events, key=lambda one: one.t)
    groups: list[list[Event]] = []
    for one in ordered:
        if groups and one.t - groups[-1][-1].t <= gap_s:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [_of(group) for group in groups]


def _of(group: Sequence[Event]) -> Happening:
    return Happening(
        want=sum(one.quantity for one in group if not one.judged),
        got=sum(one.quantity for one in group if one.judged),
        posted=sum(one.quantity for one in group if one.judged and not one.asked),
        events=tuple(group),
    )
