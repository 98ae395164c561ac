"""A connection to a Bluetooth LE device with the face of a serial line (``transports.transport``).

One characteristic notifies what the device says, one takes what it is told. Notifications cannot
be held back as bytes on a serial line can: a bounded number waits for who reads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from drivers.driver import Tap
from drivers.errors import DeviceUnavailable
from drivers.transports.ble_faults import faults, link_fault, wrong_device
from drivers.transports.ble_radio import radio_of

if TYPE_CHECKING:
    from bleak import BleakClient

MOST_WAITING = 4096
"""Notifications that wait for who reads: minutes of what a scale says."""
WRITE_TIMEOUT_S = 5.0
_SHORTEST_WRITE = 20  # what every link carries in one message
_LONGEST_WRITE = 512  # of an attribute; the system takes it apart
_OF_EVERY_DEVICE = {"1800", "1801"}  # generic access, generic attributes
_SHORT_FORM = "-0000-1000-8000-00805f9b34fb"

Uuid = Annotated[
    str, Field(pattern=r"^[0-9A-Fa-f]{4}$|^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
]


class BleSettings(BaseModel):
    """Which device, by its address or by the name it advertises, and over which adapter.

    ``away_timeout_s`` is how long to look for it before it counts as away.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Annotated[str, Field(min_length=1, max_length=64)]
    adapter: Annotated[str, Field(pattern=r"^hci\d+$")] | None = None
    away_timeout_s: Annotated[float, Field(ge=0.1, le=600)] = 30.0


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a device says and takes things. ``write`` is empty for one that is told nothing.

    ``framed`` makes of a notification the bytes that the kind's decoder reads.
    """

    name: str
    service: str
    notify: str
    write: str = ""
    framed: Callable[[bytes], bytes] = bytes


def full_uuid(uuid: str) -> str:
    """The long form of a UUID, in lower case, as bleak has it."""
    uuid = uuid.lower()
    return f"0000{uuid}{_SHORT_FORM}" if len(uuid) == 4 else uuid


def short_uuid(uuid: str) -> str:
    """A UUID as people write it: four digits where the long form adds nothing."""
    uuid = uuid.lower()
    return uuid[4:8] if uuid.startswith("0000") and uuid.endswith(_SHORT_FORM) else uuid


class BleLine:
    """An open connection (``drivers.transports.transport.Transport``). Use ``open_link``."""

    def __init__(self, where: str, profile: Profile, *, tap: Tap | None = None) -> None:
        self.where = where
        self.profile = profile
        self.bytes_read = 0
        self._tap = tap
        self._client: Any = None
        self._said: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._end: DeviceUnavailable | None = None

    async def begin(self, client: BleakClient) -> None:
        """Ask for notifications; raises ``DeviceUnavailable``."""
        self._client = client
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await client.start_notify(full_uuid(self.profile.notify), self._notified)
        except faults() as error:
            raise self._end or link_fault(self.where, error) from error

    def dropped(self) -> None:
        """The connection is no more."""
        self.fail(
            DeviceUnavailable(
                f"The Bluetooth link to {self.where} dropped.",
                hint="Is it switched on, near enough, and its battery full? It is called again "
                "shortly.",
            )
        )

    def fail(self, error: DeviceUnavailable) -> None:
        """End the line for this reason, once what was said before has been read."""
        self._end = self._end or error
        self._news.set()

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for a notification; ``b""`` when none came within the timeout.

        Raises ``DeviceUnavailable`` when the connection has dropped.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not self._said and self._end is None:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return b""
        if not self._said:
            assert self._end is not None
            raise self._end
        data = self._said.popleft()
        self.bytes_read += len(data)
        if self._tap is not None:
            self._tap(data)
        return data

    async def write(self, data: bytes) -> None:
        """Send all of ``data``; raises ``DeviceUnavailable`` when it is not taken."""
        if self._end is not None:
            raise self._end
        characteristic = self._client.services.get_characteristic(full_uuid(self.profile.write))
        response = "write" in characteristic.properties
        size = _LONGEST_WRITE
        if not response:
            size = max(_SHORTEST_WRITE, characteristic.max_write_without_response_size)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                for start in range(0, len(data), size):
                    piece = data[start : start + size]
                    await self._client.write_gatt_char(characteristic, piece, response=response)
        except faults() as error:
            raise self._end or link_fault(self.where, error) from error

    def _notified(self, _: object, data: bytearray) -> None:
        if len(self._said) == MOST_WAITING:
            self.fail(
                DeviceUnavailable(
                    f"{self.where} says more than is read: {MOST_WAITING} notifications wait.",
                    hint="Is this computer overloaded, or its disk full?",
                )
            )
            return
        self._said.append(self.profile.framed(bytes(data)))
        self._news.set()


@asynccontextmanager
async def open_link(
    settings: BleSettings, profiles: Sequence[Profile], *, wanted: str, tap: Tap | None = None
) -> AsyncIterator[BleLine]:
    """Find the device, connect, choose the first profile it has, and hear it.

    Raises ``DeviceUnavailable`` with a hint where Bluetooth or the device is not there, and
    ``DeviceRefused`` where the device has none of the profiles: it then is no ``wanted``.
    """
    where = settings.address
    line = BleLine(where, profiles[0], tap=tap)
    radio = radio_of(settings.adapter)
    services = [full_uuid(profile.service) for profile in profiles]
    async with radio.connected(where, settings.away_timeout_s, services, line.dropped) as client:
        line.profile = _chosen(client, profiles, where, wanted)
        await line.begin(client)
        yield line


def _chosen(client: BleakClient, profiles: Sequence[Profile], where: str, wanted: str) -> Profile:
    there = {service.uuid: service for service in client.services}
    for profile in profiles:
        service = there.get(full_uuid(profile.service))
        if service is None:
            continue
        can = {one.uuid: one.properties for one in service.characteristics}
        says = {"notify", "indicate"} & set(can.get(full_uuid(profile.notify), ()))
        takes = {"write", "write-without-response"} & set(can.get(full_uuid(profile.write), ()))
        if says and (takes or not profile.write):
            return profile
    offers = (
        f"{short_uuid(uuid)} ({', '.join(sorted(short_uuid(one.uuid) for one in has))})"
        for uuid, service in there.items()
        if short_uuid(uuid) not in _OF_EVERY_DEVICE and (has := service.characteristics)
    )
    raise wrong_device(where, wanted, offers)
