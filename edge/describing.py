"""How a device is set up, as an observation: in the log, so that a replay knows it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.config import DeviceConfig
from edge.fold.moments import moment
from gateway.contract import Antenna, DeviceDescribed

_SIDES = ("outside", "inside", "unknown")


def describe(device: DeviceConfig, at_us: int) -> DeviceDescribed:
    """What the settings say of a device: its antennas and where they look, or its plate."""
    options: Mapping[str, Any] = device.options.model_dump() if device.options is not None else {}
    antennas = [_antenna(one) for one in options.get("antennas") or ()]
    place = options.get("port") or options.get("host") or ""
    return DeviceDescribed(
        device=device.name,
        read_point=device.read_point,
        event_time=moment(at_us),
        driver=device.driver,
        antennas=antennas,
        plate=options.get("plate"),
        description=f"{options['host']}:{place}" if "host" in options else str(place),
    )


def _antenna(options: Mapping[str, Any]) -> Antenna:
    side = str(options.get("side") or "unknown")
    return Antenna(
        antenna=int(options["antenna"]),
        side=side if side in _SIDES else "unknown",
        alias=options.get("alias") or "",
        x_m=options.get("x_m"),
        y_m=options.get("y_m"),
        z_m=options.get("z_m"),
        yaw_deg=options.get("yaw_deg"),
    )
