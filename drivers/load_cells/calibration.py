"""From raw counts to grams: what a person measured once, kept as configuration with a version.

The node is never flashed anew for it, and what was weighed names the version it was weighed under.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_COUNTS_MAX = 2**31
_FINEST = -3
"""A thousandth of a gram: what crosses the wire is milligrams."""

Counts = Annotated[Decimal, Field(ge=-_COUNTS_MAX, le=_COUNTS_MAX)]


class Calibration(BaseModel):
    """``counts = zero_counts + grams * counts_per_g``, measured with ``mass_g`` on the plate.

    ``version`` rises with every new calibration of this plate; what was weighed names it.
    ``counts_per_g`` is negative where a load lowers the counts. ``zero_counts_per_k`` is how far
    the zero moves per kelvin away from ``at_c``; it counts where the node sends a temperature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=65_535)]
    date: date
    by: Annotated[str, Field(min_length=1, max_length=64)]
    mass_g: Annotated[Decimal, Field(gt=0, le=10**9)]
    zero_counts: Counts
    counts_per_g: Counts
    zero_counts_per_k: Counts | None = None
    at_c: Annotated[Decimal, Field(ge=-100, le=200)] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if abs(self.counts_per_g) < Decimal("0.000001"):
            raise ValueError("counts_per_g is zero: a load that changes nothing cannot be weighed")
        if (self.zero_counts_per_k is None) != (self.at_c is None):
            raise ValueError("zero_counts_per_k and at_c belong together: give both or neither")
        return self

    @property
    def step(self) -> Decimal:
        """The power of ten next below the mass of one count, in grams: what figures are kept to."""
        return Decimal(1).scaleb(max(_FINEST, -(self.counts_per_g.adjusted() + 1)))

    def grams(self, counts: Decimal, temp_c: Decimal | None = None) -> Decimal:
        """What so many counts weigh, to ``step``. ``temp_c`` is the cell's temperature."""
        zero = self.zero_counts
        if self.zero_counts_per_k is not None and self.at_c is not None and temp_c is not None:
            zero += self.zero_counts_per_k * (temp_c - self.at_c)
        value = ((counts - zero) / self.counts_per_g).quantize(self.step, ROUND_HALF_EVEN)
        return value or abs(value)  # never minus zero

    def spread_g(self, std: Decimal) -> Decimal:
        """A standard deviation of counts in grams, not rounded."""
        return std / abs(self.counts_per_g)
