"""Scales that speak MT-SICS (Mettler-Toledo; also OHAUS by ``PSI``, Kern KCP, and clones).

Manual: Mettler-Toledo, "MT-SICS Interface Commands", levels 0 and 1. Commands and replies are
lines ended by CR LF, usually at 9600 8N1. ``SI`` asks for a weight at once, ``SIR`` asks for
weights at once and for ever. ``S S     100.00 g`` is a stable weight, ``S D`` one that still
moves, ``S +`` overload, ``S -`` underload, ``S I`` "cannot just now", ``ES``/``ET``/``EL`` a
command that was not understood, came damaged, or does not fit. The scale is only ever asked,
never changed: no ``T``, ``Z``, ``@`` or ``C`` leaves this driver. A TCP socket carries the same.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, NoReturn, Self

from pydantic import Field, model_validator

from drivers.driver import Emit, Tap
from drivers.errors import DeviceRefused, DeviceUnavailable, FrameError
from drivers.frame_faults import told_once
from drivers.frames import FrameDecoder, FrameFormat, searched
from drivers.readings import DeviceEvent, Reading
from drivers.scales.mtsics_replies import ERRORS, Reply, parse_reply, reading_of, unquoted
from drivers.transports.transport import Transport, TransportSettings, open_transport

LINE_BYTES_MAX = 200
ANSWER_TIMEOUT_S = 1.0
"""How long to wait for a model or serial number: not every scale has these commands."""


class MtSicsConfig(TransportSettings):
    """Where the scale is and how to ask it. ``plate`` is its number within the read point.

    ``command``: ``SIR`` lets the scale send on its own (some 10 a second), ``SI`` asks for each
    weight, ``interval_s`` apart. ``silence_timeout_s`` without a weight ends the driver.
    """

    plate: int = Field(default=1, ge=1, le=10_000)
    command: Literal["SIR", "SI"] = "SIR"
    interval_s: Annotated[float, Field(ge=0.05, le=60)] = 0.2
    silence_timeout_s: Annotated[float, Field(ge=0.5, le=600)] = 5.0

    @model_validator(mode="after")
    def _patient_enough(self) -> Self:
        if self.command == "SI" and self.silence_timeout_s <= self.interval_s:
            raise ValueError("silence_timeout_s must be longer than interval_s")
        return self


_LINE = re.compile(rb"(?:(?<![^\r\n])[^\r\n]{1,%d}|S [SD] [^\r\n]{1,40})[\r\n]" % LINE_BYTES_MAX)
"""A line, or the weight that stands last in one that begins with noise, or whose end was lost."""


class MtSicsDecoder:
    """A scale's bytes to readings (``drivers.driver.Decoder``), by the framer of all scales.

    A driver that waits for its answers takes ``replies`` instead, one step earlier.
    """

    def __init__(self) -> None:
        self._replies: list[Reply] = []
        self._frames = FrameDecoder(
            FrameFormat(
                find=searched(_LINE, longest=LINE_BYTES_MAX + 1), read=self._read, lines=True
            )
        )

    @property
    def errors(self) -> list[FrameError]:
        """What was skipped since they were last taken."""
        return self._frames.errors

    @errors.setter
    def errors(self, errors: list[FrameError]) -> None:
        self._frames.errors = errors

    @property
    def frames(self) -> int:
        """How many replies there were."""
        return self._frames.frames

    @property
    def pending_bytes(self) -> int:
        """Bytes held because their line has not ended, or nothing has followed them."""
        return self._frames.pending_bytes

    def feed(self, data: bytes) -> list[Reading]:
        """Decode all lines that have ended."""
        self._replies.clear()
        return self._frames.feed(data)

    def finish(self) -> list[Reading]:
        """The stream ended: a last line without its end counts if a unit shows it is whole."""
        self._replies.clear()
        return self._frames.finish()

    def replies(self, data: bytes) -> list[Reply]:
        """The same as ``feed``, with what each reading answers."""
        self.feed(data)
        return list(self._replies)

    def _read(self, frame: bytes) -> Reading:
        reply = parse_reply(frame.strip(b" \t\0\r\n").decode("latin-1"))
        if reply is None:
            raise ValueError("No MT-SICS reply")
        self._replies.append(reply)
        return reading_of(reply)


# ---- the driver ----------------------------------------------------------------------------


class MtSicsScale:
    """One scale on one line, serial or TCP (``drivers.driver.Driver``)."""

    Config: ClassVar[type[MtSicsConfig]] = MtSicsConfig

    def __init__(self, config: MtSicsConfig, *, tap: Tap | None = None) -> None:
        self.config = config
        self._tap = tap
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0, "weights": 0}

    @classmethod
    def decoder(cls) -> MtSicsDecoder:
        """A fresh decoder of what such a scale sends."""
        return MtSicsDecoder()

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames``, ``frame_errors``, ``weights`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Open the line, ask who is there, and emit weights until cancelled.

        Raises ``DeviceUnavailable`` when the line fails or no weight comes within the silence
        timeout, ``DeviceRefused`` when the scale does not know the command for weights.
        """
        async with open_transport(self.config, tap=self._tap) as line:
            await _Talk(self.config, line, emit, self._counts).run()


