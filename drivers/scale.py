"""Scales of every protocol but MT-SICS, on a serial port or over TCP: one driver, two halves.

The protocol (``drivers.scale_protocols``) says how frames look and how the weight is asked for;
the transport (``drivers.transport``) carries the bytes. A scale is only ever asked for its
weight, or listened to: no zero, no tare and no clear leaves this driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, Self

import msgspec
from pydantic import Field, create_model, model_validator

from drivers.driver import Emit, Tap
from drivers.errors import DeviceUnavailable, FrameError
from drivers.frames import FrameDecoder
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scale_protocols import PROTOCOLS, Parity, ScaleProtocol
from drivers.transport import Transport, TransportSettings, open_transport

ANSWER_TIMEOUT_S = 1.0
"""A question without an answer for so long is asked again."""


class ScaleConfig(TransportSettings):
    """Where the scale is and how to hear it. ``plate`` is its number within the read point.

    ``ask``: ask for each weight, ``interval_s`` apart; false for a scale that sends on its own.
    ``unit`` says what the figures are in where the scale does not send it. ``silence_timeout_s``
    without a frame ends the driver.
    """

    plate: int = Field(default=1, ge=1, le=10_000)
    ask: bool = False
    interval_s: Annotated[float, Field(ge=0.05, le=60)] = 0.2
    silence_timeout_s: Annotated[float, Field(ge=0.5, le=600)] = 5.0
    unit: Literal["g", "kg", "t", "oz", "lb"] | None = None

    @model_validator(mode="after")
    def _patient_enough(self) -> Self:
        if self.ask and self.silence_timeout_s <= self.interval_s:
            raise ValueError("silence_timeout_s must be longer than interval_s")
        return self


class Scale:
    """One scale on one line (``drivers.driver.Driver``)."""

    def __init__(
        self, protocol: ScaleProtocol, config: ScaleConfig, *, tap: Tap | None = None
    ) -> None:
        self.config = config
        self._protocol = protocol
        self._tap = tap
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0, "weights": 0}

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames``, ``frame_errors``, ``weights`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Open the line and emit weights until cancelled.

        Raises ``DeviceUnavailable`` when the line fails or no frame comes within the silence
        timeout.
        """
        async with open_transport(self.config, tap=self._tap) as line:
            await _Hearing(self._protocol, self.config, line, emit, self._counts).run()


@dataclass(frozen=True, slots=True)
class ScaleKind:
    """A protocol as a kind of device (``drivers.registry.DriverClass``)."""

    protocol: ScaleProtocol
    Config: type[ScaleConfig]

    def decoder(self) -> FrameDecoder:
        """A fresh decoder of what such a scale sends."""
        return FrameDecoder(self.protocol.form)

    def __call__(self, config: ScaleConfig, *, tap: Tap | None = None) -> Scale:
        """Build the driver for one scale."""
        return Scale(self.protocol, config, tap=tap)


