"""How long a tag may be silent before it is gone: learnt from its own gaps. Pure.

A tag that is present is heard at some rate that nobody knows and that drifts. Gaps between its
reads are taken as exponential of that rate, the rate as gamma distributed (its conjugate prior),
so that the next gap is Pareto distributed (Lomax): ``P(gap > t) = ((b + t) / b) ** -a``, where
``a`` counts the gaps heard and ``b`` adds them up, both with a prior of two gaps of
half a second. A tag heard once may therefore be silent for long; one whose gaps are known is held
to them.

Old gaps count for less, by a thirtieth with every new one: ``a`` stays at about thirty-one, so
the rate may drift, and the tail stays a little heavier than an exponential's. An average of the
gaps times ``-ln(1 - q)`` is the limit of this without prior and for many gaps: it takes a tag
that was heard twice in quick succession for one that is heard always.

Prior, forgetting and ``SURE`` were chosen on Nedap's scans (``docs/presence.md``), the same with
each label set and place left out: of those that know of a wanted tag's going within two seconds in
95 of 100 cases, leave it in place for all its gaps but one, and are twice as steady for the
ambient tags as a window of 10 s, the quickest for these.
"""

from __future__ import annotations

import msgspec

SURE = 0.998
"""A tag is gone when a present one would have been heard by now with this probability."""
_KEPT = 29 / 30
_PRIOR_GAPS = 2.0
_PRIOR_S = 1.0


class Gaps(msgspec.Struct, array_like=True):
    """A tag's gaps: how many, and how long together, in seconds."""

    number: float = 0.0
    seconds: float = 0.0

    def heard(self, silent_s: float, times: int = 1) -> None:
        """It was heard ``times`` more, evenly, within ``silent_s`` seconds."""
        kept = _KEPT ** min(times, 1_000)
        weight = (1.0 - kept) / (1.0 - _KEPT)
        self.number = self.number * kept + weight
        self.seconds = self.seconds * kept + weight * silent_s / times

    @property
    def mean_s(self) -> float:
        """The mean of the gaps heard; of none it is the prior's."""
        return self.seconds / self.number if self.number else _PRIOR_S

    def longest_s(self, sure: float = SURE) -> float:
        """The gap that a present tag's next one does not exceed with probability ``sure``."""
        power: float = (1.0 - sure) ** (-1.0 / (_PRIOR_GAPS + self.number))
        return (_PRIOR_S + self.seconds) * (power - 1.0)

    def sure_after(self, silent_s: float) -> float:
        """How probable it was that a present tag is heard within this silence."""
        all_s = _PRIOR_S + self.seconds
        ratio = all_s / (all_s + max(0.0, silent_s))
        return float(1.0 - ratio ** (_PRIOR_GAPS + self.number))
