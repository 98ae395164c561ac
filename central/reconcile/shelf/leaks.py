"""What of a plate's load weighs on its neighbours instead: a share of it, learned.

A shelf's plates are built alike, so what one of them feels of a load tells what the others do:
the share that goes to the next plate and to the next but one are believed together, for the
whole shelf, and each plate only deviates from that a little. All is normal, so that one
weighing after the other refines it (a Kalman filter without motion). Pure arithmetic.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

REACH = 2
"""Plates that are further away feel nothing of a load that could be told from noise."""
NEAR, FAR = 0.011, 0.006
"""To the next plate 0.7 to 1.6 % of a load, to the next but one 0.8 to 1.0 % (AiFi's shelf), at
most what an even spread of it would leave.
"""
NEAR_SD, FAR_SD, ALIKE = 0.004, 0.0028, 0.7
"""How far a shelf's shares are from that, and how far both go together: their correlation."""
DEVIATION_SD = (0.002, 0.0015)
"""Of one plate from its shelf's share, by distance: AiFi's two neighbours had 1.1 and 1.6 %."""
KNOWN_SD = 0.0005
"""Shares are never known better: plates are moved."""
MOST_DEVIATION = 0.01
MOST_SHARE = 0.04


class Common(NamedTuple):
    """The shares of a load that the next plates and the next but one feel, and their covariance."""

    near: float = NEAR
    far: float = FAR
    near_var: float = NEAR_SD**2
    far_var: float = FAR_SD**2
    both: float = ALIKE * NEAR_SD * FAR_SD

    def felt(self, near_mg: float, far_mg: float) -> float:
        """Of loads so near: what a plate feels in mg."""
        return self.near * near_mg + self.far * far_mg

    def doubt(self, near_mg: float, far_mg: float) -> float:
        """The variance of that, in mg²."""
        to_near, to_far = self._towards(near_mg, far_mg)
        return near_mg * to_near + far_mg * to_far

    def told(self, near_mg: float, far_mg: float, away_mg: float, variance: float) -> Common:
        """After a plate felt ``away_mg`` more than expected, with so much other noise."""
        to_near, to_far = self._towards(near_mg, far_mg)
        total = near_mg * to_near + far_mg * to_far + variance
        return Common(
            self.near + to_near * away_mg / total,
            self.far + to_far * away_mg / total,
            self.near_var - to_near * to_near / total,
            self.far_var - to_far * to_far / total,
            self.both - to_near * to_far / total,
        )

    def bounded(self) -> Common:
        """Never certain, and never carried away by a run of mistakes."""
        return self._replace(
            near=min(max(self.near, 0.0), MOST_SHARE),
            far=min(max(self.far, 0.0), MOST_SHARE),
            near_var=max(self.near_var, KNOWN_SD**2),
            far_var=max(self.far_var, KNOWN_SD**2),
        )

    def _towards(self, near_mg: float, far_mg: float) -> tuple[float, float]:
        return (
            self.near_var * near_mg + self.both * far_mg,
            self.both * near_mg + self.far_var * far_mg,
        )


class Leak(msgspec.Struct, array_like=True):
    """How a plate deviates from its shelf in what it feels of one other plate: a share of that
    one's load, and its variance.
    """

    share: float
    variance: float

    def learn(self, load_mg: float, away_mg: float, total_var: float) -> None:
        """It felt ``away_mg`` more than expected, where ``total_var`` was the doubt of that."""
        gain = self.variance * load_mg / total_var
        self.share = min(max(self.share + gain * away_mg, -MOST_DEVIATION), MOST_DEVIATION)
        self.variance = max(self.variance * (1.0 - gain * load_mg), KNOWN_SD**2)


def leak_at(distance: int) -> Leak:
    """Before anything was seen, between plates so far apart."""
    return Leak(0.0, DEVIATION_SD[distance - 1] ** 2)
