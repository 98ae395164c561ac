"""An emulated weighing transmitter with Modbus: RTU on a line, or Modbus-TCP.

Registers from 0: the weight in grams (two, high word first), then the status: bit 0 overload,
bit 2 in motion. Reads of other registers are answered with exception 2, other functions with 1.
"""

from __future__ import annotations

from pathlib import Path

from drivers.emulators.indicator import EmulatedIndicator
from drivers.modbus_frames import crc

_REQUEST_BYTES = 6


class EmulatedTransmitter(EmulatedIndicator):
    """Unit 1 of a line. ``tcp`` wraps its frames as Modbus-TCP does."""

    def __init__(self, *, tcp: bool = False, seed: int = 0, link: Path | None = None) -> None:
        super().__init__("radwag", seed=seed, link=link)  # one that only speaks when asked
        self._tcp = tcp
        self._asked = bytearray()

    def _heard(self, data: bytes) -> None:
        self._asked += data
        head, tail = (6, 0) if self._tcp else (0, 2)
        while len(self._asked) >= head + _REQUEST_BYTES + tail:
            frame = bytes(self._asked[: head + _REQUEST_BYTES + tail])
            request = frame[head : head + _REQUEST_BYTES]
            if not self._tcp and crc(request) != frame[-2:]:
                del self._asked[:1]
                continue
            del self._asked[: len(frame)]
            answer = self._obeyed(request)
            if self._tcp:
                self.send(frame[:4] + len(answer).to_bytes(2, "big") + answer)
            else:
                self.send(answer + crc(answer))

    def _obeyed(self, request: bytes) -> bytes:
        unit, function = request[0], request[1]
        first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        if function != 3:
            return bytes([unit, function | 0x80, 1])
        words = self._registers()[2 * first : 2 * (first + count)]
        if not count or len(words) != 2 * count:
            return bytes([unit, function | 0x80, 2])
        return bytes([unit, function, len(words)]) + words

    def _registers(self) -> bytes:
        shown = self._shown()
        status = shown.over | (not shown.stable) << 2
        return int(shown.kg * 1000).to_bytes(4, "big", signed=True) + status.to_bytes(2, "big")
