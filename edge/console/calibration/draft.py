"""What one calibration has measured so far, and the line from counts to grams that follows. Pure.

Levels are in the device's own figures: raw counts, or grams of a scale that weighs by itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from edge.console.calibration import model
from edge.console.calibration.model import Noise
from edge.console.calibration.plate import Kind
from edge.console.calibration.settling import Level

Position = Literal["front-left", "front-right", "back-left", "back-right"]
POSITIONS: tuple[Position, ...] = ("front-left", "front-right", "back-left", "back-right")
Grams = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A known mass that lay on the plate, and what was read. ``uncertainty_g`` is for k = 2."""

    mass_g: float
    level: Level
    uncertainty_g: float = 0.0
    pieces: int | None = None


class Creep(msgspec.Struct, frozen=True, kw_only=True):
    """A load that lay for ``seconds``: how far its reading moved from the first, at most."""

    mass_g: float
    seconds: float
    first: float
    furthest: float
    last: float


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """So many pieces of one kind, weighed together; ``cv`` is how much they differ."""

    pieces: int
    level: Level
    cv: float = 0.01


class Draft(msgspec.Struct, kw_only=True):
    """Grows step by step. ``division_g`` 0: not chosen yet, the noise decides."""

    kind: Kind
    division_g: float = 0.0
    capacity_g: float | None = None
    noise: Noise | None = None
    zero: Level | None = None
    span: Loaded | None = None
    second: Loaded | None = None
    lifts: list[Level] = []
    lifted_g: float = 0.0
    corners: dict[str, Level] = {}
    cornered_g: float = 0.0
    creep: Creep | None = None
    zero_again: Level | None = None
    unit: Unit | None = None

    @property
    def counts_per_g(self) -> float | None:
        """The factor, as soon as zero and span are known; 1 for a scale that tells grams."""
        if self.kind == "grams":
            return 1.0
        if self.zero is None or self.span is None:
            return None
        return (self.span.level.mean - self.zero.mean) / self.span.mass_g

    @property
    def factor_uncertainty(self) -> float | None:
        """Its relative standard uncertainty."""
        if self.zero is None or self.span is None:
            return None
        return model.factor_uncertainty(
            mass_g=self.span.mass_g,
            mass_uncertainty_g=self.span.uncertainty_g,
            change=self.span.level.mean - self.zero.mean,
            change_sigma=max(self.zero.error, self.span.level.error),
        )

    def grams(self, value: float) -> float | None:
        """What a figure of the device weighs, as far as is known."""
        factor = self.counts_per_g
        if factor is None:
            return None
        if self.kind == "grams":
            return value
        assert self.zero is not None
        return (value - self.zero.mean) / factor

    def grams_of_spread(self, spread: float) -> float | None:
        """A deviation of the device's figures, in grams."""
        factor = self.counts_per_g
        return None if factor is None else abs(spread / factor)

    @property
    def division(self) -> float | None:
        """The division that errors are counted in: chosen, or what suits noise and load."""
        if self.division_g:
            return self.division_g
        sigma_g = None if self.noise is None else self.grams_of_spread(self.noise.second_sigma)
        if sigma_g is None:
            return None
        loads = [one.mass_g for one in (self.span, self.second) if one is not None]
        return model.division_for(sigma_g, self.capacity_g or max(loads, default=0.0))

    @property
    def good_for_g(self) -> float | None:
        """The lightest piece that this plate tells from its noise where it stands."""
        sigma_g = None if self.noise is None else self.grams_of_spread(self.noise.second_sigma)
        return None if sigma_g is None else model.smallest_piece_g(sigma_g)

    @property
    def unit_g(self) -> float | None:
        """The weight of one piece, learnt."""
        if self.unit is None:
            return None
        on = self.grams(self.unit.level.mean)
        empty = 0.0 if self.kind == "counts" or self.zero is None else self.zero.mean
        return None if on is None else (on - empty) / self.unit.pieces

    @property
    def countable(self) -> model.Countable | None:
        """How many of these pieces can be counted for sure."""
        unit_g, noise = self.unit_g, self.noise
        if not unit_g or unit_g <= 0 or noise is None or self.unit is None:
            return None
        sigma_g = self.grams_of_spread(noise.second_sigma)
        assert sigma_g is not None
        return model.countable(
            unit_g, sigma_g, pieces_weighed=self.unit.pieces, unit_cv=self.unit.cv
        )


def as_setting(value: float) -> Decimal:
    """A figure for the settings: nine digits are more than any load cell has."""
    return Decimal(f"{value:.9g}")
