"""Barcode scanners that are keyboards (USB HID), through the kernel's input events.

Source: Linux ``Documentation/input/input.rst`` and ``linux/input.h``. Each key comes as a
``struct input_event``: time, type, code, value. A serial scanner is better where there is a
choice, since a keyboard knows no group separator; what scanners send in its place is in
``drivers.scanners.key_text``.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.driver import Tap
from drivers.errors import FrameError
from drivers.readings import Reading
from drivers.scanners.input_device import INPUT_EVENT, InputDevice, open_input
from drivers.scanners.key_layouts import Layout
from drivers.scanners.key_text import UNREADABLE, KeyText
from drivers.scanners.scanner import ScannerDecoder
from drivers.scanners.scanning import Scanner

EV_SYN, EV_KEY, SYN_DROPPED = 0, 1, 3
_RELEASED, _PRESSED = 0, 1
_ETX = "\x03"

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
            # ETX ends what comes over a line; a keyboard has no business with it.
            typed = UNREADABLE if character == _ETX else character
            typed = "\n" if character in self._ends else typed
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


class HidScanner(Scanner):
    """One keyboard scanner (``drivers.driver.Driver``)."""

    Config: ClassVar[type[HidScannerConfig]] = HidScannerConfig

    def __init__(self, config: HidScannerConfig, *, tap: Tap | None = None) -> None:
        super().__init__(config.port, config.idle_ms)
        self.config = config
        self._tap = tap

    @classmethod
    def decoder(cls) -> HidScannerDecoder:
        """A fresh decoder of what such a scanner's input device gives."""
        return HidScannerDecoder()

    def _line(self) -> AbstractAsyncContextManager[InputDevice]:
        return open_input(self.config.port, tap=self._tap)

    def _codes(self) -> HidScannerDecoder:
        config = self.config
        return HidScannerDecoder(
            layout=config.layout,
            suffix=config.suffix,
            separator_keys=config.separator_keys,
            separators=config.separators,
        )
