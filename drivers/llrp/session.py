"""One connection to an LLRP reader: its bytes, its silence, its answers, its good-bye.

What the handshake says and understands is handed in (``Handshake``); reports, events,
keepalives and errors are taken here, so that no message of a reader can stop the hearing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from struct import pack
from typing import Protocol, cast

from drivers.driver import Emit, Tap
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable, FrameError
from drivers.llrp import endings, frames
from drivers.llrp.capabilities import Capabilities
from drivers.llrp.config import LlrpConfig
from drivers.llrp.decode import IMPINJ_PEN, ReportDecoder
from drivers.llrp.events import (
    CONNECTED,
    Stamp,
    connection_status,
    event_readings,
    stamp_of,
    status_of,
    success,
)
from drivers.llrp.link import Link
from drivers.readings import DeviceEvent, Reading

_READ_BYTES = 65_536
_GATHER_S = 0.01
"""At most a hundred lots a second. A lone read waits for nobody, the next one so long at most."""
_CLOSING_S, _CLOSING_SILENCE_S = 10.0, 1.0
"""How long a reader may take to hang up, and how long it may say nothing meanwhile."""
_SAID_UNASKED = frozenset({frames.RO_ACCESS_REPORT, frames.READER_EVENT_NOTIFICATION})
_ERRORS_IN_ROW_MAX = 100
_R_DEVICE_ERROR = 401
# Setup goes on when the reader says no to these, as if it had answered with this message: one
# without specs may refuse to delete them, or not know them at all.
_MAY_FAIL = {"DELETE_ACCESSSPEC": 51, "DELETE_ROSPEC": 31, "GET_ROSPECS": 36}


class Handshake(Protocol):
    """The client's side of setting a reader up."""

    found: Capabilities | None
    refill: frozenset[str]
    waiting: dict[int, str]

    @property
    def inventorying(self) -> bool:
        """Whether setup is over and the reader reads."""
        ...

    def take(self, frame: frames.Frame) -> None:
        """Go on with one message of the reader."""
        ...

    def ask_rospecs(self) -> None:
        """Send GET_ROSPECS."""
        ...

    def read_back(self, answer: bytes | None) -> list[str]:
        """Compare GET_ROSPECS_RESPONSE (``None``: refused) with what was asked, and go on."""
        ...

    def unplugged(self) -> list[int]:
        """Configured antennas that the reader finds no antenna at."""
        ...


