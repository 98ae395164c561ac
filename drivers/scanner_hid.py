"""Barcode scanners that are keyboards (USB HID), through the kernel's input events.

Source: Linux ``Documentation/input/input.rst`` and ``linux/input.h``. Each key comes as a
``struct input_event``: time, type, code, value. The device is grabbed, so that what is scanned
goes nowhere else: no console, no password prompt. A serial scanner is better where there is a
choice, since a keyboard knows no group separator; what scanners send in its place is in
``drivers.key_text``.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.driver import Emit, Tap
from drivers.errors import DeviceRefused, DeviceUnavailable, FrameError
from drivers.key_layouts import Layout
from drivers.key_text import KeyText
from drivers.readings import DeviceEvent, Reading
from drivers.scanner import FRAGMENT_TIMEOUT_S, ScannerDecoder
from drivers.serial_faults import port_holders

INPUT_EVENT = struct.Struct("@llHHi")
"""seconds, microseconds, type, code, value: 24 bytes on a 64-bit kernel."""
EV_SYN, EV_KEY, SYN_DROPPED = 0, 1, 3
_RELEASED, _PRESSED = 0, 1
_GRAB = 0x40044590  # EVIOCGRAB
_READ_BYTES_MAX = 64 * INPUT_EVENT.size
BY_ID = Path("/dev/input/by-id")

SeparatorKey = Annotated[str, Field(pattern=r"^f([1-9]|1[0-2])$")]


class HidScannerConfig(BaseModel):
    """Where the scanner is, and what keyboard it plays.

    ``layout`` is the keyboard that the scanner is set to (its "country"), whatever the
    computer's own is. ``suffix``: Enter always ends a code; ``tab`` lets Tab end it as well.
    ``separator_keys`` and ``separators`` are keys and texts that stand for the group separator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: str = Field(min_length=1)
    layout: Layout = "us"
    suffix: Literal["enter", "tab"] = "enter"
    idle_ms: Annotated[int, Field(ge=20, le=2_000)] = 120
    separator_keys: tuple[SeparatorKey, ...] = ("f8",)
    separators: tuple[Annotated[str, Field(min_length=1, max_length=8)], ...] = ()


# ---- events to codes -----------------------------------------------------------------------


class HidScannerDecoder:
    """Input events to codes (``drivers.driver.Decoder``); holds at most 4 kB of text."""

    def __init__(
        self,
        *,
        layout: Layout = "us",
        suffix: Literal["enter", "tab"] = "enter",
        separator_keys: tuple[str, ...] = ("f8",),
        separators: tuple[str, ...] = (),
    ) -> None:
        self.errors: list[FrameError] = []
        self._keys = KeyText(layout, separator_keys)
        self._codes = ScannerDecoder(separators=separators)
        self._ends = "\n\r\t" if suffix == "tab" else "\n\r"
        self._rest = b""
        self._offset = 0
        self._began = 0  # where the code being typed began
        self._missed = False

    @property
    def pending_bytes(self) -> int:
        """Bytes of a code that has not ended."""
        return self._codes.pending_bytes

    @property
    def suffix_seen(self) -> bool:
        """Whether this scanner has shown that it ends its codes with a key."""
        return self._codes.suffix_seen

    def feed(self, data: bytes) -> list[Reading]:
        """Decode all codes that have ended."""
        data = self._rest + data
        whole = len(data) - len(data) % INPUT_EVENT.size
        readings: list[Reading] = []
        for at in range(0, whole, INPUT_EVENT.size):
            _, _, kind, code, value = INPUT_EVENT.unpack_from(data, at)
            readings += self._event(kind, code, value)
            self._offset += INPUT_EVENT.size
        self._rest = data[whole:]
        return readings

    def flush(self) -> list[Reading]:
        """Nothing has come for a while: what was typed is a code, or a reported fragment."""
        return self._told(self._codes.flush())

    def finish(self) -> list[Reading]:
        """The stream ended: what was typed is the last code."""
        readings = self._told(self._codes.finish())
        if self._rest:
            self._refuse("Half an input event", self._offset, self._rest)
            self._rest = b""
        return readings

    def _event(self, kind: int, code: int, value: int) -> list[Reading]:
        if kind == EV_SYN and code == SYN_DROPPED:
            self._keys.forget()
            self._missed = True
            return []
        if kind != EV_KEY or value not in (_RELEASED, _PRESSED):
            return []  # a key held down repeats itself: no scanner means that
        readings: list[Reading] = []
        for character in self._keys.key(code, value == _PRESSED):
            if not self._codes.pending_bytes:
                self._began = self._offset
            typed = "\n" if character in self._ends else character
            readings += self._told(self._codes.feed(typed.encode("utf-8")))
        return readings

    def _told(self, readings: list[Reading]) -> list[Reading]:
        errors, self._codes.errors = self._codes.errors, []
        for error in errors:
            error.offset = self._began  # of the events, not of the text
        self.errors += errors
        if self._missed and (readings or errors):
            self._missed = False
            if readings:
                self._refuse("Keys of this code were missed", self._began, b"")
            return []
        return readings

    def _refuse(self, what: str, offset: int, frame: bytes) -> None:
        self.errors.append(FrameError(f"{what}.", offset=offset, frame=frame, hint="Scan again."))


