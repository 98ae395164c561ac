"""Figures and units as scales write them, to readings. Pure; shared by the scale protocols."""

from __future__ import annotations

from decimal import Decimal

from drivers.readings import DeviceEvent, WeightReading, WeightStatus

NUMBER = rb"(?P<sign>[-+]?) {0,8}(?P<digits>\d{1,12}(?:[.,]\d{0,9})?|[.,]\d{1,9})"
"""A figure with its sign, which may stand apart from it. For use in a protocol's pattern."""

UNIT = rb"(?P<unit>[A-Za-z\xb5%#][A-Za-z/*']{0,5})"
"""A unit as scales write it."""

_UNITS = {"pc": "pcs", "pce": "pcs", "lbs": "lb", "kgs": "kg"}


def figure(sign: bytes, digits: bytes) -> Decimal:
    """The value with all the digits sent; minus zero is zero. Raises ``ValueError``."""
    text = digits.decode("ascii").replace(",", ".").replace(" ", "")
    if not text.replace(".", "", 1).isdigit():
        raise ValueError(f"No figure ({text!r})")
    value = Decimal(text)
    return -value if sign == b"-" and value else value


def unit_of(text: bytes | None) -> str | None:
    """A unit in lower case, pieces always ``pcs``; ``None`` where none was sent."""
    unit = (text or b"").decode("latin-1").strip().lower()
    return _UNITS.get(unit, unit) or None


def beyond(sign: bytes) -> WeightReading:
    """Beyond the range: under it where the figure's sign is minus."""
    under = sign == b"-"
    return fault(WeightStatus.UNDERLOAD if under else WeightStatus.OVERLOAD)


def fault(status: WeightStatus, *, stable: bool | None = None) -> WeightReading:
    """A scale that tells its state and no weight."""
    return WeightReading(value=None, status=status, stable=stable)


def told(line: bytes) -> DeviceEvent:
    """What a scale says that is no statement about its load."""
    return DeviceEvent(name="info", detail=line.decode("ascii", "backslashreplace").strip())
