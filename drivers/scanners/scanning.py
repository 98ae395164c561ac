"""Hearing a scanner over any line: codes, and when silence ends one. What all scanners share.

A code ends with its suffix, or, from a scanner without one, when nothing comes for a while. Once
a scanner has shown that it sends a suffix, a code without one is a fragment: it is reported and
never taken for a code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.driver import Decoder, Emit
from drivers.readings import DeviceEvent, Reading

FRAGMENT_TIMEOUT_S = 2.0
"""How long a scanner that sends a suffix may pause within a code before it is a fragment."""


class Listening(Protocol):
    """A line that is only listened to."""

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Wait for bytes; ``b""`` when none came within the timeout."""
        ...


class CodeDecoder(Decoder, Protocol):
    """Bytes to codes; silence may end a code."""

    @property
    def pending_bytes(self) -> int:
        """Bytes of a code that has not ended."""
        ...

    @property
    def suffix_seen(self) -> bool:
        """Whether this scanner ends its codes with a suffix."""
        ...

    def flush(self) -> list[Reading]:
        """Nothing has come for a while: what is held is a code, or a fragment that is reported."""
        ...


class Scanner(ABC):
    """One scanner (``drivers.driver.Driver``); a subclass knows its line and its bytes.

    ``where`` is the scanner's place in words, ``idle_ms`` the silence that ends a code.
    """

    def __init__(self, where: str, idle_ms: int) -> None:
        self._where = where
        self._idle_s = idle_ms / 1000
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0}

    @abstractmethod
    def _line(self) -> AbstractAsyncContextManager[Listening]:
        """The open line; raises ``DeviceError`` where there is none."""

    @abstractmethod
    def _codes(self) -> CodeDecoder:
        """A decoder by this scanner's settings."""

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames`` (codes), ``frame_errors`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Open the line and emit codes until cancelled; a scanner may be silent for ever.

        Raises ``DeviceError`` when the line cannot be opened or is lost.
        """
        decoder = self._codes()
        async with self._line() as line:
            await emit([DeviceEvent(name="connected", detail=f"scanner at {self._where}")])
            while True:
                readings = await self._heard(line, decoder)
                errors, decoder.errors = decoder.errors, []
                self._counts["frames"] += len(readings)
                self._counts["frame_errors"] += len(errors)
                told = [
                    DeviceEvent(name="frame_error", detail=str(error), raw_hex=error.frame.hex(" "))
                    for error in errors
                ]
                if told or readings:
                    await emit([*told, *readings])

    async def _heard(self, line: Listening, decoder: CodeDecoder) -> list[Reading]:
        timeout_s = None
        if decoder.pending_bytes:
            timeout_s = FRAGMENT_TIMEOUT_S if decoder.suffix_seen else self._idle_s
        data = await line.read(timeout_s)
        self._counts["bytes"] += len(data)
        return decoder.feed(data) if data else decoder.flush()