# ---- the driver ----------------------------------------------------------------------------


class HidScanner:
    """One keyboard scanner (``drivers.driver.Driver``)."""

    Config: ClassVar[type[HidScannerConfig]] = HidScannerConfig

    def __init__(self, config: HidScannerConfig, *, tap: Tap | None = None) -> None:
        self.config = config
        self._tap = tap
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0}

    @classmethod
    def decoder(cls) -> HidScannerDecoder:
        """A fresh decoder of what such a scanner's input device gives."""
        return HidScannerDecoder()

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames`` (codes), ``frame_errors`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Grab the device and emit codes until cancelled; a scanner may be silent for ever.

        Raises ``DeviceUnavailable`` when it is missing, forbidden, held by another or lost, and
        ``DeviceRefused`` when the port is no input device.
        """
        config = self.config
        decoder = HidScannerDecoder(
            layout=config.layout,
            suffix=config.suffix,
            separator_keys=config.separator_keys,
            separators=config.separators,
        )
        with _grabbed(config.port) as fd:
            await emit([DeviceEvent(name="connected", detail=f"scanner at {config.port}")])
            while True:
                readings = await self._hear(fd, decoder)
                errors, decoder.errors = decoder.errors, []
                self._counts["frames"] += len(readings)
                self._counts["frame_errors"] += len(errors)
                told = [DeviceEvent(name="frame_error", detail=str(error)) for error in errors]
                if told or readings:
                    await emit([*told, *readings])

    async def _hear(self, fd: int, decoder: HidScannerDecoder) -> list[Reading]:
        timeout_s = None
        if decoder.pending_bytes:
            idle_s = self.config.idle_ms / 1000
            timeout_s = FRAGMENT_TIMEOUT_S if decoder.suffix_seen else idle_s
        try:
            async with asyncio.timeout(timeout_s):
                await _readable(fd)
        except TimeoutError:
            return decoder.flush()
        try:
            data = os.read(fd, _READ_BYTES_MAX)
        except BlockingIOError:
            return []
        except OSError as error:
            raise _lost(self.config.port, error.strerror or str(error)) from error
        if not data:
            raise _lost(self.config.port, "it says no more")
        self._counts["bytes"] += len(data)
        if self._tap is not None:
            self._tap(data)
        return decoder.feed(data)


async def _readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(fd, settle)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


@contextmanager
def _grabbed(port: str) -> Iterator[int]:
    """Open the input device for this process alone, and let it go whatever happens."""
    try:
        fd = os.open(port, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot_open(port, error) from error
    try:
        try:
            fcntl.ioctl(fd, _GRAB, 1)
        except OSError as error:
            raise _cannot_open(port, error) from error
        yield fd
    finally:
        os.close(fd)  # which also ends the grab


def _cannot_open(port: str, error: OSError) -> DeviceUnavailable | DeviceRefused:
    if error.errno == errno.EBUSY:
        held = ", ".join(f"{name} (process {pid})" for pid, name in port_holders(port).items())
        return DeviceUnavailable(
            f"{port} is held by {held or 'another program'}.",
            hint="End that program, or is the same scanner set for two devices?",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DeviceUnavailable(
            f"{port} may not be opened.",
            hint="Input devices belong to the group input: say `sudo usermod -aG input USER` with "
            "the user that runs the edge, and start it again.",
        )
    if error.errno in {errno.ENOTTY, errno.EINVAL, errno.EISDIR}:
        return DeviceRefused(
            f"{port} is no input device.",
            hint=f"Give a path below {BY_ID} that ends in -event-kbd.",
        )
    found = sorted(str(path) for path in BY_ID.glob("*-event-kbd")) if BY_ID.is_dir() else []
    there = f"There are {', '.join(found)}." if found else "No USB keyboard is plugged in."
    return DeviceUnavailable(f"{port} cannot be opened: {error.strerror}.", hint=there)


def _lost(port: str, why: str) -> DeviceUnavailable:
    return DeviceUnavailable(
        f"{port} was lost: {why}.",
        hint="Was it unplugged? It is opened again when it is back.",
    )