class _Talk:
    """One connection: who is there, then weights."""

    def __init__(
        self, config: MtSicsConfig, line: Transport, emit: Emit, counts: dict[str, int]
    ) -> None:
        self._config = config
        self._line = line
        self._emit = emit
        self._counts = counts
        self._decoder = MtSicsDecoder()
        self._now = asyncio.get_running_loop().time
        self._refused = False

    async def run(self) -> NoReturn:
        serial_number = await self._ask("I4")
        model = await self._ask("I2")
        named = [f"model {model}"] if model else []
        named += [f"serial number {serial_number}"] if serial_number else []
        who = ", ".join(named) or "it does not tell its model"
        await self._emit([DeviceEvent(name="connected", detail=f"MT-SICS scale: {who}")])
        if self._config.command == "SIR":
            await self._send("SIR")
            while True:
                await self._weights()
        while True:
            next_at = self._now() + self._config.interval_s
            await self._send("SI")
            await self._weights()
            await asyncio.sleep(max(0.0, next_at - self._now()))

    async def _send(self, command: str) -> None:
        await self._line.write(command.encode("ascii") + b"\r\n")

    async def _ask(self, command: str) -> str | None:
        """Ask for a text; ``None`` where the scale does not know the command or keeps silent."""
        await self._send(command)
        deadline = self._now() + ANSWER_TIMEOUT_S
        while (left_s := deadline - self._now()) > 0:
            replies = await self._hear(left_s)
            for reply in replies:
                if reply.command == command and reply.status == "A":
                    return unquoted(reply.text) or None
            if any(reply.command in (command, *ERRORS) for reply in replies):
                return None
        return None

    async def _weights(self) -> None:
        """Wait for at least one answer to ``S``, and emit what came."""
        deadline = self._now() + self._config.silence_timeout_s
        while (left_s := deadline - self._now()) > 0:
            replies = await self._hear(left_s)
            if any(reply.command == "S" for reply in replies):
                return
            self._refused |= any(reply.command in ("ES", "EL") for reply in replies)
        raise self._silence()

    async def _hear(self, timeout_s: float) -> list[Reply]:
        """Read once; weights on the scale are emitted, the rest is only given back.

        A tare or an error that answers a command is no statement about the load.
        """
        data = await self._line.read(timeout_s)
        replies = self._decoder.replies(data)
        errors, self._decoder.errors = self._decoder.errors, []
        weights = [reading_of(reply) for reply in replies if reply.command == "S"]
        self._counts["bytes"] += len(data)
        self._counts["frames"] += len(replies)
        self._counts["frame_errors"] += len(errors)
        self._counts["weights"] += len(weights)
        if weights or errors:
            await self._emit([*told_once(errors), *weights])
        return replies

    def _silence(self) -> DeviceUnavailable | DeviceRefused:
        config, waited = self._config, f"{self._config.silence_timeout_s:g} s"
        if self._refused:
            other = "SI" if config.command == "SIR" else "SIR"
            return DeviceRefused(
                f"The scale at {config.where} does not understand {config.command}.",
                hint=f'Set command = "{other}"; if that fails too, it speaks no MT-SICS '
                "(some scales must be switched to it in their menu).",
            )
        if not self._line.bytes_read:
            return DeviceUnavailable(
                f"The scale at {config.where} said nothing for {waited}.",
                hint=f"Is it switched on, is the cable the right one (crossed or not), and is its "
                f"interface set to MT-SICS, {config.line}?",
            )
        if not self._decoder.frames:
            return DeviceUnavailable(
                f"What comes from {config.where} is no MT-SICS.",
                hint=f"Compare the scale's interface settings with {config.line} and MT-SICS.",
            )
        return DeviceUnavailable(
            f"No weight came from {config.where} for {waited}.",
            hint="Is the scale switched on, and not in its menu?",
        )
