"""How long a tag may be silent before it is gone: learnt from its own gaps. Pure.

A tag that is present is heard at some rate that nobody knows and that drifts. Gaps between its
reads are taken as exponential of that rate, the rate as gamma distributed (its conjugate prior),
so that the next gap is Pareto distributed (Lomax): ``P(gap > t) = ((b + t) / b) ** -a``, where
``a`` counts the gaps heard and ``b`` adds them up.

An hour told absent and an hour told present too long cost alike: then a tag is gone when that is
as probable as that it stays and was missed. With stays of ``ONCE_IN_S`` seconds that is where
``P(gap > t) = gap / (gap + ONCE_IN_S)``, so that a present tag is told gone by mistake no oftener
than once in that time (and far less often if it is heard often: ``central.reconcile.zone.zone``
believes no silence so early). It is ``gap * ln(1 + ONCE_IN_S / gap)`` for a rate that is known:
more times its gap for a tag that is heard often, as it has more gaps in an hour.

Before its first gap a tag is one of the zone's, heard once in some seconds: ``PRIOR_GAPS`` gaps of
``PRIOR_S`` together. Old gaps, these among them, count for less, by a thirtieth with every new
one: so what was presumed is forgotten once a tag is known, the rate may drift, and the tail stays
a little heavier than an exponential's. A presumption as weak as two short gaps takes a tag that
was heard twice in quick succession for one that is heard always; a window of fixed length is the
limit of an infinitely strong one.

Chosen on Nedap's scans among the rules of ``benchmarks/accuracy/presence_folds.py``, which leaves
each label set and place out in turn (``docs/presence.md``). A prior learnt from the first gaps of
the zone's tags was tried and is worse: whom one hears first is heard often.
"""

from __future__ import annotations

import msgspec

ONCE_IN_S = 20.0
KEPT = 29 / 30
PRIOR_GAPS = 6.0
PRIOR_S = 60.0
_UNHEARD_S = 1.0


class Gaps(msgspec.Struct, array_like=True):
    """A tag's gaps: how many, and how long together, in seconds; and the share that is left of
    the presumed ones.
    """

    number: float = 0.0
    seconds: float = 0.0
    presumed: float = 1.0

    def heard(self, silent_s: float, times: int = 1) -> None:
        """It was heard ``times`` more, evenly, within ``silent_s`` seconds."""
        kept = KEPT if times == 1 else KEPT ** min(times, 1_000)
        weight = 1.0 if times == 1 else (1.0 - kept) / (1.0 - KEPT)
        self.number = self.number * kept + weight
        self.seconds = self.seconds * kept + weight * silent_s / times
        self.presumed *= kept

    @property
    def mean_s(self) -> float:
        """The mean of the gaps heard; of none, a second."""
        return self.seconds / self.number if self.number else _UNHEARD_S

    def _believed(self) -> tuple[float, float]:
        left = self.presumed
        return self.number + left * PRIOR_GAPS, self.seconds + left * PRIOR_S

    def patience_s(self, once_in_s: float = ONCE_IN_S) -> float:
        """The silence after which a present tag is told gone once in that time, by mistake."""
        number, seconds = self._believed()
        chance: float = (1.0 + once_in_s * number / seconds) ** (1.0 / number)
        return seconds * (chance - 1.0)

    def sure_after(self, silent_s: float) -> float:
        """How probable it was that a present tag is heard within this silence."""
        number, seconds = self._believed()
        ratio = seconds / (seconds + max(0.0, silent_s))
        return float(1.0 - ratio**number)
