"""A serial line over Bluetooth LE: industrial scales are mostly a UART behind such a bridge.

Sources: Microchip, BM/RN487x "Transparent UART Service UUIDs" (ISSC's, whom Microchip bought);
Nordic nRF5 SDK, ``ble_nus.h``; for HM-10 the constants of many programs that use one, no manual.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel, ConfigDict

from drivers.driver import Tap
from drivers.transports.ble_link import BleLine, BleSettings, Profile, Uuid, open_link

UARTS: tuple[Profile, ...] = (
    Profile(
        "Nordic UART",
        "6e400001-b5a3-f393-e0a9-e50e24dcca9e",
        notify="6e400003-b5a3-f393-e0a9-e50e24dcca9e",
        write="6e400002-b5a3-f393-e0a9-e50e24dcca9e",
    ),
    Profile(
        "ISSC transparent UART",
        "49535343-fe7d-4ae5-8fa9-9fafd205e455",
        notify="49535343-1e4d-4bd9-ba61-23c647249616",
        write="49535343-8841-43f4-a8d4-ecbe34729bb3",
    ),
    Profile("HM-10", "ffe0", notify="ffe1", write="ffe1"),
)
"""The bridges that are recognised by themselves."""


class UartUuids(BaseModel):
    """The UUIDs of a bridge that is none of the known ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: Uuid
    notify: Uuid
    write: Uuid


class BlePlace(BleSettings):
    """Where a bridge is. ``uuids`` only for one that is not recognised by itself."""

    uuids: UartUuids | None = None

    @property
    def place(self) -> str:
        """The place in words."""
        return f"{self.address} (Bluetooth)"


@asynccontextmanager
async def open_uart(place: BlePlace, *, tap: Tap | None = None) -> AsyncIterator[BleLine]:
    """Connect to a bridge, and hang up at the end whatever happens.

    Raises as ``open_link`` does.
    """
    profiles, uuids = UARTS, place.uuids
    if uuids is not None:
        own = Profile("serial bridge", uuids.service, notify=uuids.notify, write=uuids.write)
        profiles = (own,)
    async with open_link(place, profiles, wanted="known serial bridge", tap=tap) as line:
        yield line
