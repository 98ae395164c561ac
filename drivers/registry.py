"""Which drivers there are: ``kind`` -> ``"module:Class"``, imported when one is used.

An edge with scales alone thus never imports sllurp. Other distributions add kinds by entry
points in the group ``tallyport.drivers``; a name of ours cannot be taken over.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

from drivers.driver import Decoder, Driver, Tap
from drivers.frames import FrameDecoder

GROUP = "tallyport.drivers"

DRIVERS: dict[str, str] = {
    "and-standard": "drivers.scale:AND_STANDARD",
    "cas-22": "drivers.scale:CAS_22",
    "cas-enq": "drivers.scale:CAS_ENQ",
    "dibal-epos-tisa": "drivers.scale:DIBAL_EPOS_TISA",
    "dini-argeo": "drivers.scale:DINI_ARGEO",
    "llrp": "drivers.llrp:LlrpReader",
    "modbus-rtu": "drivers.scale_modbus:ModbusRtuScale",
    "modbus-tcp": "drivers.scale_modbus:ModbusTcpScale",
    "mt-continuous": "drivers.scale:MT_CONTINUOUS",
    "mt-continuous-checksum": "drivers.scale:MT_CONTINUOUS_CHECKSUM",
    "mt-sics": "drivers.scale_mtsics:MtSicsScale",
    "nci-scp01": "drivers.scale:NCI_SCP01",
    "ohaus-print": "drivers.scale:OHAUS_PRINT",
    "ohaus-ranger": "drivers.scale:OHAUS_RANGER",
    "radwag": "drivers.scale:RADWAG",
    "sartorius-sbi": "drivers.scale:SARTORIUS_SBI",
    "scale-pattern": "drivers.scale_pattern:PatternScale",
    "scanner": "drivers.scanner:SerialScanner",
    "scanner-hid": "drivers.scanner_hid:HidScanner",
    "sma": "drivers.scale:SMA",
    "st-gs": "drivers.scale:ST_GS",
    "toledo-8217": "drivers.scale:TOLEDO_8217",
}

FORMATS: dict[str, str] = {
    "ble-2a9d": "drivers.ble_weights:WEIGHT_SCALE_SERVICE",
    "ble-acaia": "drivers.ble_weights:ACAIA",
    "ble-decent": "drivers.ble_weights:DECENT",
    "ble-mi-13": "drivers.ble_weights:XIAOMI",
}
"""Bytes that can be decoded without there being a driver that fetches them."""


class UnknownDriver(LookupError):
    """No driver of this kind; the message names those there are and the nearest."""


class DriverClass(Protocol):
    """What a driver's class offers; calling it builds a ``Driver`` for one connection."""

    @property
    def Config(self) -> Any:  # noqa: ANN401, N802 - a frozen pydantic model, each driver its own
        """The driver's settings model, checked before anything is opened."""
        ...

    def decoder(self) -> Decoder:
        """Build a fresh decoder of the device's bytes."""
        ...

    def __call__(self, config: Any, *, tap: Tap | None = None) -> Driver:  # noqa: ANN401
        """Build the driver; ``tap`` gets the raw bytes as they come."""
        ...


def decoder(kind: str) -> Decoder:
    """Build a fresh decoder of the bytes of this kind, whether or not it has a driver.

    Raises as ``load`` does.
    """
    if kind in FORMATS:
        module, _, name = FORMATS[kind].partition(":")
        return FrameDecoder(getattr(import_module(module), name))
    return load(kind).decoder()


def kinds() -> tuple[str, ...]:
    """All kinds that ``load`` knows, sorted."""
    return tuple(sorted({*DRIVERS, *_plugins()}))


def load(kind: str) -> DriverClass:
    """Import the driver of this kind.

    Raises ``UnknownDriver``, or ``ImportError`` when the package it needs is not installed.
    """
    try:
        if kind in DRIVERS:
            module, _, name = DRIVERS[kind].partition(":")
            return cast("DriverClass", getattr(import_module(module), name))
        plugin = _plugins().get(kind)
        if plugin is not None:
            return cast("DriverClass", plugin.load())
    except ImportError as error:
        raise ImportError(
            f'The driver "{kind}" cannot be loaded: {error}. Is tallyport[edge] installed?'
        ) from error
    known = kinds()
    near = difflib.get_close_matches(kind.lower(), known, n=1, cutoff=0.4)
    guess = f' Did you mean "{near[0]}"?' if near else ""
    raise UnknownDriver(f'There is no driver "{kind}". Known: {", ".join(known)}.{guess}')


def _plugins() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
