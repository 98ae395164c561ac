"""Which drivers there are: ``kind`` -> ``"module:Class"``, imported when one is used.

An edge with scales alone thus never imports sllurp. Other distributions add kinds by entry
points in the group ``tallyport.drivers``; a name of ours cannot be taken over, and one that cannot
be loaded is told when it is asked for, and stops nothing else (see ``docs/add_a_device.md``).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

import msgspec
from pydantic import BaseModel

from drivers.driver import Decoder, Driver, Tap
from drivers.frames import FrameDecoder

GROUP = "tallyport.drivers"

DRIVERS: dict[str, str] = {
    "and-standard": "drivers.scales.scale:AND_STANDARD",
    "ble-acaia": "drivers.scales.ble:AcaiaScale",
    "ble-bthome": "drivers.scales.ble:BthomeScale",
    "ble-decent": "drivers.scales.ble:DecentScale",
    "ble-weight-scale": "drivers.scales.ble:WeightScaleService",
    "ble-xiaomi": "drivers.scales.ble:XiaomiScale",
    "cas-22": "drivers.scales.scale:CAS_22",
    "cas-enq": "drivers.scales.scale:CAS_ENQ",
    "dibal-epos-tisa": "drivers.scales.scale:DIBAL_EPOS_TISA",
    "dini-argeo": "drivers.scales.scale:DINI_ARGEO",
    "llrp": "drivers.llrp.reader:LlrpReader",
    "load-cell-mqtt": "drivers.load_cells.node:LoadCellMqtt",
    "load-cell-serial": "drivers.load_cells.node:LoadCellSerial",
    "modbus-rtu": "drivers.scales.modbus:ModbusRtuScale",
    "modbus-tcp": "drivers.scales.modbus:ModbusTcpScale",
    "mt-continuous": "drivers.scales.scale:MT_CONTINUOUS",
    "mt-continuous-checksum": "drivers.scales.scale:MT_CONTINUOUS_CHECKSUM",
    "mt-sics": "drivers.scales.mtsics:MtSicsScale",
    "nci-scp01": "drivers.scales.scale:NCI_SCP01",
    "ohaus-print": "drivers.scales.scale:OHAUS_PRINT",
    "ohaus-ranger": "drivers.scales.scale:OHAUS_RANGER",
    "radwag": "drivers.scales.scale:RADWAG",
    "sartorius-sbi": "drivers.scales.scale:SARTORIUS_SBI",
    "scale-pattern": "drivers.scales.pattern:PatternScale",
    "scanner": "drivers.scanners.scanner:SerialScanner",
    "scanner-hid": "drivers.scanners.keyboard:HidScanner",
    "sma": "drivers.scales.scale:SMA",
    "st-gs": "drivers.scales.scale:ST_GS",
    "toledo-8217": "drivers.scales.scale:TOLEDO_8217",
}

FORMATS: dict[str, str] = {
    "ble-2a9d": "drivers.scales.ble_weights:WEIGHT_SCALE_SERVICE",
    "ble-mi-10": "drivers.scales.ble_weights:XIAOMI_10",
    "ble-mi-13": "drivers.scales.ble_weights:XIAOMI_13",
}
"""Bytes that can be decoded without there being a driver that fetches them."""


class UnknownDriver(LookupError):
    """No driver of this kind; the message names those there are and the nearest."""


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """A kind that another distribution offers. ``problem`` says why it cannot be used, or is
    empty.
    """

    kind: str
    distribution: str
    target: str
    problem: str = ""


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

    Raises ``UnknownDriver``, or ``ImportError`` when the package it needs is not installed or a
    driver of another distribution is broken.
    """
    if kind in DRIVERS:
        module, _, name = DRIVERS[kind].partition(":")
        try:
            return cast("DriverClass", getattr(import_module(module), name))
        except ImportError as error:
            raise ImportError(
                f'The driver "{kind}" cannot be loaded: {error}. Is tallyport[edge] installed?'
            ) from error
    point = _plugins().get(kind)
    if point is not None:
        return _loaded(point)
    known = kinds()
    near = difflib.get_close_matches(kind.lower(), known, n=1, cutoff=0.4)
    guess = f' Did you mean "{near[0]}"?' if near else ""
    raise UnknownDriver(f'There is no driver "{kind}". Known: {", ".join(known)}.{guess}')


# ---- drivers of other distributions ----------------------------------------------------------
def plugins() -> list[Plugin]:
    """What other distributions offer, sorted by kind, each tried; what cannot be used says why."""
    used = _plugins()
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, _distribution(one))):
        problem = ""
        if point.name in DRIVERS:
            problem = f'"{point.name}" is a kind of tallyport itself and cannot be taken over'
        elif used[point.name] != point:
            problem = f"{_distribution(used[point.name])} has this name already"
        else:
            try:
                _loaded(point)
            except ImportError as error:
                problem = str(error)
        found.append(
            Plugin(
                kind=point.name,
                distribution=_distribution(point),
                target=point.value,
                problem=problem,
            )
        )
    return found


def _plugins() -> Mapping[str, EntryPoint]:
    """Kind to entry point. Of two with one name, the distribution whose name comes first."""
    points = sorted(entry_points(group=GROUP), key=_distribution, reverse=True)
    return {point.name: point for point in points if point.name not in DRIVERS}


def _loaded(point: EntryPoint) -> DriverClass:
    """Import a driver that we did not write: whatever it raises, the message names its package."""
    who = f'The driver "{point.name}" of {_distribution(point)} cannot be loaded'
    try:
        driver = point.load()
    except Exception as error:  # an import runs any code
        raise ImportError(f"{who}: {type(error).__name__}: {error}. Ask its maintainer.") from error
    config = getattr(driver, "Config", None)
    whole = {
        "Config (a pydantic model)": isinstance(config, type) and issubclass(config, BaseModel),
        "decoder": callable(getattr(driver, "decoder", None)),
        "__call__": callable(driver),
    }
    if lacking := [piece for piece, there in whole.items() if not there]:
        raise ImportError(
            f"{who}: {point.value} has no {', '.join(lacking)}, which drivers.registry.DriverClass "
            "asks for. Ask its maintainer."
        )
    return cast("DriverClass", driver)


def _distribution(point: EntryPoint) -> str:
    """Name and version of the package that an entry point is from."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"
