"""Emulated Bluetooth LE scales of every kind, and serial bridges with any scale behind them.

They say what a real one is described to say (sources: ``scales.ble_weights``), wait for what it
waits for, and hang up where it does. The physics are those of ``drivers.emulators.load_cell``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from operator import xor

from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from drivers.emulators.ble_air import Air
from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.load_cell import SAMPLE_S, LoadCell, Sample
from drivers.scales.ble import AcaiaScale, DecentScale, WeightScaleService, XiaomiScale
from drivers.scales.ble_adverts import BTHOME_UUID, MI_10_UUID
from drivers.scales.ble_weights import acaia_message
from drivers.transports.ble_link import full_uuid
from drivers.transports.ble_uart import UARTS

_ADVERTISE_EVERY_MS = 160.0  # bumble's clock takes it for slots of 0.625 ms: 100 ms
_MOST_BYTES = 20
_SPOKEN_FOR = b"\xef\xdd\x0c"
_ASKED_SETTINGS = b"\xef\xdd\x06"


@dataclass(frozen=True, slots=True)
class Nature:
    """What a kind of scale is like. Empty ``encode`` says nothing over a connection.

    ``waits_for``: it says nothing before it was told something that begins so. ``patience_s``:
    it hangs up when it is told nothing for so long. ``advertises`` gives service data. What begins
    with ``tares_at`` makes the load its zero.
    """

    service: str
    notify: str
    write: str = ""
    encode: Callable[[Sample], bytes] | None = None
    waits_for: bytes | None = None
    patience_s: float = 0.0
    advertises: Callable[[Sample, int], tuple[int, bytes]] | None = None
    tares_at: bytes = b""
    answers: dict[bytes, bytes] = field(default_factory=dict)


def _grams(sample: Sample) -> int:
    return round(sample.gross_mg / 1000)


def _weight_scale(sample: Sample) -> bytes:
    return b"\0" + max(0, round(sample.gross_mg / 5000)).to_bytes(2, "little")


def _acaia(sample: Sample) -> bytes:
    tenths = abs(round(sample.gross_mg / 100))
    sign = 2 if sample.gross_mg < 0 else 0
    data = b"\x05" + tenths.to_bytes(3, "little") + bytes([0, 1, sign])
    return acaia_message(12, bytes([len(data) + 1]) + data)


def decent(sample: Sample) -> bytes:
    """The 10 bytes of newer firmware."""
    tenths = round(sample.gross_mg / 100)
    kind = 0xCE if sample.stable else 0xCA
    data = bytes([3, kind]) + tenths.to_bytes(2, "big", signed=True) + bytes(5)
    return data + bytes([reduce(xor, data)])


def _mi(sample: Sample) -> bytes:
    state = 0x02 | (0x20 if sample.stable else 0)
    raw = max(0, round(sample.gross_mg / 5000))
    return bytes([state]) + raw.to_bytes(2, "little") + bytes(7)


def _bthome(sample: Sample, number: int) -> tuple[int, bytes]:
    hundredths = max(0, round(sample.gross_mg / 10_000))
    mass = b"\x06" + hundredths.to_bytes(2, "little")
    return BTHOME_UUID, b"\x40\x00" + bytes([number % 256]) + mass


_GATT = {
    kind: next(iter(driver.profiles))
    for kind, driver in {
        "ble-weight-scale": WeightScaleService,
        "ble-acaia": AcaiaScale,
        "ble-decent": DecentScale,
        "ble-xiaomi": XiaomiScale,
    }.items()
}


def _nature(kind: str, encode: Callable[[Sample], bytes], **more: object) -> Nature:
    profile = _GATT[kind]
    return Nature(profile.service, profile.notify, profile.write, encode, **more)  # type: ignore[arg-type]


NATURES: dict[str, Nature] = {
    "ble-weight-scale": _nature("ble-weight-scale", _weight_scale),
    "ble-acaia": _nature(
        "ble-acaia",
        _acaia,
        waits_for=_SPOKEN_FOR,
        patience_s=5.0,
        tares_at=b"\xef\xdd\x04",
        answers={_ASKED_SETTINGS: acaia_message(8, bytes([9, 80, 2, 0, 0, 0, 1, 0, 0]))},
    ),
    "ble-decent": _nature(
        "ble-decent", decent, waits_for=b"\x03\x0a", patience_s=5.0, tares_at=b"\x03\x0f"
    ),
    "ble-xiaomi": _nature(
        "ble-xiaomi", _mi, advertises=lambda sample, _: (MI_10_UUID, _mi(sample))
    ),
    "ble-bthome": Nature("180a", "2a29", advertises=_bthome),
}


class EmulatedBleScale:
    """A scale of one kind, in the air from ``switch_on`` to ``switch_off``.

    ``silent``: it stays connected and says nothing. ``forgets``: so many of the next things that
    it is told are dropped. ``heard`` is all that it was told.
    """

    def __init__(
        self, kind: str, air: Air, *, address: str, name: str, seed: int = 0, kg: int = 15
    ) -> None:
        self.kind, self.name, self.address = kind, name, address
        self.silent = False
        self.forgets = 0
        self.heard: list[bytes] = []
        self.nature = NATURES[kind]
        self.patience_s = self.nature.patience_s
        self._air = air
        self._cell = LoadCell(division_mg=100 if kg < 5 else 1000, seed=seed)
        self._device: Device | None = None
        self._says: Characteristic[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._spoken_to = False
        self._told_at = 0.0
        self._said = self._gross_mg = self._zero_mg = 0

    # ---- what a person does ----------------------------------------------------------------
    def set_load_g(self, load_g: int) -> None:
        """Put on or take off."""
        self._cell.set_load_mg(load_g * 1000)

    async def switch_on(self) -> None:
        """Put the battery in."""
        device = self._device = self._air.device(self.name, self.address)
        device.add_service(self._service())
        device.advertising_data = self._advertisement(Sample(gross_mg=0, stable=True))
        device.on("connection", self._connected)
        await device.power_on()
        await device.start_advertising(
            auto_restart=True,
            advertising_interval_min=_ADVERTISE_EVERY_MS,
            advertising_interval_max=_ADVERTISE_EVERY_MS,
        )
        self._task = asyncio.create_task(self._weigh(), name=f"emulated {self.name}")

    async def switch_off(self) -> None:
        """Take the battery out."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        device, self._device = self._device, None
        if device is not None:
            await device.stop_advertising()
            await self._hang_up(device)
            await device.stop_advertising()  # which hanging up began anew
            await device.power_off()

    async def drop(self) -> None:
        """Lose the connection, as a passing fork-lift does."""
        if self._device is not None:
            await self._hang_up(self._device)

    async def send(self, data: bytes) -> None:
        """Notify these bytes, in pieces as the link carries them."""
        if self._device is None or self._says is None:
            return
        for start in range(0, len(data), _MOST_BYTES):
            with suppress(BaseBumbleError):
                await self._device.notify_subscribers(self._says, data[start : start + _MOST_BYTES])

    @property
    def connections(self) -> int:
        """How many are connected."""
        return len(self._device.connections) if self._device is not None else 0

    # ---- the scale -------------------------------------------------------------------------
    def _service(self) -> Service:
        kinds = Characteristic.Properties
        nature = self.nature
        takes = CharacteristicValue(write=self._told)
        write = kinds.WRITE | kinds.WRITE_WITHOUT_RESPONSE
        both = nature.notify == nature.write
        self._says = Characteristic(
            _uuid(nature.notify),
            kinds.NOTIFY | write if both else kinds.NOTIFY,
            Characteristic.WRITEABLE,
            takes if both else b"",
        )
        characteristics: list[Characteristic[bytes]] = [self._says]
        if nature.write and not both:
            characteristics.append(
                Characteristic(_uuid(nature.write), write, Characteristic.WRITEABLE, takes)
            )
        return Service(_uuid(nature.service), characteristics)

    def _advertisement(self, sample: Sample) -> bytes:
        structures = [(AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode())]
        if self.nature.advertises is not None:
            uuid, data = self.nature.advertises(sample, self._said)
            said = uuid.to_bytes(2, "little") + data
            structures.append((AdvertisingData.SERVICE_DATA_16_BIT_UUID, said))
        elif len(self.nature.service) == 4:
            service = int(self.nature.service, 16).to_bytes(2, "little")
            kind = AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
            structures.append((kind, service))
        return bytes(AdvertisingData(structures))

    def _connected(self, connection: Connection) -> None:
        self._spoken_to = self.nature.waits_for is None
        self._told_at = asyncio.get_running_loop().time()

    def _told(self, _: object, value: bytes) -> None:
        self.heard.append(bytes(value))
        if self.forgets:
            self.forgets -= 1
            return
        self._told_at = asyncio.get_running_loop().time()
        self._obey(bytes(value))

    def _obey(self, value: bytes) -> None:
        waits_for = self.nature.waits_for
        self._spoken_to = self._spoken_to or bool(waits_for and value.startswith(waits_for))
        if self.nature.tares_at and value.startswith(self.nature.tares_at):
            self._zero_mg = self._gross_mg
        for asked, answer in self.nature.answers.items():
            if value.startswith(asked):
                asyncio.get_running_loop().create_task(self.send(answer), name="emulated answer")

    async def _weigh(self) -> None:
        while True:
            sample = self._cell.sample()
            self._gross_mg = sample.gross_mg
            sample = Sample(gross_mg=sample.gross_mg - self._zero_mg, stable=sample.stable)
            self._said += 1
            await self._advertise(sample)
            if self._spoken_to and not self.silent and self.nature.encode is not None:
                await self.send(self.nature.encode(sample))
            waited_s = asyncio.get_running_loop().time() - self._told_at
            if self.patience_s and self.connections and waited_s > self.patience_s:
                await self.drop()
            await asyncio.sleep(SAMPLE_S)

    async def _advertise(self, sample: Sample) -> None:
        if self.nature.advertises is None or self.silent or self._device is None:
            return
        told = self._device.legacy_advertising_set
        if told is not None:
            await told.set_advertising_data(self._advertisement(sample))

    async def _hang_up(self, device: Device) -> None:
        for connection in [*device.connections.values()]:
            with suppress(BaseBumbleError):
                await connection.disconnect()


