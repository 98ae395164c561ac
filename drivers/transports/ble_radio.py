"""The Bluetooth adapter, which has one owner: one scan for all who listen, one connection in
the making at a time. Two that scan or connect at once fail with "InProgress" or are aborted.

Scanning goes on only while somebody listens or looks for a device, because it takes air from the
connections. Identical advertisements are asked for as well, as being heard is being alive.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from drivers.transports.ble_faults import away, bleak, faults, link_fault, radio_fault

if TYPE_CHECKING:
    from bleak import BleakClient

CONNECT_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0
"""How long BlueZ may take over anything that needs no device."""
DISCONNECT_TIMEOUT_S = 5.0
STALE_S = 30.0
"""A scan that heard nobody at all for so long is begun anew: BlueZ may have been restarted."""
_MOST_SIGHTINGS = 256
_MOST_NEARBY = 12


@dataclass(frozen=True, slots=True)
class Sighting:
    """One advertisement. ``device`` is what bleak connects to."""

    address: str
    name: str
    device: Any
    service_uuids: tuple[str, ...] = ()
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    rssi_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class Backends:
    """Other radios than the computer's own: bleak's ``backend`` arguments."""

    scanner: Any = None
    client: Any = None
    adapter: Any = None


class Ear:
    """What one listener hears of one device, or of all (``wanted`` is ``None``); the oldest is
    forgotten when it does not listen.
    """

    def __init__(self, wanted: str | None) -> None:
        self.forgotten = 0
        self._wanted = None if wanted is None else wanted.casefold()
        self._sightings: deque[Sighting] = deque()
        self._news = asyncio.Event()

    def is_of(self, address: str, name: str) -> bool:
        """Whether this is the device: by its address, or by the name it advertises."""
        return self._wanted is None or self._wanted in {address.casefold(), name.casefold()}

    def put(self, sighting: Sighting) -> None:
        """Take one in."""
        if len(self._sightings) == _MOST_SIGHTINGS:
            self._sightings.popleft()
            self.forgotten += 1
        self._sightings.append(sighting)
        self._news.set()

    async def next(self, timeout_s: float | None) -> Sighting | None:
        """The next one; ``None`` when none came within the timeout."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._sightings:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return self._sightings.popleft()


