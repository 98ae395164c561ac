"""What an instrument makes of a load plate: ten weights a second, rounded, stable or not.

The plate is one of a ``drivers.emulators.shelf_physics`` shelf. The instrument averages over
``average_s``, rounds to its division, and calls a weight stable when the last half second
stayed within so many divisions.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import fmean

from drivers.emulators.shelf_physics import BENCH, RATE_HZ, Shelf, quieter

SAMPLE_S = 0.1
_RAW_PER_SAMPLE = round(SAMPLE_S * RATE_HZ)
_STABLE_SAMPLES = 6
_BENCH_DIVISION_MG = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """What the instrument shows: rounded to its division."""

    gross_mg: int
    stable: bool


class LoadCell:
    """One plate. ``set_load_mg`` puts on or takes off; ``sample`` moves time on by 0.1 s.

    Without a ``shelf`` it stands alone on a firm bench, troubled as much as its division is
    coarse.
    """

    def __init__(
        self,
        *,
        division_mg: int,
        seed: int = 0,
        shelf: Shelf | None = None,
        plate: int = 0,
        average_s: float = SAMPLE_S,
        stable_divisions: int = 1,
    ) -> None:
        calm = quieter(BENCH, division_mg / _BENCH_DIVISION_MG)
        self._shelf = Shelf(1, noise=calm, seed=seed) if shelf is None else shelf
        self._plate = plate
        self._division_mg = division_mg
        self._band_mg = stable_divisions * division_mg
        self._raw: deque[float] = deque(maxlen=max(1, round(average_s * RATE_HZ)))
        self._shown: deque[int] = deque(maxlen=_STABLE_SAMPLES)

    @property
    def load_mg(self) -> int:
        """What lies on the plate."""
        return round(self._shelf.load_g(self._plate) * 1000)

    def set_load_mg(self, load_mg: int) -> None:
        """Put on or take off; a hand presses first, and the plate rings after it."""
        self._shelf.set_load_g(self._plate, load_mg / 1000)

    def sample(self) -> Sample:
        """Give the next tenth of a second."""
        self._raw.extend(self._shelf.raw(self._plate, _RAW_PER_SAMPLE))
        mean_mg = fmean(self._raw) * 1000
        shown_mg = round(mean_mg / self._division_mg) * self._division_mg
        self._shown.append(shown_mg)
        full = len(self._shown) == _STABLE_SAMPLES
        calm = max(self._shown) - min(self._shown) <= self._band_mg
        return Sample(gross_mg=shown_mg, stable=full and calm)
