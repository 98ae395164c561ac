"""Weighing transmitters with Modbus-RTU (serial, or carried over TCP) and Modbus-TCP.

Sources: Modbus application protocol 1.1b3; the register map of each transmitter's manual, which
is configuration: no two are alike. One read (function 3 or 4) fetches weight and status at once;
nothing is ever written to a transmitter. Addresses count from 0: a manual's 40001 is address 0.
"""

from __future__ import annotations

import struct
from decimal import Decimal
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.driver import Tap
from drivers.frames import FrameDecoder, FrameFormat, blank, measured
from drivers.modbus_frames import LONGEST, MODBUS_RTU, MODBUS_TCP, crc, tcp_length
from drivers.readings import Reading, WeightReading, WeightStatus
from drivers.scale import Scale, ScaleConfig
from drivers.scale_protocols import ScaleProtocol
from drivers.weights import fault

MOST_REGISTERS = 120
_STRUCTS = {"i16": ">h", "u16": ">H", "i32": ">i", "u32": ">I", "f32": ">f"}
_TRANSACTION = b"\0\1"
_BUSY_EXCEPTION = 6

Address = Annotated[int, Field(ge=0, le=65_535)]
Bit = Annotated[int, Field(ge=0, le=15)]


class WeightRegister(BaseModel):
    """Where the weight is and how it is written; ``decimals`` places stand behind the point."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address
    type: Literal["i16", "u16", "i32", "u32", "f32"] = "i32"
    words: Literal["high-first", "low-first"] = "high-first"
    decimals: Annotated[int, Field(ge=0, le=6)] = 0

    @property
    def registers(self) -> int:
        """How many registers it fills."""
        return struct.calcsize(_STRUCTS[self.type]) // 2


class StatusRegister(BaseModel):
    """Which bits of the status say what; bit 0 is the lowest. What is left out is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address
    stable: Bit | None = None
    moving: Bit | None = None
    net: Bit | None = None
    zero: Bit | None = None
    overload: Bit | None = None
    underload: Bit | None = None
    fault: Bit | None = None


class ModbusConfig(ScaleConfig):
    """Where the transmitter is, and its register map. ``unit`` is what its figures are in."""

    ask: Literal[True] = True
    unit: Literal["g", "kg", "t", "oz", "lb"] = "kg"
    unit_id: Annotated[int, Field(ge=1, le=247)] = 1
    function: Literal[3, 4] = 3
    weight: WeightRegister
    status: StatusRegister | None = None

    @model_validator(mode="after")
    def _in_one_read(self) -> Self:
        if self.count > MOST_REGISTERS:
            raise ValueError(
                f"weight and status lie {self.count} registers apart; one read takes at most "
                f"{MOST_REGISTERS}"
            )
        return self

    @property
    def first(self) -> int:
        """The first register that is read."""
        return min(self.weight.address, self.status.address if self.status else 65_535)

    @property
    def count(self) -> int:
        """How many registers are read."""
        last = self.weight.address + self.weight.registers
        return max(last, self.status.address + 1 if self.status else 0) - self.first


class ModbusRtuScale(Scale):
    """One transmitter with Modbus-RTU (``drivers.driver.Driver``)."""

    Config = ModbusConfig

    def __init__(self, config: ModbusConfig, *, tap: Tap | None = None) -> None:
        super().__init__(rtu(config), config, tap=tap)

    @classmethod
    def decoder(cls) -> FrameDecoder:
        """A fresh decoder of Modbus-RTU, which knows no register map."""
        return FrameDecoder(MODBUS_RTU)


class ModbusTcpScale(Scale):
    """One transmitter with Modbus-TCP (``drivers.driver.Driver``)."""

    Config = ModbusConfig

    def __init__(self, config: ModbusConfig, *, tap: Tap | None = None) -> None:
        super().__init__(tcp(config), config, tap=tap)

    @classmethod
    def decoder(cls) -> FrameDecoder:
        """A fresh decoder of Modbus-TCP, which knows no register map."""
        return FrameDecoder(MODBUS_TCP)


