"""What a Bluetooth LE device advertises, with the face of a line (``transports.transport``).

No connection is made, so that any number of such devices can be heard at once. Each read gives
one advertisement's service data, framed as in an advertisement.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from drivers.driver import Tap
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.scales.ble_adverts import service_data
from drivers.transports.ble_link import BleSettings, full_uuid, short_uuid
from drivers.transports.ble_radio import Ear, Sighting, radio_of

ENOUGH = 50
"""So many advertisements without what is wanted show that the device is another one."""


class BroadcastLine:
    """One device that is heard. Use ``open_broadcast``."""

    def __init__(
        self,
        where: str,
        ear: Ear,
        wanted: Collection[int],
        refusals: Mapping[int, Callable[[bytes], str]],
        *,
        title: str,
        tap: Tap | None,
    ) -> None:
        self.where = where
        self.bytes_read = 0
        self._ear = ear
        self._wanted = {full_uuid(f"{uuid:04x}"): uuid for uuid in wanted}
        self._refusals = {full_uuid(f"{uuid:04x}"): why for uuid, why in refusals.items()}
        self._title = title
        self._tap = tap
        self._without = 0

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for an advertisement; ``b""`` when none came within the timeout.

        Raises ``DeviceRefused`` when the device cannot be understood as it is set up, and
        ``DeviceUnavailable`` when it advertises other things only.
        """
        now = asyncio.get_running_loop().time
        deadline = None if timeout_s is None else now() + timeout_s
        while True:
            left_s = None if deadline is None else max(0.0, deadline - now())
            sighting = await self._ear.next(left_s)
            if sighting is None:
                return b""
            if data := self._said(sighting):
                return data

    async def write(self, data: bytes) -> None:
        """Always raises ``DeviceRefused``: who is not connected cannot be told anything."""
        raise DeviceRefused(
            f"{self.where} is only listened to, and cannot be told {data!r}.",
            hint="A device that advertises takes no commands.",
        )

    def _said(self, sighting: Sighting) -> bytes:
        for uuid, data in sighting.service_data.items():
            if (refusal := self._refusals.get(uuid)) and (why := refusal(data)):
                raise self._refused(why)
        said = b"".join(
            service_data(short, sighting.service_data[uuid])
            for uuid, short in self._wanted.items()
            if uuid in sighting.service_data
        )
        if not said:
            self._without += 1
            if self._without == ENOUGH:
                raise self._other(sighting)
            return b""
        self._without = 0
        self.bytes_read += len(said)
        if self._tap is not None:
            self._tap(said)
        return said

    def _refused(self, why: str) -> DeviceRefused:
        return DeviceRefused(
            f"{self.where} is a {self._title} device, but {why}.",
            hint="Change that in the device's set-up, then restart the agent.",
        )

    def _other(self, sighting: Sighting) -> DeviceUnavailable:
        there = sorted({*sighting.service_data, *sighting.service_uuids})
        shown = ", ".join(short_uuid(uuid) for uuid in there) or "no service"
        return DeviceUnavailable(
            f"{self.where} advertises no {self._title} data: it offers {shown}.",
            hint="Is the address right, the driver the one for this device, and the device awake?",
        )


@asynccontextmanager
async def open_broadcast(
    settings: BleSettings,
    wanted: Collection[int],
    refusals: Mapping[int, Callable[[bytes], str]],
    title: str,
    *,
    tap: Tap | None = None,
) -> AsyncIterator[BroadcastLine]:
    """Hear the service data of these UUIDs that one device advertises.

    ``refusals`` say of service data why such a device can never be understood, or nothing. Raises
    ``DeviceUnavailable`` where Bluetooth or the device is not there.
    """
    where, radio = settings.address, radio_of(settings.adapter)
    async with radio.listening(where) as ear:
        ear.put(await radio.first(ear, where, settings.away_timeout_s))
        yield BroadcastLine(where, ear, wanted, refusals, title=title, tap=tap)
