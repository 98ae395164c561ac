"""How far tags are that go by together: still coming, past their best, over, or standing there.

A group may be judged once its best moment is past: not when all is silent, which among strays it
never is, and not at a window's end, which cuts where it likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from central.reconcile.portal import live, segment
from central.reconcile.portal.live import FEW, Live
from central.reconcile.portal.track import Track

OVER_SHARE = 0.5
"""A group's best moment is past when no more than this share of its best amplitude is heard, and"""
OVER_US = 800_000
"""when three quarters of its tags were loudest so long ago. A decision is wanted within 2 s of
the crossing; earlier ones are only worse."""
SOON_SHARE, SOON_US = 0.75, 400_000
"""It is probably past when no more than this share is heard, and three quarters were loudest so
long ago: whoever is all but certain then need not be waited for."""
RISING = 1.5
LOW_SHARE = 0.1
"""and when it is not coming back: no more is heard than so many times the least since, or than
such a share of the best."""
FINAL_US = 4_000_000
SLOW = 1.5
LATEST_US = 10_000_000
"""Half of its tags were loudest so long ago, or for the slow so many times longer than they took
to come, but at most the latest: it is judged as it is, sure or not, unless it came and stands."""
STANDS_US = 2_000_000
"""So long after its best moment it is asked whether it stands."""
HUSH_US = 1_000_000
"""At the end of a window in silence nothing more is to come of who was silent so long."""
LONE_SHARE = 0.15
ALONE_US = 2_500_000
"""A tag or two may fade for longer on their way than any of a pallet's tags do together: they are
over when they are silent, or at the latest."""


class State(Enum):
    """How far a group is: tags still come nearer, or its best moment is probably past, or is, or
    it is over, or it stands there since.
    """

    OPEN = 0
    PAST = 1
    OVER = 2
    STANDING = 3
    SOON = 4


def how_far(
    company: Sequence[Live],
    now_us: int,
    *,
    silent: bool,
    blind: bool,
    since_us: int,
    before: int = 0,
    turned: bool = False,
) -> State:
    """How far a group is, now; meanwhile its tags are told whether they stand. ``silent`` says
    that a window closed in silence, ``blind`` that no antenna's side is known, ``since_us`` from
    when on anything was heard here, ``before`` how many of the group have been judged already, and
    ``turned`` that these are coming back.
    """
    few = len(company) + before < FEW
    if not company:  # another group at nearly the same time has them all
        return State.OPEN
    tops = sorted(one.pulse.top_us for one in company)
    past_us = now_us - tops[(3 * len(tops)) // 4]
    waited_us = now_us - tops[len(tops) // 2]
    steady = waited_us > STANDS_US and live.is_steady(company, now_us)
    live.stand(company, steady=steady)
    silent_us = now_us - max(one.track.last_us for one in company)
    gone = all(one.pulse.is_gone(now_us) for one in company)
    if few:
        gone = gone and silent_us > ALONE_US
    if turned or (gone and past_us > OVER_US) or (silent and silent_us > HUSH_US):
        return State.OVER
    if past_us < SOON_US or blind:
        return State.OPEN  # goods held before a blind portal do not go: they are a scan
    if waited_us > LATEST_US:
        return State.STANDING if steady and live.came(company, since_us) else State.OVER
    state = _fallen(company, now_us, past_us, few=few)
    if state is State.PAST and not steady and waited_us > _final_us(company, few=few):
        return State.OVER
    return state


def _final_us(company: Sequence[Live], *, few: bool) -> int:
    """How long after its best moment it is judged as it is."""
    if few:
        return LATEST_US
    came_us = sorted(one.pulse.top_us - one.track.first_us for one in company)[len(company) // 2]
    return min(max(FINAL_US, round(SLOW * came_us)), LATEST_US)


def _fallen(company: Sequence[Live], now_us: int, past_us: int, *, few: bool) -> State:
    """Whether its best moment is past, by how much is heard now."""
    fall = segment.fall((_curve(one.track) for one in company), now_us)
    if fall.now > max(RISING * fall.least, LOW_SHARE):
        return State.OPEN
    if past_us >= OVER_US and fall.now <= (LONE_SHARE if few else OVER_SHARE):
        return State.PAST
    return State.SOON if fall.now <= (LONE_SHARE if few else SOON_SHARE) else State.OPEN


def _curve(track: Track) -> segment.Curve:
    """How much was heard of a tag in each stretch of its track."""
    amplitudes = []
    for start in range(0, len(track.levels), 6):
        counts, sums = track.levels[start : start + 6 : 2], track.levels[start + 1 : start + 6 : 2]
        amplitudes.append(
            sum(n * 10.0 ** (total / n / 20.0) for n, total in zip(counts, sums, strict=True) if n)
        )
    return track.first_us, track.width_us, amplitudes
