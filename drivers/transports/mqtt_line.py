"""A serial line that an MQTT bridge carries: what it hears it publishes, what it is told it sends.

ESPHome with ``firmware_configs/esphome/scale-bridge.yaml`` publishes the bytes as they are.
Tasmota's serial bridge publishes JSON, in raw mode (``SerialDelimiter 254``) with the bytes as
hexadecimal digits: {"SSerialReceived":"53205320"}, and is told the same digits by SSerialSend5
(Tasmota, xdrv_08_serial_bridge.ino; unverified on a device).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import msgspec

from drivers.driver import Tap
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.transports.broker import BrokerLink, BrokerSettings, Topic, connected

_TASMOTA = ("SSerialReceived", "SerialReceived")


class MqttPlace(BrokerSettings):
    """``heard`` is the topic the bridge publishes to, ``told`` the one it listens to, ``status``
    the one that says online or offline, where the bridge has it.
    """

    heard: Topic
    told: Topic | None = None
    status: Topic | None = None
    payload: Literal["bytes", "tasmota"] = "bytes"

    @property
    def place(self) -> str:
        """The line in words."""
        return f"{self.heard} at {self.where}"


class MqttLine:
    """An open line. Use ``open_mqtt``, which also closes it."""

    def __init__(self, place: MqttPlace, link: BrokerLink, tap: Tap | None) -> None:
        self.bytes_read = 0
        self._place = place
        self._link = link
        self._tap = tap

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for bytes and give those of one message; ``b""`` when none came within the timeout.

        Raises ``DeviceUnavailable`` when the broker or the bridge is lost.
        """
        now = asyncio.get_running_loop().time
        deadline = None if timeout_s is None else now() + timeout_s
        while True:
            left_s = None if deadline is None else max(0.0, deadline - now())
            told = await self._link.next(left_s)
            if told is None:
                return b""
            data = self._bytes(told.topic, told.payload, told.retained)
            if data:
                self.bytes_read += len(data)
                if self._tap is not None:
                    self._tap(data)
                return data

    async def write(self, data: bytes) -> None:
        """Let the bridge send ``data``; raises ``DeviceRefused`` where no topic for it is set."""
        if self._place.told is None:
            raise DeviceRefused(
                f"Nothing can be sent to the device behind {self._place.place}.",
                hint="Set told to the topic that the bridge listens to, or let the device send on "
                "its own (ask = false).",
            )
        sent = data.hex().upper().encode() if self._place.payload == "tasmota" else data
        await self._link.publish(self._place.told, sent)

    def _bytes(self, topic: str, payload: bytes, retained: bool) -> bytes:
        if topic == self._place.status:
            if payload.strip().lower() == b"offline":
                raise DeviceUnavailable(
                    f"The bridge of {self._place.place} is offline.",
                    hint="Has it power, and does it reach the network and the broker?",
                )
            return b""
        if retained:  # an old weight, however new the message looks
            return b""
        return _tasmota(payload) if self._place.payload == "tasmota" else payload


def _tasmota(payload: bytes) -> bytes:
    """The bytes in Tasmota's message; nothing when it speaks of something else.

    What is no such message is given as it is: it makes no sense to the scale's protocol either,
    and is told there.
    """
    try:
        said = msgspec.json.decode(payload, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return payload
    digits = next((said[key] for key in _TASMOTA if key in said), "")
    try:
        return bytes.fromhex(digits) if isinstance(digits, str) else payload
    except ValueError:  # not in raw mode
        return payload


@asynccontextmanager
async def open_mqtt(place: MqttPlace, *, tap: Tap | None = None) -> AsyncIterator[MqttLine]:
    """Connect to the broker and listen, and hang up at the end whatever happens.

    Raises ``DeviceUnavailable`` with a hint.
    """
    topics = [place.heard] if place.status is None else [place.heard, place.status]
    async with connected(place, topics=topics) as link:
        yield MqttLine(place, link, tap)