class Radio:
    """One adapter. Use ``radio_of``, which gives everybody the same."""

    def __init__(self, adapter: str | None, backends: Backends) -> None:
        self.adapter = adapter
        self.scans = 0
        self._backends = backends
        self._options = {"adapter": adapter} if adapter else {}
        self._ears: set[Ear] = set()
        self._scanner: Any = None
        self._turning = asyncio.Lock()
        self._connecting = asyncio.Lock()
        self._now = asyncio.get_running_loop().time
        self._heard_at = self._now()
        self._nearby: dict[str, str] = {}

    @asynccontextmanager
    async def listening(self, wanted: str | None) -> AsyncIterator[Ear]:
        """Hear the advertisements of one device, or of all; the scan is shared by all who listen.

        Raises ``DeviceUnavailable`` when this computer's Bluetooth cannot be used.
        """
        ear = Ear(wanted)
        self._ears.add(ear)
        try:
            async with self._turning:
                await self._start()
            yield ear
        finally:
            self._ears.discard(ear)
            async with self._turning:
                if not self._ears:
                    await self._stop()

    @asynccontextmanager
    async def connected(
        self, wanted: str, timeout_s: float, services: Iterable[str], lost: Callable[[], None]
    ) -> AsyncIterator[BleakClient]:
        """Find the device and connect to it; hang up at the end whatever happens.

        It has one of ``services``. ``lost`` is called when the connection drops. Raises
        ``DeviceUnavailable`` when the device is not heard within the timeout, or cannot be
        connected to.
        """
        client: Any = None
        try:
            async with self.listening(wanted) as ear:
                # BlueZ forgets a device soon after the scan has stopped: connect before.
                device = await self._left_connected(ear, services)
                if device is None:
                    device = (await self.first(ear, wanted, timeout_s)).device
                async with self._connecting:
                    client = await self._connect(device, wanted, lost)
            yield client
        finally:
            if client is not None:
                await self._hang_up(client)

    async def first(self, ear: Ear, wanted: str, timeout_s: float) -> Sighting:
        """The first that is heard of a device; raises ``DeviceUnavailable`` where nothing is."""
        sighting = await ear.next(timeout_s)
        if sighting is None:
            heard = (f"{name} ({address})".strip() for address, name in self._nearby.items())
            raise away(wanted, timeout_s, heard)
        return sighting

    # ---- scanning --------------------------------------------------------------------------
    async def _start(self) -> None:
        if self._scanner is not None:
            if self._now() - self._heard_at < STALE_S:
                return
            await self._stop()
        try:
            scanner = bleak().BleakScanner(
                self._seen,
                bluez={**self._options, "filters": {"DuplicateData": True}},
                backend=self._backends.scanner,
            )
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await scanner.start()
        except faults() as error:
            raise radio_fault(error, self.adapter) from error
        self._scanner = scanner
        self._heard_at = self._now()
        self._nearby.clear()
        self.scans += 1

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            # Who cannot stop a scan has lost the adapter, and the scan with it.
            with suppress(*faults()):
                async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                    await scanner.stop()

    def _seen(self, device: Any, advertisement: Any) -> None:  # noqa: ANN401 - bleak's own
        self._heard_at = self._now()
        address, name = device.address, advertisement.local_name or device.name or ""
        if address in self._nearby or len(self._nearby) < _MOST_NEARBY:
            self._nearby[address] = name
        ears = [ear for ear in self._ears if ear.is_of(address, name)]
        if ears:
            sighting = Sighting(
                address,
                name,
                device,
                tuple(advertisement.service_uuids),
                dict(advertisement.service_data),
                advertisement.rssi,
            )
            for ear in ears:
                ear.put(sighting)

    # ---- connecting ------------------------------------------------------------------------
    async def _left_connected(self, ear: Ear, services: Iterable[str]) -> Any:  # noqa: ANN401
        """The device, if BlueZ holds it: it keeps the connections of an agent that was killed,
        and who is connected advertises no more."""
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                adapter = await bleak().BleakAdapter.get(
                    bluez=self._options, backend=self._backends.adapter
                )
                devices = await adapter.get_connected_devices([*services])
        except NotImplementedError:  # not on every system
            return None
        except faults() as error:
            raise radio_fault(error, self.adapter) from error
        return next((one for one in devices if ear.is_of(one.address, one.name or "")), None)

    async def _connect(self, device: Any, wanted: str, lost: Callable[[], None]) -> Any:  # noqa: ANN401
        client = bleak().BleakClient(
            device,
            disconnected_callback=lambda _: lost(),
            timeout=CONNECT_TIMEOUT_S,
            bluez=self._options,
            backend=self._backends.client,
        )
        try:
            await client.connect()
        except faults() as error:
            raise link_fault(wanted, error) from error
        return client

    async def _hang_up(self, client: Any) -> None:  # noqa: ANN401
        # Who cannot be hung up on has gone already.
        with suppress(*faults()):
            async with asyncio.timeout(DISCONNECT_TIMEOUT_S):
                await client.disconnect()


# ---- one owner -----------------------------------------------------------------------------
_radios: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str | None, Radio]] = WeakKeyDictionary()
_backends: list[Backends] = [Backends()]


def radio_of(adapter: str | None) -> Radio:
    """The owner of this adapter (``None``: the computer's first), the same for all devices."""
    radios = _radios.setdefault(asyncio.get_running_loop(), {})
    if adapter not in radios:
        radios[adapter] = Radio(adapter, _backends[-1])
    return radios[adapter]


@asynccontextmanager
async def instead(backends: Backends) -> AsyncIterator[None]:
    """Use another radio than the computer's own, for all drivers of this event loop."""
    loop = asyncio.get_running_loop()
    before = _radios.pop(loop, {})
    _backends.append(backends)
    try:
        yield
    finally:
        _backends.remove(backends)
        _radios[loop] = before
