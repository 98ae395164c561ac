"""What judging makes of passes through a portal apart from all books: test walks, recordings. Pure.

No stock need stand behind them: every tag stands for one piece of one item that is known and may
go either way, until a movement of it is posted. Passes of one read point that follow each other are
one log to judging, as they would be in production: what it learned of the place from one it knows
in the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from central.reconcile.holdings import NOTHING_HELD, Holdings
from central.reconcile.reconciler import Reconciler
from central.reconcile.serials import serial_of
from central.reconcile.verdict import Context, Logged, Pack, ReadPoint, Review, Verdict
from central.stock.model import Movement
from gateway.contract import Observation
from gateway.gs1 import sgtin96_hex

__all__ = ["INSIDE", "Names", "Rehearsal", "Told"]

_GTIN, _COMPANY_DIGITS = "09521234000013", 7
INSIDE, _ELSEWHERE = "inside", "elsewhere"


class Told(NamedTuple):
    """What is said of one tag: ``way`` is 1 inwards, -1 outwards, 0 undecided; ``t`` when it
    moved and ``known_t`` when that was known, in seconds; ``asked`` is why a person is asked, empty
    where it is posted.
    """

    epc: str
    t: float
    way: int
    known_t: float
    confidence: float
    asked: str


class Names:
    """Each EPC as one that the catalogue knows: a serial of one item."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}

    def ours(self, epc: str) -> str:
        """What judging sees."""
        made = self._ours.get(epc)
        if made is None:
            made = sgtin96_hex(_GTIN, _COMPANY_DIGITS, len(self._ours) + 1)
            self._ours[epc], self._theirs[made] = made, epc
        return made

    def theirs(self, epc: str) -> str:
        """What was heard."""
        return self._theirs[epc]


class _Ledger(Mapping[str, str]):
    """Where each tag's goods are: after what was posted there, before that where they were
    ``before`` (``None``: nowhere), or where they may come in and go out. It begins anew with every
    pass, since nobody knows what was between.
    """

    def __init__(self, before: Mapping[str, str | None]) -> None:
        self._before = {
            name: place for epc, place in before.items() for name in (epc, serial_of(epc))
        }
        self._posted: dict[str, str] = {}

    def post(self, movements: Iterable[Movement]) -> None:
        """As the ledger would."""
        for movement in movements:
            self._posted.update(dict.fromkeys(movement.epcs, movement.destination))

    def __getitem__(self, epc: str) -> str:
        place = self._posted.get(epc) or self._before.get(epc, _ELSEWHERE)
        if place is None:
            raise KeyError(epc)
        return place

    def __iter__(self) -> Iterator[str]:
        return iter(self._posted)

    def __len__(self) -> int:
        return len(self._posted)


class Rehearsal:
    """One portal's judging from pass to pass, in the order in which they were made. Tags in the
    observations go by ``Names``.
    """

    def __init__(self, read_point: str) -> None:
        self._point = ReadPoint(code=read_point, kind="portal", location=INSIDE)
        self._reconciler = Reconciler()
        self._seq = 0

    def judged(
        self,
        log: Iterable[tuple[int, Observation]],
        began: datetime,
        before: Mapping[str, str | None] | None = None,
        held: Holdings = NOTHING_HELD,
    ) -> Iterator[Told]:
        """What is made of each tag of one pass; ``log`` has each observation with when it was had,
        in microseconds since 1970, from ``began`` on; ``before`` is where a ledger has tags:
        ``INSIDE``, ``None`` for nowhere; ``held`` what it holds there.
        """
        ledger = _Ledger(before or {})
        context = Context(
            read_points={self._point.code: self._point},
            packs={_GTIN: Pack(gtin=_GTIN, sku="ITEM")},
            placed=ledger,
            held=held,
        )
        origin_us = round(began.timestamp() * 1e6)
        for at_us, observation in log:
            self._seq += 1
            logged = Logged(self._seq, "edge", "recording", self._seq, observation)
            verdict = self._reconciler.judge([logged], context)
            ledger.post(verdict.movements)
            yield from _answers(verdict, began, (at_us - origin_us) / 1e6)


def _answers(verdict: Verdict, began: datetime, known_t: float) -> Iterator[Told]:
    """Movements, and what was proposed to a person: each tag once."""
    asked: list[tuple[Movement, str]] = [(movement, "") for movement in verdict.movements]
    asked += [(movement, one.reason) for one in verdict.reviews for movement in one.proposals]
    for movement, why in asked:
        way = 1 if movement.evidence["direction"] == "in" else -1
        t = (movement.event_time - began).total_seconds()
        for epc in movement.epcs:
            yield Told(epc, t, way, known_t, movement.confidence, why)
    for one in verdict.reviews:
        if not one.proposals:
            yield from _undecided(one, began, known_t)


def _undecided(review: Review, began: datetime, known_t: float) -> Iterator[Told]:
    t = (review.event_time - began).total_seconds()
    told = review.evidence["tags"]
    assert isinstance(told, list)
    for tag in told:
        yield Told(tag["epc"], t, 0, known_t, tag["confidence"], review.reason)