class _Hearing:
    """One connection: questions, where the protocol has them, and frames."""

    def __init__(
        self,
        protocol: ScaleProtocol,
        config: ScaleConfig,
        line: Transport,
        emit: Emit,
        counts: dict[str, int],
    ) -> None:
        self._protocol = protocol
        self._config = config
        self._line = line
        self._emit = emit
        self._counts = counts
        self._decoder = FrameDecoder(protocol.form, midway=True)
        self._last: WeightReading | None = None
        self._known = False
        self._now = asyncio.get_running_loop().time

    async def run(self) -> NoReturn:
        while True:
            next_at = self._now() + self._config.interval_s
            await self._frames()
            if self._config.ask:
                await asyncio.sleep(max(0.0, next_at - self._now()))

    async def _frames(self) -> None:
        """Wait for at least one frame."""
        deadline = self._now() + self._config.silence_timeout_s
        while (left_s := deadline - self._now()) > 0:
            if not self._config.ask:
                if await self._heard(left_s):
                    return
                continue
            await self._line.write(self._protocol.poll)
            ask_again_at = self._now() + min(left_s, ANSWER_TIMEOUT_S)
            while (left_s := ask_again_at - self._now()) > 0:
                if await self._heard(left_s):
                    return
        raise self._silence()

    async def _heard(self, timeout_s: float) -> bool:
        """Read once and emit what it says; whether a frame was among it."""
        data = await self._line.read(timeout_s)
        for answer, step in self._protocol.steps:
            if answer in data and self._config.ask:
                await self._line.write(step)
        readings = self._decoder.feed(data)
        errors, self._decoder.errors = self._decoder.errors, []
        weights = [weight for one in readings if (weight := self._weight(one)) is not None]
        self._counts["bytes"] += len(data)
        self._counts["frames"] += len(readings)
        self._counts["frame_errors"] += len(errors)
        self._counts["weights"] += len(weights)
        news: list[Reading] = [*self._events(readings, errors), *weights]
        if news:
            await self._emit(news)
        return bool(readings)

    def _events(self, readings: Sequence[Reading], errors: Sequence[FrameError]) -> list[Reading]:
        events: list[Reading] = []
        if readings and not self._known:
            self._known = True
            detail = f"{self._protocol.title} scale at {self._config.where}"
            events.append(DeviceEvent(name="connected", detail=detail))
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            events.append(DeviceEvent(name="frame_error", detail=f"{errors[-1]}{more}"))
        return events

    def _weight(self, reading: Reading) -> WeightReading | None:
        """The weight on the scale now; ``None`` where a frame is no statement about it.

        Some scales tell a weight once, and from then on only that nothing has changed.
        """
        if not isinstance(reading, WeightReading):
            return None
        if reading.value is None and reading.status is WeightStatus.OK:
            return self._last
        unit = self._config.unit
        if reading.value is not None and unit and (not reading.unit or self._protocol.unit_set_up):
            reading = msgspec.structs.replace(reading, unit=unit)
        self._last = reading if reading.value is not None else None
        return reading

    def _silence(self) -> DeviceUnavailable:
        config, title = self._config, self._protocol.title
        waited = f"{config.silence_timeout_s:g} s"
        settings = title if config.host else f"{title}, {config.line}"
        if not self._line.bytes_read:
            asked = "" if config.ask else " Does it send on its own, or must it be asked (ask)?"
            return DeviceUnavailable(
                f"The scale at {config.where} said nothing for {waited}.",
                hint=f"Is it switched on, is the cable the right one (crossed or not), and is its "
                f"interface set to {settings}?{asked}",
            )
        if not self._decoder.frames:
            return DeviceUnavailable(
                f"What comes from {config.where} is no {title}.",
                hint=f"Compare the scale's interface settings with {settings}.",
            )
        return DeviceUnavailable(
            f"No weight came from {config.where} for {waited}.",
            hint="Is the scale switched on, and not in its menu?",
        )


# ---- the kinds -----------------------------------------------------------------------------
def _kind(name: str) -> ScaleKind:
    """A protocol with its usual line as the defaults of its settings."""
    protocol = PROTOCOLS[name]
    title = "".join(part.capitalize() for part in name.split("-"))
    fields: dict[str, Any] = {
        "baud_rate": (int, Field(default=protocol.baud_rate, ge=50, le=4_000_000)),
        "bytesize": (Literal[5, 6, 7, 8], protocol.bytesize),
        "parity": (Parity, protocol.parity),
        "ask": (bool if protocol.poll else Literal[False], bool(protocol.poll)),
    }
    config = create_model(f"{title}Config", __base__=ScaleConfig, **fields)
    return ScaleKind(protocol, config)


MT_CONTINUOUS = _kind("mt-continuous")
MT_CONTINUOUS_CHECKSUM = _kind("mt-continuous-checksum")
TOLEDO_8217 = _kind("toledo-8217")
NCI_SCP01 = _kind("nci-scp01")
SMA = _kind("sma")
AND_STANDARD = _kind("and-standard")
ST_GS = _kind("st-gs")
DINI_ARGEO = _kind("dini-argeo")
CAS_22 = _kind("cas-22")
CAS_ENQ = _kind("cas-enq")
DIBAL_EPOS_TISA = _kind("dibal-epos-tisa")
OHAUS_PRINT = _kind("ohaus-print")
OHAUS_RANGER = _kind("ohaus-ranger")
SARTORIUS_SBI = _kind("sartorius-sbi")
RADWAG = _kind("radwag")
