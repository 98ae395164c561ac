"""Hearing a scale over any line: questions where its protocol has them, frames, and silence.

The protocol (``drivers.scales.protocols``) says how frames look and how the weight is asked for;
the line carries the bytes, and knows what a technician should look at when none come.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal, NoReturn

import msgspec
from pydantic import BaseModel, Field

from drivers.driver import Emit
from drivers.errors import DeviceUnavailable, FrameError
from drivers.frame_faults import told_once
from drivers.frames import FrameDecoder
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scales.protocols import ScaleProtocol
from drivers.transports.transport import Transport

ANSWER_TIMEOUT_S = 1.0
"""A question without an answer for so long is asked again."""


class HearingSettings(BaseModel):
    """What every scale has. ``plate`` is its number within the read point.

    ``unit`` says what the figures are in where the scale does not send it. ``silence_timeout_s``
    without a frame ends the driver.
    """

    plate: int = Field(default=1, ge=1, le=10_000)
    silence_timeout_s: Annotated[float, Field(ge=0.5, le=600)] = 5.0
    unit: Literal["g", "kg", "t", "oz", "lb"] | None = None

    @property
    def where(self) -> str:
        """The device's place in words."""
        raise NotImplementedError

    @property
    def ask_every_s(self) -> float | None:
        """How far apart the questions are; ``None`` for a scale that sends on its own."""
        return None

    def compared(self, title: str) -> str:
        """What the scale's own settings should be compared with."""
        return title

    def quiet_hint(self, title: str) -> str:
        """What to look at where not a byte came."""
        raise NotImplementedError


class HeardScale(ABC):
    """One scale on one line (``drivers.driver.Driver``); a subclass says which line.

    ``there_when_open``: that the line is open shows that the scale is there, though it be silent.
    """

    there_when_open: ClassVar[bool] = False

    def __init__(self, protocol: ScaleProtocol, settings: HearingSettings) -> None:
        self._protocol = protocol
        self._settings = settings
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0, "weights": 0}

    @abstractmethod
    def _line(self) -> AbstractAsyncContextManager[Transport]:
        """The open line; raises ``DeviceUnavailable`` where there is none."""

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames``, ``frame_errors``, ``weights`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Open the line and emit weights until cancelled.

        Raises ``DeviceUnavailable`` when the line fails or no frame comes within the silence
        timeout.
        """
        async with self._line() as line:
            hearing = _Hearing(self._protocol, self._settings, line, emit, self._counts)
            if self.there_when_open:
                await hearing.connected()
            await hearing.run()


class _Hearing:
    """One connection: questions, where the protocol has them, and frames."""

    def __init__(
        self,
        protocol: ScaleProtocol,
        settings: HearingSettings,
        line: Transport,
        emit: Emit,
        counts: dict[str, int],
    ) -> None:
        self._protocol = protocol
        self._settings = settings
        self._ask_every_s = settings.ask_every_s
        self._line = line
        self._emit = emit
        self._counts = counts
        self._decoder = FrameDecoder(protocol.form, midway=not protocol.packets)
        self._last: WeightReading | None = None
        self._known = False
        self._now = asyncio.get_running_loop().time

    async def connected(self) -> None:
        """Say that the scale is there."""
        self._known = True
        await self._emit([self._presence()])

    async def run(self) -> NoReturn:
        while True:
            began = self._now()
            await self._frames()
            if self._ask_every_s is not None:
                await asyncio.sleep(max(0.0, began + self._ask_every_s - self._now()))

    async def _frames(self) -> None:
        """Wait for at least one frame."""
        deadline = self._now() + self._settings.silence_timeout_s
        while (left_s := deadline - self._now()) > 0:
            if self._ask_every_s is None:
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
            if answer in data and self._ask_every_s is not None:
                await self._line.write(step)
        readings = self._decoder.feed(data)
        if self._protocol.packets:
            readings += self._decoder.finish()
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
            events.append(self._presence())
        return [*events, *told_once(errors)]

    def _presence(self) -> DeviceEvent:
        detail = f"{self._protocol.title} scale at {self._settings.where}"
        return DeviceEvent(name="connected", detail=detail)

    def _weight(self, reading: Reading) -> WeightReading | None:
        """The weight on the scale now; ``None`` where a frame is no statement about it.

        Some scales tell a weight once, and from then on only that nothing has changed.
        """
        if not isinstance(reading, WeightReading):
            return None
        if reading.value is None and reading.status is WeightStatus.OK:
            return self._last
        unit = self._settings.unit
        if reading.value is not None and unit and (not reading.unit or self._protocol.unit_set_up):
            reading = msgspec.structs.replace(reading, unit=unit)
        self._last = reading if reading.value is not None else None
        return reading

    def _silence(self) -> DeviceUnavailable:
        settings, title = self._settings, self._protocol.title
        where, waited = settings.where, f"{settings.silence_timeout_s:g} s"
        if not self._line.bytes_read:
            return DeviceUnavailable(
                f"The scale at {where} said nothing for {waited}.", hint=settings.quiet_hint(title)
            )
        if not self._decoder.frames:
            return DeviceUnavailable(
                f"What comes from {where} is no {title}.",
                hint=f"Compare the scale's interface settings with {settings.compared(title)}.",
            )
        return DeviceUnavailable(
            f"No weight came from {where} for {waited}.",
            hint="Is the scale switched on, and not in its menu?",
        )
