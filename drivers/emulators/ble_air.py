"""The air between emulated Bluetooth LE devices and bleak: a radio that lives in this process.

Real GATT over bumble's virtual controllers, below bleak's own interface for other backends: a
driver runs as it does on BlueZ, without root, D-Bus or an adapter. As with BlueZ, two scans or
two connections in the making at once fail, and a killed program leaves its connections behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.backends.adapter import BaseBleakAdapter
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDBusError, BleakError
from bleak.uuids import normalize_uuid_str
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import Characteristic
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink

from drivers.transports.ble_radio import Backends, instead

_CENTRAL = "F0:F0:F0:F0:F0:F0"
_IN_PROGRESS = "org.bluez.Error.InProgress"
_MTU, _TOLD_MTU = 185, 23  # BlueZ does not tell what it has agreed upon
_UUID_LISTS = (
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)
Result = TypeVar("Result")


class _Link(LocalLink):
    """Only the central hears devices: they have no use for each other's advertisements."""

    central: Controller | None = None

    def send_advertising_pdu(self, sender_controller: Controller, packet: Any) -> None:  # noqa: ANN401
        if self.central is None or sender_controller is self.central:
            super().send_advertising_pdu(sender_controller, packet)
        else:
            asyncio.get_running_loop().call_soon(self.central.on_ll_advertising_pdu, packet)


class Air:
    """One room. ``broken`` is raised where an adapter is used, until it is ``None`` again."""

    def __init__(self) -> None:
        self.broken: Exception | None = None
        self.scanning = self.connecting = False
        self.connects = 0
        self.held: dict[str, Connection] = {}
        self._link = _Link()  # type: ignore[no-untyped-call]
        self.central = self.device("central", _CENTRAL)
        self._link.central = next(iter(self._link.controllers))

    def device(self, name: str, address: str) -> Device:
        """A device with a radio of its own, switched off."""
        controller = Controller(name, link=self._link, public_address=address)
        return Device(name=name, address=Address(address), host=Host(controller, controller))

    def backends(self) -> Backends:
        """What bleak uses in place of the computer's radio."""
        own = {"air": self}
        return Backends(
            scanner=type("AirScanner", (_Scanner,), own),
            client=type("AirClient", (_Client,), own),
            adapter=type("AirAdapter", (_Adapter,), own),
        )

    def use(self) -> None:
        """Raises what is wrong with the adapter."""
        if self.broken is not None:
            raise self.broken


@asynccontextmanager
async def air() -> AsyncIterator[Air]:
    """A room in which this event loop's drivers hear emulated devices, and nothing else."""
    room = Air()
    await room.central.power_on()
    async with instead(room.backends()):
        try:
            yield room
        finally:
            for connection in [*room.central.connections.values()]:
                with suppress(BaseBumbleError):
                    await connection.disconnect()
            await room.central.power_off()


class _Scanner(BaseBleakScanner):
    air: ClassVar[Air]

    def __init__(self, callback: Any, service_uuids: Any, *_: Any, **__: Any) -> None:  # noqa: ANN401
        super().__init__(callback, service_uuids)

    async def start(self) -> None:
        self.air.use()
        if self.air.scanning:
            raise BleakDBusError(_IN_PROGRESS, ["Operation already in progress"])
        self.air.scanning = True
        self.seen_devices = {}
        self.air.central.on("advertisement", self._heard)
        await self.air.central.start_scanning(filter_duplicates=False)

    async def stop(self) -> None:
        self.air.scanning = False
        self.air.central.remove_listener("advertisement", self._heard)
        await self.air.central.stop_scanning()

    def _heard(self, heard: Advertisement) -> None:
        data: Any = heard.data  # typed by kind of structure, which the checker cannot follow
        uuids = [_long(uuid) for kind in _UUID_LISTS for one in data.get_all(kind) for uuid in one]
        said: dict[str, bytes] = {
            _long(uuid): bytes(value)
            for uuid, value in data.get_all(AdvertisingData.SERVICE_DATA_16_BIT_UUID)
        }
        name = data.get(AdvertisingData.COMPLETE_LOCAL_NAME)
        told = AdvertisementData(name, {}, said, uuids, None, heard.rssi, ())
        address = heard.address.to_string(with_type_qualifier=False)
        device = self.create_or_update_device(address, address, name, heard.address, told)
        self.call_detection_callbacks(device, told)