# ---- what is asked, and what the answer says -----------------------------------------------
def rtu(config: ModbusConfig) -> ScaleProtocol:
    """The read of this register map as RTU, and its answer."""
    ask = _request(config)
    poll = ask + crc(ask)
    begin = ask[:2]

    def length(data: bytes) -> int | None:
        size = _answer_size(config, data, begin)
        if not size or len(data) < size + 2:
            return 0 if size == 0 else None
        return size + 2 if crc(data[:size]) == data[size : size + 2] else 0

    form = FrameFormat(
        find=measured(length, longest=LONGEST),
        read=lambda frame: _weight(config, frame[:-2]),
        # A two-wire adapter may hear its own question.
        quiet=lambda gap, last: gap == poll or blank(gap, last),
    )
    return ScaleProtocol(name="modbus-rtu", title="Modbus-RTU", form=form, poll=poll)


def tcp(config: ModbusConfig) -> ScaleProtocol:
    """The read of this register map as Modbus-TCP, and its answer."""
    ask = _request(config)
    header = _TRANSACTION + b"\0\0" + len(ask).to_bytes(2, "big")

    def read(frame: bytes) -> Reading:
        data = frame[6:]
        if frame[:2] != _TRANSACTION or _answer_size(config, data, ask[:2]) != len(data):
            raise ValueError("An answer to another question")
        return _weight(config, data)

    form = FrameFormat(find=measured(tcp_length, longest=LONGEST + 6), read=read)
    return ScaleProtocol(name="modbus-tcp", title="Modbus-TCP", form=form, poll=header + ask)


def _request(config: ModbusConfig) -> bytes:
    return struct.pack(">BBHH", config.unit_id, config.function, config.first, config.count)


def _answer_size(config: ModbusConfig, data: bytes, begin: bytes) -> int | None:
    """How long the answer is without its check; 0 where none begins, ``None`` where unknown yet."""
    if len(data) < 3:
        head = (begin, bytes([begin[0], begin[1] | 0x80]))
        return None if any(one.startswith(data[:2]) for one in head) else 0
    if data[:2] == bytes([begin[0], begin[1] | 0x80]):
        return 3
    return 3 + data[2] if data[:2] == begin and data[2] == 2 * config.count else 0


def _weight(config: ModbusConfig, data: bytes) -> Reading:
    if data[1] & 0x80:
        busy = data[2] == _BUSY_EXCEPTION
        return fault(WeightStatus.BUSY if busy else WeightStatus.ERROR)
    words = [data[at : at + 2] for at in range(3, len(data), 2)]
    has = partial(_bit, config, words)
    for name, status in (
        ("overload", WeightStatus.OVERLOAD),
        ("underload", WeightStatus.UNDERLOAD),
        ("fault", WeightStatus.ERROR),
    ):
        if has(name):
            return fault(status)
    moving, stable = has("moving"), has("stable")
    return WeightReading(
        value=_value(config, words),
        unit=config.unit,
        stable=stable if moving is None else not moving,
        net=has("net"),
        zero=has("zero"),
    )


def _value(config: ModbusConfig, words: list[bytes]) -> Decimal:
    weight = config.weight
    at = weight.address - config.first
    own = words[at : at + weight.registers]
    if weight.words == "low-first":
        own.reverse()
    (number,) = struct.unpack(_STRUCTS[weight.type], b"".join(own))
    if weight.type == "f32":
        if number != number or abs(number) > 1e9:  # noqa: PLR0124 - not a number
            raise ValueError("The weight is no number")
        return Decimal(f"{number:.{weight.decimals}f}") + 0
    return Decimal(number).scaleb(-weight.decimals)


def _bit(config: ModbusConfig, words: list[bytes], name: str) -> bool | None:
    """A bit of the status; ``None`` where the map does not have it."""
    place = getattr(config.status, name, None)
    if config.status is None or place is None:
        return None
    word = int.from_bytes(words[config.status.address - config.first], "big")
    return bool(word >> place & 1)
