"""How a configured device is set up, as an observation: in the log, so that replay knows it."""

from __future__ import annotations

from typing import Any

from edge.config import DeviceConfig
from edge.fold.moments import moment
from gateway.contract import Antenna, DeviceDescribed

_PLACE = ("side", "alias", "x_m", "y_m", "z_m", "yaw_deg")


def describe(device: DeviceConfig, now_us: int) -> DeviceDescribed:
    """The description of one device as of ``now_us``."""
    options = device.options
    antennas = [_antenna(one) for one in getattr(options, "antennas", ())]
    return DeviceDescribed(
        device=device.name,
        read_point=device.read_point,
        event_time=moment(now_us),
        driver=device.driver,
        antennas=antennas,
        plate=device.plate if hasattr(options, "plate") else None,
    )


def _antenna(option: Any) -> Antenna:  # noqa: ANN401 (any driver's own settings)
    known = {name: getattr(option, name, None) for name in _PLACE}
    given = {name: value for name, value in known.items() if value is not None}
    return Antenna(antenna=option.antenna, **given)