class Session:
    """One connection, from its first byte to its last."""

    def __init__(
        self,
        config: LlrpConfig,
        handshake: Handshake,
        link: Link,
        *,
        counters: Counter[str],
        tap: Tap | None,
    ) -> None:
        self._config, self._counters, self._tap = config, counters, tap
        self._link = link
        self._reader, self._writer, self._where = link
        self._handshake = handshake
        self._splitter = frames.FrameSplitter()
        self._reports = ReportDecoder()
        self._begun = self._ready = False
        self._patience_s = config.setup_timeout_s
        self._errors_in_row = 0
        self._told: tuple[Stamp, float] | None = None

    async def run(self, emit: Emit) -> None:
        """Hear and emit until ``DeviceError`` or cancellation."""
        while True:
            data = await self._receive()
            if self._tap is not None:
                self._tap(data)
            readings: list[Reading] = []
            try:
                self._hear(data, readings)
            finally:
                await self._hand_over(readings, emit)
            if self._ready and len(data) < _READ_BYTES // 4:
                await self._let_some_gather()

    async def _let_some_gather(self) -> None:
        """Leave what comes now to the system for a moment: a fast reader sends each tag by
        itself, and a lot of one costs several times what its tag does.
        """
        transport = cast("asyncio.Transport", self._writer.transport)
        transport.pause_reading()
        try:
            await asyncio.sleep(_GATHER_S)
        finally:
            transport.resume_reading()

    async def _hand_over(self, readings: list[Reading], emit: Emit) -> None:
        """Emit: all of it even if cancelled meanwhile, for the reader will not say it again."""
        if not readings:
            return
        handing = asyncio.ensure_future(emit(readings))
        try:
            await asyncio.shield(handing)
        except asyncio.CancelledError:
            await asyncio.gather(handing, return_exceptions=True)
            raise

    async def _receive(self) -> bytes:
        """Wait for bytes, as long as patience lasts. Time spent in ``emit`` does not count."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            try:
                async with asyncio.timeout(self._patience_s):
                    data = await self._reader.read(_READ_BYTES)
            except TimeoutError:
                # A busy machine may be late itself: take what has come meanwhile.
                async with asyncio.timeout(0):
                    data = await self._reader.read(_READ_BYTES)
        except TimeoutError:
            raise self._silent() from None
        if not data:
            raise endings.gone(self._link, self._config, begun=self._begun)
        self._patience_s = max(0.0, self._patience_s - (clock() - started))
        self._counters["bytes"] += len(data)
        return data

    def _silent(self) -> DeviceUnavailable:
        config = self._config
        if self._ready:
            return endings.silent(self._where, config.idle_timeout_s)
        asked = ", ".join(self._handshake.waiting.values()) or "its connection event"
        return endings.not_set_up(self._where, config.setup_timeout_s, asked)

    def _hear(self, data: bytes, readings: list[Reading]) -> None:
        found, errors = self._splitter.feed(data)
        for frame in frames.in_order(found, errors):
            if isinstance(frame, FrameError):
                self._reports.missed()
                self._mistake(frame, readings)
                continue
            self._counters["frames"] += 1
            try:
                self._take(frame, readings)
            except FrameError as error:
                self._mistake(error, readings)
            else:
                self._errors_in_row = 0
            if self._ready:
                self._patience_s = self._config.idle_timeout_s
            elif self._handshake.inventorying:
                self._begin(readings)

    def _mistake(self, error: FrameError, readings: list[Reading]) -> None:
        self._counters["frame_errors"] += 1
        self._errors_in_row += 1
        readings.append(
            DeviceEvent(name="frame_error", detail=str(error), raw_hex=error.frame[:64].hex(" "))
        )
        if self._errors_in_row > _ERRORS_IN_ROW_MAX:
            raise DeviceUnavailable(
                f"The LLRP reader at {self._where} sends nonsense: {error}",
                hint="Is this an LLRP reader? Restart it; send a capture if it happens again.",
            )

    def _begin(self, readings: list[Reading]) -> None:
        """The reader inventories: say so, and ask what it really runs."""
        found = self._handshake.found
        assert found is not None
        self._ready = True
        self._patience_s = self._config.idle_timeout_s
        maker = "Impinj" if found.vendor_pen == IMPINJ_PEN else f"vendor {found.vendor_pen}"
        detail = f"{maker} model {found.model}, firmware {found.firmware}, at {self._where}"
        readings.append(self._connected(detail))
        readings += [
            DeviceEvent(name="antenna", port=port, state=False, detail="no antenna at this port")
            for port in self._handshake.unplugged()
        ]
        self._handshake.ask_rospecs()

    def _connected(self, detail: str) -> DeviceEvent:
        """With what the reader's clock says now: since its first event setup took some time."""
        stamp, heard_s = self._told or (Stamp(None), 0.0)
        since_us = round((asyncio.get_running_loop().time() - heard_s) * 1e6)
        at_us = None if stamp.at_us is None else stamp.at_us + since_us
        return DeviceEvent(name="connected", detail=detail, at_us=at_us, uptime_clock=stamp.uptime)

    def _take(self, frame: frames.Frame, readings: list[Reading]) -> None:
        match frame.kind:
            case frames.RO_ACCESS_REPORT:
                tags, refused = self._reports.decode(frame.data, frame.offset)
                readings += tags
                self._counters["tags"] += len(tags)
                for error in refused:
                    self._mistake(error, readings)
            case frames.KEEPALIVE:
                self._counters["keepalives"] += 1
                answer = pack(">HII", 0x0400 | frames.KEEPALIVE_ACK, 10, frame.message_id)
                self._writer.write(answer)
            case frames.READER_EVENT_NOTIFICATION:
                self._counters["events"] += 1
                self._event(frame, readings)
            case frames.ERROR_MESSAGE:
                self._error_message(frame, readings)
            case kind if kind in frames.MESSAGE_KINDS:
                self._answer(frame, readings)
            case kind:
                what = f"Message type {kind} is not LLRP: {len(frame.data)} bytes skipped"
                raise FrameError(what, offset=frame.offset, frame=frame.data[:64])

    def _event(self, frame: frames.Frame, readings: list[Reading]) -> None:
        events = event_readings(frame.data, frame.offset)
        status = None if self._begun else connection_status(frame.data)
        if status is None:
            readings += events
        elif status == CONNECTED:
            self._begun = True
            self._told = stamp_of(frame.data), asyncio.get_running_loop().time()
            self._handshake.take(frame)
        else:
            raise endings.not_admitted(self._link, status)

    def _error_message(self, frame: frames.Frame, readings: list[Reading]) -> None:
        self._counters["error_messages"] += 1
        _, words = _status(frame)
        name = self._handshake.waiting.pop(frame.message_id, None)
        if name is None or name in _MAY_FAIL:
            detail = f"the reader answered with an error message: {words}"
            readings.append(DeviceEvent(name="info", detail=detail))
            if name == "GET_ROSPECS":
                self._read_back(None, readings)
            elif name is not None:
                self._handshake.take(success(_MAY_FAIL[name], frame))
            return
        raise self._refused(name, words)

    def _refused(self, name: str, words: str) -> DeviceRefused:
        return DeviceRefused(
            f"The LLRP reader at {self._where} refused {name}: {words}",
            hint="Compare the device's settings with what the reader can do (edge probe).",
        )

    def _answer(self, frame: frames.Frame, readings: list[Reading]) -> None:
        name = self._handshake.waiting.pop(frame.message_id, None)
        if name is None:
            self._counters["unexpected"] += 1
            return
        code, words = _status(frame)
        if code and name not in _MAY_FAIL:
            if code == _R_DEVICE_ERROR:
                raise DeviceUnavailable(
                    f"The LLRP reader at {self._where} failed at {name}: {words}",
                    hint="The reader reports a fault of its own: restart it.",
                )
            raise self._refused(name, words)
        if name == "GET_ROSPECS":
            self._read_back(None if code else frame.data, readings)
        else:
            self._handshake.take(frame)
        if name == "ADD_ROSPEC":  # what was held for us before is of an older ROSpec
            self._reports = ReportDecoder(refill=self._handshake.refill)

    def _read_back(self, answer: bytes | None, readings: list[Reading]) -> None:
        told = self._handshake.read_back(answer)
        readings += [DeviceEvent(name="info", detail=line) for line in told]

    def abort(self) -> None:
        """The link is no good: do not say good-bye."""
        self._writer.transport.abort()

    async def close(self, emit: Emit) -> None:
        """Say good-bye, emit what was still on the way, give back. Cancelled, only the last."""
        clock = asyncio.get_running_loop().time
        ends_at = clock() + _CLOSING_S
        try:
            if not self._writer.transport.is_closing():
                self._writer.write(pack(">HII", 0x0400 | frames.CLOSE_CONNECTION, 10, 0xFFFFFFFF))
                while clock() < ends_at and (data := await self._last_bytes()):
                    await self._hand_over(self._last_readings(data), emit)
        finally:
            self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _last_bytes(self) -> bytes:
        """What the reader still says; empty once it has hung up, or says nothing any more."""
        try:
            async with asyncio.timeout(_CLOSING_SILENCE_S):
                data = await self._reader.read(_READ_BYTES)
        except TimeoutError:
            return b""
        if self._tap is not None and data:
            self._tap(data)
        return data

    def _last_readings(self, data: bytes) -> list[Reading]:
        """Reports and events only: an answer would lead to another request."""
        readings: list[Reading] = []
        for frame in frames.in_order(*self._splitter.feed(data)):
            if isinstance(frame, FrameError):
                self._reports.missed()
            elif self._ready and frame.kind in _SAID_UNASKED:
                try:
                    self._take(frame, readings)
                except DeviceError:  # the end is no time to complain
                    self._counters["frame_errors"] += 1
        return readings


def _status(frame: frames.Frame) -> tuple[int, str]:
    try:
        return status_of(frame.data)
    except ValueError as reason:
        what = f"Message type {frame.kind} makes no sense: {reason}"
        raise FrameError(what, offset=frame.offset, frame=frame.data[:64]) from None
