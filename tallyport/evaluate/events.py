"""What happened beside what was judged: events of one thing, met in time. Pure.

One thing is a tag, or a plate. Its events are told as they add up: +1 for coming in, -1 for
going out; so many pieces on a plate. Events that follow each other closely are one happening,
and what counts of it is its net effect: who comes and turns back has not moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Mistake = Literal["missed", "wrong direction", "spurious", "doubled", "too few"]


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
    def mistake(self) -> Mistake | None:
        """What was wrong with the answer; None when nothing was."""
        if self.want == self.got:
            return None
        if not self.want:
            return "spurious"
        if not self.got:
            return "missed"
        if (self.want > 0) != (self.got > 0):
            return "wrong direction"
        return "doubled" if abs(self.got) > abs(self.want) else "too few"

    def true_so(self, quantity: int) -> int:
        """How much truly went the way of this quantity, whether or not it came back."""
        true = [one.quantity for one in self.events if not one.judged]
        return sum(abs(one) for one in true if (one > 0) == (quantity > 0))

    @property
    def confidence(self) -> float | None:
        """How sure the answer was, at its least sure; None without one."""
        return min((one.confidence for one in self.events if one.judged), default=None)

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


def happenings(events: Iterable[Event], gap_s: float, *, alone_s: float = 0.0) -> list[Happening]:
    """Cut one thing's events where ``gap_s`` went by without any. A truth and an answer that would
    both stand alone are put together within ``alone_s``.
    """
    ordered = sorted(events, key=lambda one: one.t)
    groups: list[list[Event]] = []
    for one in ordered:
        if groups and one.t - groups[-1][-1].t <= gap_s:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [_of(group) for group in _paired(groups, alone_s)]


def _paired(groups: list[list[Event]], alone_s: float) -> list[list[Event]]:
    """Put a lone truth and a lone answer after or before it together."""
    paired: list[list[Event]] = []
    for group in groups:
        if (
            paired
            and group[0].t - paired[-1][-1].t <= alone_s
            and _lone(group) + _lone(paired[-1]) == 0
            and _lone(group)
        ):
            paired[-1] = [*paired[-1], *group]
        else:
            paired.append(group)
    return paired


def _lone(group: Sequence[Event]) -> int:
    """-1 for truths without an answer, 1 for answers without a truth, 0 for both."""
    judged = {one.judged for one in group}
    return 0 if len(judged) == 2 else 1 if True in judged else -1


def _of(group: Sequence[Event]) -> Happening:
    return Happening(
        want=sum(one.quantity for one in group if not one.judged),
        got=sum(one.quantity for one in group if one.judged),
        posted=sum(one.quantity for one in group if one.judged and not one.asked),
        events=tuple(group),
    )
