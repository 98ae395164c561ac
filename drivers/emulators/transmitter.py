"""An emulated weighing transmitter with Modbus: RTU on a line, or Modbus-TCP.

Written from the Modbus documents and not with pymodbus, so that the driver, which is, has another
hand against it. It lays its registers out by the map it is given, those of a driver's settings.
Reads of other registers are answered with exception 2, other functions with 1; a unit that is
not its own gets no answer.
"""

from __future__ import annotations

import struct
from pathlib import Path

from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.scale_frames import Shown
from drivers.scales.modbus_frames import crc
from drivers.scales.modbus_map import RegisterMap, StatusRegister, WeightRegister

PLAIN = RegisterMap(
    weight=WeightRegister(address=0, decimals=3),
    status=StatusRegister(address=2, overload=0, moving=2),
)
"""The weight in registers 0 and 1, high word first; bits of register 2 say overload and motion."""
_CODES = {"i16": "h", "u16": "H", "i32": "i", "u32": "I", "f32": "f"}
_DECIMALS = 3
_WRITE_MANY = 16


class EmulatedTransmitter(EmulatedIndicator):
    """One unit of a line that shows kilograms with three decimals. ``tcp`` wraps its frames.

    To be set by a test: ``exception`` answers everything with this code, ``deaf`` answers nothing,
    ``noise`` goes before each answer, ``echo`` sends back what it hears, as two wires do,
    ``override`` puts words into registers. ``asked`` are the functions that it was asked for.
    """

    def __init__(
        self,
        registers: RegisterMap = PLAIN,
        *,
        unit_id: int = 1,
        tcp: bool = False,
        seed: int = 0,
        link: Path | None = None,
    ) -> None:
        super().__init__("radwag", seed=seed, link=link)  # one that only speaks when asked
        self.exception: int | None = None
        self.deaf = self.echo = False
        self.noise = b""
        self.override: dict[int, int] = {}
        self.asked: set[int] = set()
        self.map = registers
        self.tcp = tcp
        self._unit_id = unit_id
        self._unread = bytearray()
        self._written: dict[int, int] = {}

    def _heard(self, data: bytes) -> None:
        if self.echo:
            self.send(data)
        self._unread += data
        while (size := self._size()) and len(self._unread) >= size:
            frame = bytes(self._unread[:size])
            request = frame[6:] if self.tcp else frame[:-2]
            if not self.tcp and crc(request) != frame[-2:]:
                del self._unread[:1]
                continue
            del self._unread[:size]
            if request[0] == self._unit_id and not self.deaf:
                self._reply(frame, self._obeyed(request))

    def _size(self) -> int:
        """How long the request is that has begun; 0 where that is not known yet."""
        head, tail = (6, 0) if self.tcp else (0, 2)
        request = self._unread[head:]
        if len(request) < 2 or request[1] != _WRITE_MANY:
            return head + 6 + tail
        return 0 if len(request) < 7 else head + 7 + request[6] + tail

    def _reply(self, asked: bytes, answer: bytes) -> None:
        if self.tcp:
            self.send(self.noise + asked[:4] + struct.pack(">H", len(answer)) + answer)
        else:
            self.send(self.noise + answer + crc(answer))

    def _obeyed(self, request: bytes) -> bytes:
        unit, function, first, count = struct.unpack(">BBHH", request[:6])
        self.asked.add(function)
        if self.exception is not None:
            return bytes([unit, function | 0x80, self.exception])
        if function == self.map.function:
            registers = self._registers()
            wanted = range(first, first + count)
            if not count or any(place not in registers for place in wanted):
                return bytes([unit, function | 0x80, 2])
            words = b"".join(struct.pack(">H", registers[place]) for place in wanted)
            return bytes([unit, function, len(words)]) + words
        if function in (6, _WRITE_MANY):
            value = count if function == 6 else struct.unpack(">H", request[7:9])[0]
            known = self._write(first, value)
            return request[:6] if known else bytes([unit, function | 0x80, 2])
        return bytes([unit, function | 0x80, 1])

    def _write(self, address: int, value: int) -> bool:
        """Whether there is such a register. What takes two values acts when it changes."""
        before, self._written[address] = self._written.get(address), value
        commands = self.map.commands.known()
        for name, command in commands.items():
            last = command.address == address and command.values[-1] == value
            if last and (len(command.values) == 1 or before != value):
                self._do(name)
        return any(command.address == address for command in commands.values())

    # ---- what can be read ------------------------------------------------------------------
    def _registers(self) -> dict[int, int]:
        shown, weight = self._shown(), self.map.weight
        registers = {}
        places = weight.decimals if weight.decimals_address is None else _DECIMALS
        number = shown.kg / weight.factor
        if self.map.status is not None and self.map.status.negative is not None:
            number = abs(number)
        code = _CODES[weight.type]
        sent = float(number) if code == "f" else int(number * 10**places)
        raw = struct.pack(f">{code}", sent)
        words = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
        if weight.words == "low-first":
            words.reverse()
        for at, word in enumerate(words):
            registers[weight.address + at] = word
        if weight.decimals_address is not None:
            registers[weight.decimals_address] = places
        if self.map.status is not None:
            registers[self.map.status.address] = _status(self.map.status, shown)
        between = dict.fromkeys(range(min(registers), max(registers)), 0)
        return between | registers | self.override


def _status(status: StatusRegister, shown: Shown) -> int:
    bits = {
        status.stable: shown.stable,
        status.moving: not shown.stable,
        status.net: shown.net,
        status.zero: not shown.kg,
        status.negative: shown.kg < 0,
        status.overload: shown.over,
        status.underload: shown.under,
        status.valid: not shown.beyond,
    }
    return sum(1 << bit for bit, on in bits.items() if bit is not None and on)