class _Client(BaseBleakClient):
    air: ClassVar[Air]

    def __init__(self, device: BLEDevice | str, **options: Any) -> None:  # noqa: ANN401
        super().__init__(device, **options)
        self._connection: Connection | None = None
        self._peer: Any = None
        self._gone = asyncio.Event()
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self.address

    @property
    def mtu_size(self) -> int:
        return _TOLD_MTU

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:  # noqa: ANN401
        self.air.use()
        if self.air.connecting:
            raise BleakDBusError(_IN_PROGRESS, ["Operation already in progress"])
        self.air.connecting = True
        try:
            async with asyncio.timeout(self._timeout):
                self._connection = await self._called()
                self.air.connects += 1
                self._connection.on("disconnection", self._hung_up)
                self._peer = Peer(self._connection)
                self.services = await self._unless_gone(self._discovered())
        except BaseBumbleError as error:
            raise BleakError(str(error)) from error
        finally:
            self.air.connecting = False

    async def _called(self) -> Connection:
        held = self.air.held.pop(self.address, None)
        if held is not None:
            return held
        central: Any = self.air.central
        try:
            connection: Connection = await central.connect(Address(self.address), timeout=None)
        except asyncio.CancelledError:
            await central.cancel_connection()
            raise
        return connection

    async def _discovered(self) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        await self._peer.request_mtu(_MTU)  # as BlueZ does
        await self._peer.discover_services()
        for service in self._peer.services:
            mine = BleakGATTService(service, service.handle, _long(service.uuid))
            found.add_service(mine)
            await service.discover_characteristics()
            for one in service.characteristics:
                names: Any = [
                    kind.name.lower().replace("_", "-")
                    for kind in Characteristic.Properties
                    if one.properties & kind and kind.name
                ]
                found.add_characteristic(
                    BleakGATTCharacteristic(
                        one, one.handle, _long(one.uuid), names, lambda: _TOLD_MTU - 3, mine
                    )
                )
        return found

    def _hung_up(self, _: object) -> None:
        self._connection = None
        self._gone.set()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def _unless_gone(self, doing: Awaitable[Result]) -> Result:
        """What was asked, or an error as soon as nobody is there to answer."""
        task, gone = asyncio.ensure_future(doing), asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise BleakError("Not connected")
            return task.result()
        except BaseBumbleError as error:
            raise BleakError(str(error)) from error
        finally:
            task.cancel()
            gone.cancel()
            await asyncio.gather(task, gone, return_exceptions=True)

    async def disconnect(self) -> None:
        if self._connection is not None:
            with suppress(BaseBumbleError):
                await self._connection.disconnect()

    async def pair(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        raise NotImplementedError("emulated devices ask for no pairing")

    async def unpair(self) -> None:
        raise NotImplementedError("emulated devices ask for no pairing")

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        **_: Any,  # noqa: ANN401
    ) -> bytearray:
        return bytearray(await self._unless_gone(characteristic.obj.read_value()))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        **_: Any,  # noqa: ANN401
    ) -> bytearray:
        return bytearray(await self._unless_gone(descriptor.obj.read_value()))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,
    ) -> None:
        if not self.is_connected:
            raise BleakError("Not connected")
        await self._unless_gone(characteristic.obj.write_value(bytes(data), response))

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        await self._unless_gone(descriptor.obj.write_value(bytes(data), True))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: Callable[[bytearray], None],
        **_: Any,  # noqa: ANN401
    ) -> None:
        def heard(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = heard
        await self._unless_gone(characteristic.obj.subscribe(heard, True))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        heard = self._subscribers.pop(characteristic.handle)
        await self._unless_gone(characteristic.obj.unsubscribe(heard))


class _Adapter(BaseBleakAdapter):
    air: ClassVar[Air]

    @classmethod
    async def get(cls, **_: Any) -> _Adapter:  # noqa: ANN401
        cls.air.use()
        return cls()

    async def get_connected_devices(self, service_uuids: frozenset[str]) -> list[BLEDevice]:
        return [BLEDevice(address, None, None) for address in self.air.held]


def _long(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-").lower())
