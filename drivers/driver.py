"""The contract every device driver keeps, in full.

A driver is built from its own frozen ``Config`` and has one coroutine, ``run(emit)``: it
connects, awaits ``emit`` for each lot of readings, and ends only by cancellation or by
raising a ``DeviceError``. It never retries: whoever calls it owns that. Waiting inside
``emit`` is back-pressure: a driver stops taking bytes from its device meanwhile.

A decoder is the pure half: bytes in, readings out, no clock, no logger, bounded memory,
resynchronising. Any split of the same bytes gives the same readings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from drivers.errors import FrameError
from drivers.readings import Reading

Emit = Callable[[Sequence[Reading]], Awaitable[None]]
"""Where a driver puts what it heard. Awaiting it may wait (back-pressure)."""

Tap = Callable[[bytes], None]
"""Called with raw bytes as they arrive from the device, for captures and support."""


class Driver(Protocol):
    """One connection's worth of one device."""

    async def run(self, emit: Emit) -> None:
        """Connect, emit readings, and end only by cancellation or ``DeviceError``."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Monotonic counters since construction, e.g. ``frames``, ``frame_errors``, ``bytes``."""
        ...


@runtime_checkable
class Noted(Protocol):
    """A driver that may, but need not, say more of the device than its readings do."""

    def notes(self) -> Sequence[str]:
        """What the device that answered accepts, and how it is peculiar: lines for a technician.

        Empty before it answered.
        """
        ...


class Decoder(Protocol):
    """Bytes to readings, incrementally. ``errors`` collects what was skipped."""

    errors: list[FrameError]

    def feed(self, data: bytes) -> list[Reading]:
        """Decode all that is complete; keep the rest (bounded) for the next call."""
        ...

    def finish(self) -> list[Reading]:
        """The stream ended: give what still makes sense, report what does not."""
        ...
