"""Scales with Bluetooth LE of their own: connected to, or heard by what they advertise.

A driver tells a scale only what it needs to go on talking: who is there, and that somebody still
is. Only ``tallyport edge tell`` tares. Sources: see ``drivers.scales.ble_weights`` and
``drivers.scales.ble_adverts``; what Acaia's scales want to be told, aioacaia 0.1.7; Decent's,
decentespresso.com/decentscale_api.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from pydantic import Field

from drivers.driver import Tap
from drivers.errors import DeviceUnavailable
from drivers.frames import FrameDecoder, FrameFormat
from drivers.scales.ble_adverts import (
    BTHOME_UUID,
    BTHOME_V1_UUIDS,
    MI_10_UUID,
    MI_13_UUID,
    XIAOMI_ADVERT,
    advertised,
    bthome,
    bthome_refusal,
    service_data,
)
from drivers.scales.ble_broadcast import BroadcastLine, open_broadcast
from drivers.scales.ble_weights import DECENT, WEIGHT_SCALE_SERVICE, acaia, acaia_message
from drivers.scales.hearing import HeardScale, HearingSettings
from drivers.scales.protocols import Command, ScaleProtocol
from drivers.transports.ble_link import BleLine, BleSettings, Profile, open_link
from drivers.transports.transport import Transport

_SELDOM = Annotated[float, Field(ge=0.5, le=86_400)]
_PAUSE_S = 0.2
"""Between two things that a scale is told: it drops what comes at once."""


class BleScaleConfig(BleSettings, HearingSettings):
    """Which scale, and how long its silence is taken for granted."""

    silence_timeout_s: _SELDOM = 10.0

    @property
    def where(self) -> str:
        """The device's place in words."""
        return self.address

    def quiet_hint(self, title: str) -> str:
        """What to look at where not a byte came."""
        return f"Is it switched on, near enough, not in a menu, and a {title} scale at all?"


class SeldomConfig(BleScaleConfig):
    """A scale that speaks only when it is used; that it is connected shows that it is there."""

    silence_timeout_s: _SELDOM = 3600.0


class BthomeConfig(BleScaleConfig):
    """``mass``: of several masses in one advertisement, the one of this number."""

    # Kernels and adapters may pass an advertisement that does not change on once in a while.
    silence_timeout_s: _SELDOM = 120.0
    mass: Annotated[int, Field(ge=1, le=8)] = 1


class XiaomiConfig(BleScaleConfig):
    """``connect``: hear the scale over a connection in place of what it advertises."""

    silence_timeout_s: _SELDOM = 120.0
    connect: bool = False


@dataclass(frozen=True, slots=True)
class Manners:
    """What a scale is told: at the beginning, and again every so often."""

    greeting: tuple[bytes, ...] = ()
    again: tuple[bytes, ...] = ()
    every_s: float = 2.0


class BleScale(HeardScale):
    """A scale that is connected to (``drivers.driver.Driver``)."""

    Config: ClassVar[type[BleScaleConfig]] = BleScaleConfig
    there_when_open = True
    title: ClassVar[str]
    packets: ClassVar[bool] = True
    profiles: ClassVar[Mapping[Profile, Manners]]
    commands: ClassVar[Mapping[Command, tuple[bytes, ...]]] = {}
    """What a person may tell the scale, as messages one after the other."""

    def __init__(self, config: BleScaleConfig, *, tap: Tap | None = None) -> None:
        super().__init__(
            ScaleProtocol(
                name=self.title, title=self.title, form=self._form(config), packets=self.packets
            ),
            config,
        )
        self.config = config
        self._tap = tap

    @classmethod
    @abstractmethod
    def _form(cls, config: BleScaleConfig | None) -> FrameFormat:
        """The format of one scale; ``None`` for a decoder that knows no settings."""

    @classmethod
    def decoder(cls) -> FrameDecoder:
        """A fresh decoder of what such a scale sends."""
        return FrameDecoder(cls._form(None))

    def _line(self) -> AbstractAsyncContextManager[Transport]:
        return self.connected()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[BleLine]:
        """A line to the scale, which has been greeted and is reminded.

        Raises ``DeviceUnavailable`` or ``DeviceRefused`` as ``open_link`` does.
        """
        config, profiles = self.config, [*self.profiles]
        wanted = f"{self.title} scale"
        async with open_link(config, profiles, wanted=wanted, tap=self._tap) as line:
            manners = self.profiles[line.profile]
            await tell(line, manners.greeting)
            reminding = asyncio.create_task(_remind(line, manners), name=f"remind {line.where}")
            try:
                yield line
            finally:
                reminding.cancel()
                await asyncio.gather(reminding, return_exceptions=True)


async def tell(line: BleLine, messages: tuple[bytes, ...]) -> None:
    """Write messages one after the other, slowly; raises ``DeviceUnavailable``."""
    for number, message in enumerate(messages):
        if number:
            await asyncio.sleep(_PAUSE_S)
        await line.write(message)


async def _remind(line: BleLine, manners: Manners) -> None:
    """Tell the scale that somebody listens; when it cannot be told, the line ends."""
    try:
        while manners.again:
            await asyncio.sleep(manners.every_s)
            await tell(line, manners.again)
    except DeviceUnavailable as error:
        line.fail(error)


