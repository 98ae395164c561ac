"""How a device is set up, as an observation: in the log, so that a replay knows it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.config import DeviceConfig
from edge.fold.moments import moment
from gateway.contract import Antenna, CellCalibration, Certificate, DeviceDescribed

_SIDES = ("outside", "inside", "unknown")


def describe(
    device: DeviceConfig, at_us: int, certificate: Certificate | None = None
) -> DeviceDescribed:
    """What the settings say of a device: its antennas and where they look, or its plate."""
    options: Mapping[str, Any] = device.options.model_dump() if device.options is not None else {}
    antennas = [_antenna(one) for one in options.get("antennas") or ()]
    return DeviceDescribed(
        device=device.name,
        read_point=device.read_point,
        event_time=moment(at_us),
        driver=device.driver,
        antennas=antennas,
        plate=options.get("plate"),
        description=_place(options),
        calibration=_calibration(options.get("calibration")),
        certificate=certificate,
    )


def _place(options: Mapping[str, Any]) -> str:
    """Where the device is, for people."""
    broker = options.get("broker") or options.get("mqtt")
    if broker:
        name = options["node"] if "node" in options else broker["heard"]
        return f"{name} by the broker at {broker['host']}:{broker['port']}"
    if listen := options.get("listen"):
        caller = listen["reader_id"] or options["host"] or "any reader"
        return f"{caller} dials in to port {listen['port']}"
    place = options.get("port") or options.get("host") or ""
    return f"{options['host']}:{place}" if options.get("host") else str(place)


def _calibration(options: Mapping[str, Any] | None) -> CellCalibration | None:
    if options is None:
        return None
    zero_per_k, at_c = options["zero_counts_per_k"], options["at_c"]
    return CellCalibration(
        version=options["version"],
        on=options["date"].isoformat(),
        by=options["by"],
        mass_g=format(options["mass_g"], "f"),
        zero_counts=format(options["zero_counts"], "f"),
        counts_per_g=format(options["counts_per_g"], "f"),
        zero_counts_per_k=None if zero_per_k is None else format(zero_per_k, "f"),
        at_c=None if at_c is None else format(at_c, "f"),
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
