"""The register map of a weighing transmitter: where its figures stand, and what they mean. Pure.

Sources: Modbus application protocol 1.1b3 for registers; the rest stands in each transmitter's
own manual and is configuration, since no two are alike. Addresses count from 0: what a manual
calls 40001 or 30001 is address 0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.readings import WeightReading, WeightStatus
from drivers.scales.weights import fault

MOST_REGISTERS = 120
"""Fewer than the 125 that Modbus allows in one answer, as some transmitters do."""
MOST_DECIMALS = 6
_STRUCTS = {"i16": ">h", "u16": ">H", "i32": ">i", "u32": ">I", "f32": ">f"}
_LARGEST = 1e9

Address = Annotated[int, Field(ge=0, le=65_535)]
Bit = Annotated[int, Field(ge=0, le=15)]
Word = Annotated[int, Field(ge=0, le=0xFFFF)]
Words = Mapping[int, int]
"""Registers that were read, by address."""


class Block(NamedTuple):
    """Neighbouring registers that are asked for at once."""

    address: int
    size: int


class WeightRegister(BaseModel):
    """Where the weight is and how it is written.

    ``decimals`` places stand behind the point, unless the register at ``decimals_address`` tells
    how many; ``factor`` then makes it the device's ``unit``. ``net`` says what is in this register
    where no bit of the status does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address
    type: Literal["i16", "u16", "i32", "u32", "f32"] = "i32"
    words: Literal["high-first", "low-first"] = "high-first"
    decimals: Annotated[int, Field(ge=0, le=MOST_DECIMALS)] = 0
    decimals_address: Address | None = None
    factor: Annotated[Decimal, Field(gt=0, le=1_000_000)] = Decimal(1)
    net: bool | None = None

    @property
    def registers(self) -> int:
        """How many registers it fills."""
        return struct.calcsize(_STRUCTS[self.type]) // 2

    def value(self, words: Words, *, negative: bool) -> Decimal:
        """The weight; ``negative`` where its sign is a bit. Raises ``ValueError``."""
        own = [words[self.address + at] for at in range(self.registers)]
        if self.words == "low-first":
            own.reverse()
        raw = b"".join(word.to_bytes(2, "big") for word in own)
        (number,) = struct.unpack(_STRUCTS[self.type], raw)
        places = self.decimals
        if self.decimals_address is not None:
            places = words[self.decimals_address]
        if places > MOST_DECIMALS:
            raise ValueError(f"The transmitter tells {places} decimals")
        if self.type == "f32":
            if not abs(number) <= _LARGEST:  # not a number compares with nothing
                raise ValueError("The weight is no number")
            value = Decimal(f"{number:.{places}f}")
        else:
            value = Decimal(number).scaleb(-places)
        # Minus zero is zero; a factor of 1 must not change how many digits there are.
        value = (-value if negative else value) + 0
        return value if self.factor == 1 else value * self.factor


class StatusRegister(BaseModel):
    """Which bits of the status say what; bit 0 is the lowest. What is left out is not known.

    ``valid`` is a bit that is 1 where the weight is one, ``fault`` a bit that is 1 where it is
    none; ``negative`` is the weight's sign where the register holds its size alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address
    stable: Bit | None = None
    moving: Bit | None = None
    net: Bit | None = None
    zero: Bit | None = None
    negative: Bit | None = None
    overload: Bit | None = None
    underload: Bit | None = None
    busy: Bit | None = None
    valid: Bit | None = None
    fault: Bit | None = None

    def bit(self, words: Words, name: str) -> bool | None:
        """Whether this bit is set; ``None`` where the map does not have it."""
        place: int | None = getattr(self, name)
        return None if place is None else bool(words[self.address] >> place & 1)


class RegisterCommand(BaseModel):
    """What is written to carry out a command: ``values`` one after another at ``address``.

    Two values, such as 0 and 1, are for transmitters that act when the register changes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Address
    values: Annotated[tuple[Word, ...], Field(min_length=1, max_length=4)]
    function: Literal[6, 16] = 16


class RegisterCommands(BaseModel):
    """What a person may tell the transmitter (``tallyport edge tell``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zero: RegisterCommand | None = None
    tare: RegisterCommand | None = None
    clear: RegisterCommand | None = None

    def known(self) -> dict[str, RegisterCommand]:
        """Those that the map has, by name."""
        every = {"zero": self.zero, "tare": self.tare, "clear": self.clear}
        return {name: command for name, command in every.items() if command is not None}


class RegisterMap(BaseModel):
    """One transmitter's map. ``function`` 3 reads holding registers, 4 input registers.

    ``together``: all is read by one question, so that the status belongs to the weight; false for
    a transmitter that refuses the registers between them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    function: Literal[3, 4] = 3
    together: bool = True
    weight: WeightRegister
    status: StatusRegister | None = None
    commands: RegisterCommands = RegisterCommands()

    @model_validator(mode="after")
    def _in_one_read(self) -> Self:
        most = max(block.size for block in self.blocks)
        if most > MOST_REGISTERS:
            raise ValueError(
                f"weight, status and decimals lie {most} registers apart; one question takes at "
                f"most {MOST_REGISTERS}: set together = false"
            )
        return self

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What is asked for one weight."""
        wanted = sorted(self._wanted())
        if self.together:
            first = wanted[0].address
            return (Block(first, max(one.address + one.size for one in wanted) - first),)
        return tuple(wanted)

    def _wanted(self) -> Iterator[Block]:
        weight, status = self.weight, self.status
        yield Block(weight.address, weight.registers)
        if weight.decimals_address is not None:
            yield Block(weight.decimals_address, 1)
        if status is not None:
            yield Block(status.address, 1)

    def reading(self, words: Words, unit: str) -> WeightReading:
        """What the registers say; ``unit`` is that of the figures. Raises ``ValueError``."""

        def not_known(name: str) -> None:
            """No status register, no bit."""

        has = partial(self.status.bit, words) if self.status is not None else not_known
        moving, stable, net = has("moving"), has("stable"), has("net")
        at_rest = stable if moving is None else not moving
        for name, status in (
            ("overload", WeightStatus.OVERLOAD),
            ("underload", WeightStatus.UNDERLOAD),
            ("busy", WeightStatus.BUSY),
            ("fault", WeightStatus.ERROR),
        ):
            if has(name):
                return fault(status, stable=at_rest)
        if has("valid") is False:
            return fault(WeightStatus.ERROR, stable=at_rest)
        return WeightReading(
            value=self.weight.value(words, negative=bool(has("negative"))),
            unit=unit,
            stable=at_rest,
            net=self.weight.net if net is None else net,
            zero=has("zero"),
        )
