"""Load-cell nodes: raw counts by MQTT or on a line, weighed here under a calibration.

A node (``firmware_configs/esphome``, ``firmware_configs/arduino``) samples a load cell's
converter (HX711, NAU7802) and tells the mean and deviation of each fifth of a second. It knows
no zero, tare or grams: those are settings of the edge, with a version, so that no node is ever
flashed anew for them. A node without a calibration is heard in raw counts alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.driver import Emit, Tap
from drivers.errors import DeviceUnavailable, FrameError
from drivers.frame_faults import frame_error, told_once
from drivers.frames import FrameDecoder
from drivers.load_cells.calibration import Calibration
from drivers.load_cells.frames import LINES, MESSAGES, NODE, window_of_message
from drivers.load_cells.windows import NodeWeigher
from drivers.readings import DeviceEvent, LoadCellWindow, Reading
from drivers.transports.broker import BrokerLink, BrokerSettings, Told, Topic, connected
from drivers.transports.transport import Transport, TransportSettings, open_transport


class NodeSettings(BaseModel):
    """What every node has. ``plate`` is its number within the read point, ``node`` its own name.

    A window is stable when the standard deviation of its samples is at most ``stable_std_g``.
    ``silence_timeout_s`` without a window ends the driver.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: int = Field(default=1, ge=1, le=10_000)
    node: Annotated[str, Field(pattern=rf"^{NODE}$")]
    stable_std_g: Annotated[Decimal, Field(gt=0, le=1_000_000)] = Decimal(2)
    silence_timeout_s: Annotated[float, Field(ge=0.5, le=600)] = 5.0
    calibration: Calibration | None = None

    @property
    def known_as(self) -> str:
        """What to say of the node when it is first heard."""
        if self.calibration is None:
            return f"node {self.node}, not calibrated: raw counts, no weights"
        return f"node {self.node}, calibration {self.calibration.version}"


class _Heard:
    """Windows to readings, with the counters that both kinds of node have."""

    def __init__(self, settings: NodeSettings) -> None:
        self.windows = 0
        self._known_as = settings.known_as
        self._counts = {"bytes": 0, "frame_errors": 0}
        self._weigher = NodeWeigher(settings.node, settings.calibration, settings.stable_std_g)

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frame_errors``, and those of ``NodeWeigher``."""
        return self._counts | self._weigher.counters()

    def take(
        self, size: int, said: list[Reading], errors: list[FrameError], where: str
    ) -> list[Reading]:
        """What is to be emitted for so many bytes with these frames and errors."""
        self._counts["bytes"] += size
        self._counts["frame_errors"] += len(errors)
        before = self._weigher.windows
        news: list[Reading] = []
        for one in said:
            news += self._weigher.take([one]) if isinstance(one, LoadCellWindow) else [one]
        heard = self._weigher.windows - before
        if heard and not self.windows:
            news.insert(0, DeviceEvent(name="connected", detail=f"{self._known_as}, at {where}"))
        self.windows += heard
        return [*news, *told_once(errors)]

    @property
    def strangers(self) -> int:
        """Windows of nodes with another name."""
        return self._weigher.strangers


# ---- by MQTT -----------------------------------------------------------------------------------
class LoadCellMqttConfig(NodeSettings):
    """The node publishes to ``topic`` with ``/window`` and ``/status`` after it; ``topic`` is
    ``tallyport/nodes/`` and the node's name unless given.
    """

    topic: Topic | Literal[""] = ""
    broker: BrokerSettings = BrokerSettings()

    @property
    def root(self) -> str:
        """What the node's topics begin with."""
        return (self.topic or f"tallyport/nodes/{self.node}").rstrip("/")


