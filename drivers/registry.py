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

GROUP = "tallyport.drivers"

DRIVERS: dict[str, str] = {
    "llrp": "drivers.llrp:LlrpReader",
    "mt-sics": "drivers.scale_mtsics:MtSicsScale",
    "scanner": "drivers.scanner:SerialScanner",
}


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