class EmulatedBridge(EmulatedBleScale):
    """A serial bridge (``uart``: its place in ``transports.ble_uart.UARTS``), and behind it a scale
    of any protocol of ``drivers.scales.protocols``."""

    def __init__(
        self, protocol: str, air: Air, *, address: str, name: str, uart: int = 0, seed: int = 0
    ) -> None:
        super().__init__("ble-bthome", air, address=address, name=name, seed=seed)
        profile = UARTS[uart]
        self.nature = Nature(profile.service, profile.notify, profile.write)
        self.scale = _Behind(protocol, self._from_scale, seed=seed)
        self._line: asyncio.Queue[bytes] = asyncio.Queue()
        self._carrying: asyncio.Task[None] | None = None

    def set_load_g(self, load_g: int) -> None:
        """Put on or take off."""
        self.scale.set_load_g(load_g)

    async def switch_on(self) -> None:
        """Give the bridge and the scale power."""
        await super().switch_on()
        self.scale.plug()
        self._carrying = asyncio.create_task(self._carry(), name=f"bridge {self.name}")

    async def switch_off(self) -> None:
        """Take the power away from both."""
        await self.scale.stop()
        task, self._carrying = self._carrying, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await super().switch_off()

    def _obey(self, value: bytes) -> None:
        self.scale.receive(value)

    def _from_scale(self, data: bytes) -> None:
        if not self.silent:
            self._line.put_nowait(data)

    async def _carry(self) -> None:
        while True:
            await self.send(await self._line.get())


class _Behind(EmulatedIndicator):
    """A scale whose cable ends in a bridge."""

    def __init__(self, protocol: str, carry: Callable[[bytes], None], *, seed: int) -> None:
        super().__init__(protocol, seed=seed)
        self._carry = carry

    def plug(self) -> None:
        """Give it power."""
        self._switch_on()

    def receive(self, data: bytes) -> None:
        """What the bridge carried to it."""
        self._heard(data)

    def send(self, data: bytes) -> None:
        """Put raw bytes on the line."""
        self._carry(data)


def _uuid(text: str) -> UUID:
    return UUID(text.upper() if len(text) == 4 else full_uuid(text).upper())
