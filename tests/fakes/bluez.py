"""BlueZ as bleak sees it, on a D-Bus of its own: one adapter, and devices without a radio.

What drivers meet is then bleak's real backend for Linux. Interfaces: BlueZ, doc/org.bluez.*.rst.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from drivers.transports.ble_link import full_uuid

ADAPTER = "/org/bluez/hci0"
_ADAPTER1, _DEVICE1 = "org.bluez.Adapter1", "org.bluez.Device1"
_SERVICE1, _CHARACTERISTIC1 = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_MANAGER = "org.freedesktop.DBus.ObjectManager"
Properties = dict[str, Variant]


class FakeBluez:
    """``filters`` is what the scan was asked for, ``written`` what devices were told; methods in
    ``deaf_to`` are never answered.
    """

    def __init__(self, bus: MessageBus) -> None:
        self.scanning = asyncio.Event()
        self.notifying = asyncio.Event()
        self.filters: dict[str, Any] = {}
        self.written: list[bytes] = []
        self.deaf_to: set[str] = set()
        self._bus = bus
        self._objects: dict[str, dict[str, Properties]] = {
            ADAPTER: {
                _ADAPTER1: {
                    "Address": Variant("s", "00:11:22:33:44:55"),
                    "Powered": Variant("b", True),
                    "Roles": Variant("as", ["central", "peripheral"]),
                }
            }
        }
        bus.add_message_handler(self._asked)

    # ---- what happens in the room ------------------------------------------------------------
    def power(self, on: bool) -> None:
        self._change(ADAPTER, _ADAPTER1, {"Powered": Variant("b", on)})

    def device(self, address: str, name: str, *, connected: bool = False) -> str:
        """A device that BlueZ has come to know; its path."""
        path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
        self._add(
            path,
            _DEVICE1,
            {
                "Address": Variant("s", address),
                "Name": Variant("s", name),
                "Alias": Variant("s", name),
                "Adapter": Variant("o", ADAPTER),
                "Paired": Variant("b", False),
                "Connected": Variant("b", connected),
                "ServicesResolved": Variant("b", connected),
                "UUIDs": Variant("as", []),
            },
        )
        return path

    def service(self, device: str, uuid: str, characteristics: Mapping[str, list[str]]) -> None:
        """Give a device a service; of each characteristic the UUID and its flags."""
        path = f"{device}/service0010"
        self._change(device, _DEVICE1, {"UUIDs": Variant("as", [full_uuid(uuid)])})
        told = {"UUID": full_uuid(uuid), "Primary": True, "Device": device}
        signatures = {"UUID": "s", "Primary": "b", "Device": "o"}
        self._add(
            path, _SERVICE1, {key: Variant(signatures[key], one) for key, one in told.items()}
        )
        for number, (one, flags) in enumerate(characteristics.items()):
            self._add(
                f"{path}/char{number:04x}",
                _CHARACTERISTIC1,
                {
                    "UUID": Variant("s", full_uuid(one)),
                    "Service": Variant("o", path),
                    "Value": Variant("ay", b""),
                    "Notifying": Variant("b", False),
                    "Flags": Variant("as", flags),
                    "MTU": Variant("q", 23),
                },
            )

    def advertise(self, device: str, service_data: Mapping[int, bytes]) -> None:
        """Hear it once."""
        said = {
            full_uuid(f"{uuid:04x}"): Variant("ay", data) for uuid, data in service_data.items()
        }
        self._change(
            device, _DEVICE1, {"RSSI": Variant("n", -60), "ServiceData": Variant("a{sv}", said)}
        )

    def notify(self, device: str, data: bytes) -> None:
        self._change(
            f"{device}/service0010/char0000", _CHARACTERISTIC1, {"Value": Variant("ay", data)}
        )

    def connect(self, device: str, connected: bool) -> None:
        """The link comes, or drops."""
        for name in ("Connected", "ServicesResolved"):
            self._change(device, _DEVICE1, {name: Variant("b", connected)})

    # ---- D-Bus -------------------------------------------------------------------------------
    def _add(self, path: str, interface: str, properties: Properties) -> None:
        self._objects.setdefault(path, {})[interface] = properties
        self._signal(
            "/", _MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: properties}]
        )

    def _change(self, path: str, interface: str, changed: Properties) -> None:
        self._objects[path][interface].update(changed)
        self._signal(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, []])

    def _signal(self, path: str, interface: str, member: str, kinds: str, body: list[Any]) -> None:
        self._bus.send(
            Message(
                message_type=MessageType.SIGNAL, path=path, interface=interface, member=member,
                signature=kinds, body=body,
            )
        )  # fmt: skip

    def _asked(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        if message.member in self.deaf_to:
            return True
        if message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects])
        if message.interface not in {_ADAPTER1, _DEVICE1, _CHARACTERISTIC1}:
            return None
        known = {
            "SetDiscoveryFilter": self._filter,
            "StartDiscovery": lambda _: self.scanning.set(),
            "StopDiscovery": lambda _: self.scanning.clear(),
            # Told before it is answered, as BlueZ does.
            "Connect": lambda _: self.connect(str(message.path), True),
            "Disconnect": lambda _: self.connect(str(message.path), False),
            "StartNotify": lambda _: self.notifying.set(),
            "WriteValue": lambda body: self.written.append(bytes(body[0])),
        }
        obey = known.get(message.member or "")
        if obey is None:
            return Message.new_error(message, "org.bluez.Error.NotSupported", str(message.member))
        obey(message.body)
        return Message.new_method_return(message)

    def _filter(self, body: list[Any]) -> None:
        self.filters = {key: one.value for key, one in body[0].items()}


@asynccontextmanager
async def private_bus(folder: Path) -> AsyncIterator[str]:
    """A D-Bus that nobody is on; its address."""
    place = f"unix:path={folder}/bus"
    command = ["dbus-daemon", "--session", "--nofork", f"--address={place}", "--print-address=1"]
    daemon = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert daemon.stdout is not None
        assert (await daemon.stdout.readline()).startswith(b"unix:")
        yield place
    finally:
        if daemon.returncode is None:
            daemon.terminate()
        await daemon.communicate()


@asynccontextmanager
async def bluez(folder: Path) -> AsyncIterator[FakeBluez]:
    """A computer with Bluetooth, for as long as it lasts; sets DBUS_SYSTEM_BUS_ADDRESS."""
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    async with private_bus(folder) as place:
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = place
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        try:
            fake = FakeBluez(bus)
            await bus.request_name("org.bluez")
            yield fake
        finally:
            bus.disconnect()
            await bus.wait_for_disconnect()
            if before is None:
                del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            else:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