class LoadCellMqtt:
    """One node behind a broker (``drivers.driver.Driver``)."""

    Config = LoadCellMqttConfig

    def __init__(self, config: LoadCellMqttConfig, *, tap: Tap | None = None) -> None:
        self.config = config
        self._tap = tap
        self._heard = _Heard(config)
        self._counts = {"retained": 0, "dropped": 0}
        self._where = f"{config.root} at {config.broker.where}"

    @staticmethod
    def decoder() -> FrameDecoder:
        """A fresh decoder of a node's messages, one to a line."""
        return FrameDecoder(MESSAGES)

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``windows``, ``windows_lost``, ``windows_repeated``, ``node_restarts``,
        ``strangers``, ``frame_errors``, ``retained``, ``dropped`` since construction.
        """
        return {**self._heard.counters(), **self._counts}

    async def run(self, emit: Emit) -> None:
        """Listen on the broker and emit weights (or raw counts) until cancelled.

        Raises ``DeviceUnavailable`` when the broker is lost, the node says or the broker says for
        it that it is offline, or no window comes within the silence timeout.
        """
        topics = [f"{self.config.root}/status", f"{self.config.root}/window"]
        async with connected(self.config.broker, topics=topics) as link:
            await self._listen(link, emit)

    async def _listen(self, link: BrokerLink, emit: Emit) -> NoReturn:
        now = asyncio.get_running_loop().time
        deadline = now() + self.config.silence_timeout_s
        while True:
            told = await link.next(max(0.0, deadline - now()))
            self._counts["dropped"] = link.dropped
            if told is None:
                raise self._silence()
            before = self._heard.windows
            news = self._said(told)
            if self._heard.windows > before:
                deadline = now() + self.config.silence_timeout_s
            if news:
                await emit(news)

    def _said(self, told: Told) -> list[Reading]:
        """What one message says. Raises ``DeviceUnavailable`` when it says good-bye."""
        if told.topic.endswith("/status"):
            if told.payload.strip().lower() == b"offline":
                raise DeviceUnavailable(
                    f"Node {self.config.node} is offline.",
                    hint="Has it power, and does it reach the WLAN and the broker? Once it is back "
                    "it is heard again.",
                )
            return []
        if told.retained:  # an old weight, however new the message looks
            self._counts["retained"] += 1
            return []
        if self._tap is not None:
            self._tap(told.payload + b"\n")
        said: list[Reading] = []
        errors: list[FrameError] = []
        try:
            said.append(window_of_message(told.payload))
        except ValueError as error:
            errors.append(frame_error(str(error), told.payload, 0, text=False))
        return self._heard.take(len(told.payload), said, errors, self._where)

    def _silence(self) -> DeviceUnavailable:
        waited = f"{self.config.silence_timeout_s:g} s"
        if self._counts["retained"]:
            return DeviceUnavailable(
                f"Only a retained message came from {self._where}, for {waited}.",
                hint="The node must publish with retain: false, or old weights pass for new ones. "
                "Flash it with the sample, and clear the topic once.",
            )
        if self._heard.strangers:
            return DeviceUnavailable(
                f"Another node than {self.config.node} publishes to {self._where}.",
                hint="Compare node here with the name in the node's own file.",
            )
        return DeviceUnavailable(
            f"No window came from {self._where} for {waited}.",
            hint="Is the node switched on, are its topic and broker the same as here, and may this "
            "user subscribe there?",
        )


# ---- on a line ---------------------------------------------------------------------------------
class LoadCellSerialConfig(TransportSettings, NodeSettings):
    """``rate_hz``: how many windows a second the node is asked for; what it does by itself else."""

    baud_rate: int = Field(default=115_200, ge=50, le=4_000_000)
    rate_hz: Annotated[int, Field(ge=1, le=10)] | None = None

    @model_validator(mode="after")
    def _patient_enough(self) -> Self:
        if self.rate_hz is not None and self.silence_timeout_s <= 1 / self.rate_hz:
            raise ValueError("silence_timeout_s must be longer than a window")
        return self


class LoadCellSerial:
    """One node on a serial port, behind a socket or a bridge (``drivers.driver.Driver``).

    It is only ever asked what it is (``I``), and for its rate (``R``) where that is set.
    """

    Config = LoadCellSerialConfig

    def __init__(self, config: LoadCellSerialConfig, *, tap: Tap | None = None) -> None:
        self.config = config
        self._tap = tap
        self._heard = _Heard(config)

    @staticmethod
    def decoder() -> FrameDecoder:
        """A fresh decoder of TP1 lines."""
        return FrameDecoder(LINES)

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``windows``, ``windows_lost``, ``windows_repeated``, ``node_restarts``,
        ``strangers``, ``frame_errors`` since construction.
        """
        return self._heard.counters()

    async def run(self, emit: Emit) -> None:
        """Open the line and emit weights (or raw counts) until cancelled.

        Raises ``DeviceUnavailable`` when the line fails or no window comes within the silence
        timeout.
        """
        async with open_transport(self.config, tap=self._tap) as line:
            decoder = FrameDecoder(LINES, midway=True)
            asked = False
            while True:
                before = self._heard.windows
                await self._window(line, decoder, emit)
                # Only now: an Arduino whose port was opened starts anew, and its boot loader must
                # not hear anything.
                if not asked and self._heard.windows > before:
                    asked = True
                    await self._ask(line)

    async def _ask(self, line: Transport) -> None:
        if self.config.rate_hz is not None:
            await line.write(b"R %d\r\n" % self.config.rate_hz)
        await line.write(b"I\r\n")

    async def _window(self, line: Transport, decoder: FrameDecoder, emit: Emit) -> None:
        """Wait for at least one window of this node."""
        now = asyncio.get_running_loop().time
        deadline = now() + self.config.silence_timeout_s
        before = self._heard.windows
        while self._heard.windows == before:
            data = await line.read(max(0.0, deadline - now()))
            if not data and now() >= deadline:
                raise self._silence(line, decoder)
            said = decoder.feed(data)
            errors, decoder.errors = decoder.errors, []
            news = self._heard.take(len(data), said, errors, self.config.where)
            if news:
                await emit(news)

    def _silence(self, line: Transport, decoder: FrameDecoder) -> DeviceUnavailable:
        where, waited = self.config.where, f"{self.config.silence_timeout_s:g} s"
        if not line.bytes_read:
            return DeviceUnavailable(
                f"The node at {where} said nothing for {waited}.",
                hint="Is it plugged in, and is the sketch on it? It sends on its own.",
            )
        if not decoder.frames:
            return DeviceUnavailable(
                f"What comes from {where} is no TP1.",
                hint=f"Compare the sketch's baud rate with {self.config.line}.",
            )
        if self._heard.strangers:
            return DeviceUnavailable(
                f"Another node than {self.config.node} is at {where}.",
                hint="Compare node here with NODE in the sketch: are two cables swapped?",
            )
        return DeviceUnavailable(
            f"No window came from {where} for {waited}.",
            hint="Press the node's reset button. Has the converter power?",
        )
