"""What a photo-eye in the door says of who crossed. Pure.

Whatever crosses darkens the beam, and so does much that does not (people, empty trolleys,
a pallet that turns back late). So a darkness alone never makes a movement: it only tells when a
crossing was. That the beam stayed free while a group should have crossed speaks against it, by as
much as the eye has earned (``eye``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from central.reconcile.portal.eye import Dark, Eye
from central.reconcile.portal.weighing import SURE_AT, SURE_SHARE, Crossing

SHORT_US = 6_000_000
"""Of a darkness up to this the middle is when the pallet crossed; in a longer one it stood."""
HEEDED_AT = 0.1
ASKED_AT_MOST = 0.55
"""An eye that misses less than this share is never overruled without a person: what should have
crossed through a free beam keeps at most this probability, below ``desk.SURE_TAG``."""


def heed(crossings: Sequence[Crossing], eye: Eye) -> list[Crossing]:
    """Each tag in the light of the beam: when it crossed, or that it hardly did."""
    if not eye.darks:
        return list(crossings)
    return [_heeded(one, eye) for one in crossings]


def learn(crossings: Sequence[Crossing], makers: Collection[str], eye: Eye) -> None:
    """What a group that was judged without the eye (``crossings`` before ``heed``) says of it."""
    own = [one for one in crossings if one.track.epc in makers]
    surely = [one for one in own if one.confidence >= SURE_AT]
    if not eye.darks or not surely or len(surely) < SURE_SHARE * len(own):
        return
    seen = sum(eye.around(one.odds.centre_us) is not None for one in surely)
    eye.learn(dark=2 * seen >= len(surely))


def _heeded(one: Crossing, eye: Eye) -> Crossing:
    dark = eye.around(one.odds.centre_us)
    if dark is not None:
        return one._replace(odds=one.odds._replace(centre_us=_crossed_us(dark, one)))
    share = eye.miss_share
    crossed = _times(one.odds.crossed, share)
    if share < HEEDED_AT:
        crossed = min(crossed, ASKED_AT_MOST)
    return one._replace(odds=one.odds._replace(crossed=crossed))


def _crossed_us(dark: Dark, one: Crossing) -> int:
    since_us, until_us = dark
    if since_us == until_us:
        return max(one.odds.centre_us, since_us)
    if until_us - since_us <= SHORT_US:
        return (since_us + until_us) // 2
    return min(max(one.odds.centre_us, since_us), until_us)


def _times(probability: float, factor: float) -> float:
    """A probability with its odds multiplied; no odds are infinite."""
    inside = min(max(probability, 1e-9), 1.0 - 1e-9)
    odds = inside / (1.0 - inside) * factor
    return odds / (1.0 + odds)
