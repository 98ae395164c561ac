"""Goods that went by, perhaps, while a portal did not hear (``outage``): asked about, never posted.

One question for each such time. What is known of a tag is its reads before and after, and where
the books have its goods: those that are inside can only have gone out, all others only have come
in. Whether they went at all nobody can tell who did not look: as likely as not, and likelier the
more the tag's reads look like a crossing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from central.database.moments import from_us
from central.reconcile.hypotheses import count, ranked
from central.reconcile.portal import guesses
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.decided import Decided, told
from central.reconcile.portal.desk import Desk
from central.reconcile.portal.features import SHAPE, WAY, Seen
from central.reconcile.portal.missing import Suspect
from central.reconcile.portal.on_stock import Books
from central.reconcile.portal.outage import Outage
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import INSIDE, OUTSIDE, UNKNOWN
from central.reconcile.portal.weighing import DOUBT_AT, Crossing, weigh
from central.reconcile.verdict import Context, Hypothesis, ReadPoint
from gateway.gs1 import decode_epc

HELD = "held by a technician"
UNHEARD = "heard in part"
"""The reasons of the reviews."""
GONE = 0.5
FOUND = 0.9
"""How probably goods went through that are gone, and that are found on the other side."""
_NOTHING_SEEN = Seen((0.0,) * len(SHAPE), (0.0,) * len(WAY))


def crossings_of(
    suspects: Mapping[str, Suspect],
    portal: Portal,
    context: Context,
    books: Books,
) -> list[Crossing]:
    """The suspects that are goods and not where the books have them, each with its odds."""
    kept = [one for epc, one in suspects.items() if context.pack_of(epc) is not None]
    kept = [one for one in kept if _is_missing(one, books)]
    found = {one.track.epc: one.found for one in kept}
    weighed = weigh([one.track for one in kept if one.track.ears], portal, context)
    silent = [_unheard(one, context) for one in kept if not one.track.ears]
    return [
        one._replace(odds=_odds(one, FOUND if found[one.track.epc] != UNKNOWN else GONE))
        for one in sorted([*weighed, *silent], key=lambda one: one.track.epc)
    ]


def cut_off(crossings: Sequence[Crossing], makers: frozenset[str]) -> list[Crossing]:
    """Those of a pass that was cut which may have crossed: strays beside it are none of them."""
    return [
        one
        for one in crossings
        if not one.known and (one.track.epc in makers or one.odds.crossed >= DOUBT_AT)
    ]


def ask(
    crossings: Sequence[Crossing],
    *,
    portal: Portal,
    point: ReadPoint,
    books: Books,
    pass_id: str,
    outage: Outage,
) -> Decided:
    """One question about all of these tags; nothing moves."""
    desk = _Desk(portal, point, books, pass_id, crossings)
    desk.ask_of(outage)
    return told(crossings, [], desk.reviews, desk.notes)


def told_of(outage: Outage) -> dict[str, object]:
    """A time in which nobody heard, as a review's evidence has it."""
    until_us = outage.until_us
    return {
        "device": outage.device,
        "state": outage.state,
        "cause": outage.cause,
        "from": from_us(outage.since_us).isoformat(),
        "until": from_us(until_us).isoformat() if until_us else None,
    }


class _Desk(Desk):
    """Where the tags of a time are asked about in which nobody heard."""

    def ask_of(self, outage: Outage) -> None:
        goods = [self._by_the_books(one) for one in self._all if one.pack is not None]
        ways = {way: [one for one in goods if one.direction == way] for way in ("in", "out")}
        for one in goods:
            self._note(one, "in doubt", crossed=False)
        if goods:
            reason = HELD if outage.held else UNHEARD
            guessed = ranked(self._guesses(ways["in"], ways["out"]))
            self._ask(reason, goods, guessed, outage=told_of(outage))

    def _by_the_books(self, one: Crossing) -> Crossing:
        """The same tag, going the way that its goods can go."""
        side = self._books.side(one.track.epc)
        if one.expected or side == UNKNOWN:
            return one
        inwards = 0.0 if side == INSIDE else 1.0
        return one._replace(odds=one.odds._replace(inwards=inwards))

    def _guesses(self, ins: Sequence[Crossing], outs: Sequence[Crossing]) -> list[Hypothesis]:
        """All went, or only those one way, or none."""
        came, left = _mean(ins), _mean(outs)
        found = [
            self._guess(ins, outs, came * left if ins and outs else came or left),
            Hypothesis(says=guesses.NOTHING, probability=(1.0 - came) * (1.0 - left)),
        ]
        if ins and outs:
            found += [
                self._guess(ins, (), came * (1.0 - left)),
                self._guess((), outs, left * (1.0 - came)),
            ]
        return found

    def _guess(
        self, ins: Sequence[Crossing], outs: Sequence[Crossing], probability: float
    ) -> Hypothesis:
        went = ((ins, "came in"), (outs, "went out"))
        says = " and ".join(f"{count(len(ones), 'tag')} {how}" for ones, how in went if ones)
        movements = self._lots([*ins, *outs], None)
        moved = {epc for movement in movements for epc in movement.epcs}
        return Hypothesis(
            says=f"{says} meanwhile",
            probability=probability,
            movements=movements,
            crossed={
                one.track.epc: one.direction for one in (*ins, *outs) if one.track.epc not in moved
            },
        )


def _is_missing(one: Suspect, books: Books) -> bool:
    """Whether it is gone, or was found on the side where the books do not have its goods."""
    side = books.side(one.track.epc)
    return one.found == UNKNOWN or {one.found, side} == {INSIDE, OUTSIDE}


def _unheard(one: Suspect, context: Context) -> Crossing:
    track = one.track
    odds = Judged(0.0, 0.5, track.last_us)
    pack = context.pack_of(track.epc)
    return Crossing(track, decode_epc(track.epc), _NOTHING_SEEN, odds, False, pack)


def _odds(one: Crossing, least: float) -> Judged:
    return one.odds._replace(crossed=least + (1.0 - least) * one.odds.crossed)


def _mean(ones: Sequence[Crossing]) -> float:
    return sum(one.odds.crossed for one in ones) / len(ones) if ones else 0.0
