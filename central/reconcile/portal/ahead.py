"""What of a pallet has been judged already, while the rest of it is still on its way.

A pallet is judged as soon as it is sure; a case of it that was nearest a little later, or that was
in doubt, is judged when it is ripe itself. By then most of its group is gone from the table, and
alone it would look like a stray. So what crossed is kept for a while, and who comes behind it is
weighed beside it, as if the whole group were judged only now.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from central.reconcile.portal.crossing import when
from central.reconcile.portal.features import Lain
from central.reconcile.portal.track import Track

KEPT_US = 60_000_000
"""Whoever belongs to a group is judged so soon after its middle, also where time passes only with
the edge's words of its health."""
MOST_AHEAD = 400


class Ahead(msgspec.Struct, array_like=True):
    """A tag that crossed: its track, when it was nearest, and what was known of it before."""

    track: Track
    nearest_us: int
    lain: Lain | None = None


def ahead_of(track: Track, lain: Lain | None) -> Ahead:
    """A tag that has just been judged to have crossed."""
    return Ahead(track, when(track).centre_us, lain)


def kept(ones: Sequence[Ahead], now_us: int) -> list[Ahead]:
    """Those that are not too long gone, and of too many the last."""
    fresh = [one for one in ones if now_us - one.nearest_us <= KEPT_US]
    return fresh[-MOST_AHEAD:]