class WeightScaleService(BleScale):
    """A scale with the Weight Scale Service of the Bluetooth SIG."""

    Config = SeldomConfig
    title = "Weight Scale Service"
    profiles: ClassVar[Mapping[Profile, Manners]] = {
        Profile("Weight Scale Service", "181d", notify="2a9d"): Manners()
    }

    @classmethod
    def _form(cls, config: BleScaleConfig | None) -> FrameFormat:
        return WEIGHT_SCALE_SERVICE


# ---- Acaia ---------------------------------------------------------------------------------
_ID, _GET_SETTINGS, _EVENTS = 11, 6, 12
_HEARTBEAT = acaia_message(0, b"\2\0")
_SETTINGS = acaia_message(_GET_SETTINGS, bytes(16))
# Weight, battery, timer, key and setting, each with its argument; the length counts itself.
_NOTIFY = acaia_message(_EVENTS, bytes([9, 0, 1, 1, 2, 2, 5, 3, 4]))
_NEW_ID, _OLD_ID = acaia_message(_ID, b"012345678901234"), acaia_message(_ID, b"-" * 15)


class AcaiaScale(BleScale):
    """An Acaia scale. It hangs up unless it hears a heartbeat every few seconds."""

    title = "Acaia"
    commands: ClassVar[Mapping[Command, tuple[bytes, ...]]] = {"tare": (acaia_message(4, b"\0"),)}
    packets = False  # a message may be spread over notifications
    profiles: ClassVar[Mapping[Profile, Manners]] = {
        Profile(
            "Acaia since 2021",
            "49535343-fe7d-4ae5-8fa9-9fafd205e455",
            notify="49535343-1e4d-4bd9-ba61-23c647249616",
            write="49535343-8841-43f4-a8d4-ecbe34729bb3",
            # The settings, which tell the unit, are asked for before the weights.
        ): Manners((_NEW_ID, _SETTINGS, _NOTIFY), (_NEW_ID, _HEARTBEAT, _SETTINGS)),
        Profile("Acaia before 2021", "1820", notify="2a80", write="2a80"): Manners(
            (_OLD_ID, _NOTIFY), (_HEARTBEAT,)
        ),
    }

    @classmethod
    def _form(cls, config: BleScaleConfig | None) -> FrameFormat:
        return acaia()


# ---- Decent --------------------------------------------------------------------------------
# Display on, and "I shall send heartbeats"; twice, because old firmware drops a command at times.
_DISPLAY_ON = bytes.fromhex("030a0101000108")
_DECENT_HEARTBEAT = bytes.fromhex("030a03ffff000a")
_DECENT_TARE = bytes.fromhex("030f000000010d")


class DecentScale(BleScale):
    """A Decent scale. It weighs once it was told something, and wants heartbeats."""

    title = "Decent"
    commands: ClassVar[Mapping[Command, tuple[bytes, ...]]] = {"tare": (_DECENT_TARE, _DECENT_TARE)}
    profiles: ClassVar[Mapping[Profile, Manners]] = {
        Profile("Decent", "fff0", notify="fff4", write="36f5"): Manners(
            (_DISPLAY_ON, _DISPLAY_ON), (_DECENT_HEARTBEAT,)
        )
    }

    @classmethod
    def _form(cls, config: BleScaleConfig | None) -> FrameFormat:
        return DECENT


# ---- heard by what they advertise ----------------------------------------------------------
class BthomeScale(BleScale):
    """A device that advertises a mass as BTHome v2 (``drivers.driver.Driver``)."""

    Config = BthomeConfig
    title = "BTHome"
    profiles: ClassVar[Mapping[Profile, Manners]] = {}

    @classmethod
    def _form(cls, config: BleScaleConfig | None) -> FrameFormat:
        which = config.mass if isinstance(config, BthomeConfig) else 1
        return advertised({BTHOME_UUID: bthome(which)})

    def _line(self) -> AbstractAsyncContextManager[Transport]:
        return _bthome_line(self.config, self._tap)


@asynccontextmanager
async def _bthome_line(config: BleScaleConfig, tap: Tap | None) -> AsyncIterator[BroadcastLine]:
    refusals = {
        BTHOME_UUID: bthome_refusal,
        **dict.fromkeys(BTHOME_V1_UUIDS, lambda _: "it sends BTHome v1, and only v2 is understood"),
    }
    async with open_broadcast(config, (BTHOME_UUID,), refusals, "BTHome", tap=tap) as line:
        yield line


class XiaomiScale(BleScale):
    """A Mi Smart Scale or Mi Body Composition Scale (``drivers.driver.Driver``)."""

    Config = XiaomiConfig
    title = "Xiaomi"
    profiles: ClassVar[Mapping[Profile, Manners]] = {
        Profile("Mi Smart Scale", "181d", "2a9d", framed=partial(service_data, MI_10_UUID)): (
            Manners()
        ),
        Profile(
            "Mi Body Composition Scale", "181b", "2a9c", framed=partial(service_data, MI_13_UUID)
        ): Manners(),
    }

    @classmethod
    def _form(cls, config: BleScaleConfig | None) -> FrameFormat:
        return XIAOMI_ADVERT

    def _line(self) -> AbstractAsyncContextManager[Transport]:
        if isinstance(self.config, XiaomiConfig) and self.config.connect:
            return self.connected()
        uuids = (MI_10_UUID, MI_13_UUID)
        return open_broadcast(self.config, uuids, {}, "Xiaomi scale", tap=self._tap)
