"""Masses to whole milligrams, exactly."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

# International pound: 0.45359237 kg exactly; ounce 1/16 of it; troy ounce 31.1034768 g exactly
# (NIST SP 811, appendix B.8).
_MG: dict[str, Decimal] = {
    "mg": Decimal(1),
    "g": Decimal(1_000),
    "kg": Decimal(1_000_000),
    "t": Decimal(1_000_000_000),
    "lb": Decimal("453592.37"),
    "oz": Decimal("28349.523125"),
    "ozt": Decimal("31103.4768"),
    "ct": Decimal(200),
}
_NO_SCALES_MG = Decimal(10) ** 15


def milligrams(value: Decimal, unit: str | None) -> int | None:
    """The mass in mg, rounded half to even; ``None`` for a unit that is not a mass, and for a
    million tonnes and more, which noise can spell and no scale weighs.
    """
    factor = _MG.get((unit or "").strip().lower())
    if factor is None or not value.is_finite() or abs(value * factor) >= _NO_SCALES_MG:
        return None
    return int((value * factor).to_integral_value(ROUND_HALF_EVEN))


def division_mg(value: Decimal, unit: str | None) -> int:
    """The mass of one step of the last digit sent, at least 1 mg; 1 mg for unknown units.

    ``100.00 g`` has steps of 10 mg. A scale may show steps of 2 or 5: this is the lower bound.
    """
    factor = _MG.get((unit or "").strip().lower())
    exponent = value.as_tuple().exponent
    if factor is None or not isinstance(exponent, int):
        return 1
    return max(1, round(factor * Decimal(1).scaleb(min(exponent, 0))))
