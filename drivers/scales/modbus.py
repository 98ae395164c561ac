"""Weighing transmitters with Modbus-RTU (serial, or carried over TCP) and Modbus-TCP, by pymodbus.

The register map of each transmitter's manual is configuration (``scales.modbus_map``). Weight
and status are read (function 3 or 4); nothing is ever written but by ``tell``, which only
``tallyport edge tell`` calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Literal, NoReturn

from pydantic import Field
from pymodbus.pdu import ModbusPDU

from drivers.driver import Emit, Tap
from drivers.errors import DeviceError, DeviceRefused, DeviceUnavailable
from drivers.frames import FrameDecoder
from drivers.readings import DeviceEvent, Reading, WeightReading, WeightStatus
from drivers.scales.modbus_client import ANSWER_TIMEOUT_S, Framing, LineClient, NoAnswer
from drivers.scales.modbus_frames import MODBUS_RTU, MODBUS_TCP
from drivers.scales.modbus_map import Block, RegisterMap, Words
from drivers.scales.scale import ScaleConfig
from drivers.scales.weights import fault
from drivers.transports.transport import Transport, open_transport

_SLOW_BAUD, _BITS_OF_A_BYTE = 19_200, 11
_TITLES: dict[Framing, str] = {"rtu": "Modbus-RTU", "tcp": "Modbus-TCP"}
_EXCEPTIONS = {
    1: "it does not know this function",
    2: "it has no such register",
    3: "it refuses this value or number of registers",
    4: "it failed while it carried that out",
    5: "it is still at it",
    6: "it is busy",
    8: "its memory is damaged",
    10: "the gateway has no way to it",
    11: "the gateway gets no answer from it",
}
"""Exception codes in words (Modbus application protocol 1.1b3, section 7)."""
_WRONG_MAP = frozenset({1, 2, 3})
_LATER = frozenset({5, 6})
_NO_WAY = frozenset({10, 11})


class ModbusConfig(RegisterMap, ScaleConfig):
    """Where the transmitter is, and its register map. ``unit`` is what its figures are in."""

    ask: Literal[True] = True
    unit: Literal["g", "kg", "t", "oz", "lb"] = "kg"
    unit_id: int = Field(default=1, ge=1, le=247)


class ModbusScale:
    """One transmitter (``drivers.driver.Driver``); a subclass says how frames travel."""

    Config: ClassVar[type[ModbusConfig]] = ModbusConfig
    framing: ClassVar[Framing]

    def __init__(self, config: ModbusConfig, *, tap: Tap | None = None) -> None:
        self.config = config
        self._tap = tap
        self._counts = {"bytes": 0, "frames": 0, "frame_errors": 0, "weights": 0}

    def counters(self) -> Mapping[str, int]:
        """``bytes``, ``frames``, ``frame_errors``, ``weights`` since construction."""
        return dict(self._counts)

    async def run(self, emit: Emit) -> None:
        """Open the line, and emit weights until cancelled.

        Raises ``DeviceUnavailable`` when the line fails or no weight comes within the silence
        timeout, ``DeviceRefused`` when the transmitter has no such registers.
        """
        async with open_transport(self.config, tap=self._tap) as line:
            await _Watching(self.config, self.framing, line, emit, self._counts).run()


class ModbusRtuScale(ModbusScale):
    """One transmitter with Modbus-RTU."""

    framing = "rtu"

    @classmethod
    def decoder(cls) -> FrameDecoder:
        """A fresh decoder of Modbus-RTU, which knows no register map."""
        return FrameDecoder(MODBUS_RTU)


class ModbusTcpConfig(ModbusConfig):
    """The same, where 0 and 255 are units too: a device that is no gateway is often one of them."""

    unit_id: int = Field(default=1, ge=0, le=255)


class ModbusTcpScale(ModbusScale):
    """One transmitter with Modbus-TCP."""

    Config = ModbusTcpConfig
    framing = "tcp"

    @classmethod
    def decoder(cls) -> FrameDecoder:
        """A fresh decoder of Modbus-TCP, which knows no register map."""
        return FrameDecoder(MODBUS_TCP)


def _client(config: ModbusConfig, framing: Framing, line: Transport) -> LineClient:
    pause_s = 0.0
    if framing == "rtu" and config.host is None:
        # 3.5 characters of silence between frames, and no less than 1.75 ms above 19,200 baud.
        pause_s = 3.5 * _BITS_OF_A_BYTE / min(config.baud_rate, _SLOW_BAUD)
    timeout_s = min(ANSWER_TIMEOUT_S, config.silence_timeout_s / 2)
    return LineClient(line, framing, timeout_s=timeout_s, pause_s=pause_s)


class _Watching:
    """One connection: a question, an answer, and again after ``interval_s``."""

    def __init__(
        self,
        config: ModbusConfig,
        framing: Framing,
        line: Transport,
        emit: Emit,
        counts: dict[str, int],
    ) -> None:
        self._config = config
        self._framing = framing
        self._line = line
        self._emit = emit
        self._counts = counts
        self._bytes_before = counts["bytes"]
        self._client = _client(config, framing, line)
        self._known = False
        self._noise_told = 0

    async def run(self) -> NoReturn:
        now = asyncio.get_running_loop().time
        answered_at = now()
        while True:
            next_at = now() + self._config.interval_s
            news: list[Reading] = []
            try:
                news.append(await self._weight())
                answered_at = now()
            except NoAnswer as nothing:
                if now() - answered_at >= self._config.silence_timeout_s:
                    raise self._silence(nothing) from nothing
            except ValueError as error:
                self._counts["frame_errors"] += 1
                news.append(DeviceEvent(name="frame_error", detail=f"{error}."))
            self._counts["bytes"] = self._bytes_before + self._line.bytes_read
            if news := [*self._events(known=bool(news)), *news]:
                await self._emit(news)
            await asyncio.sleep(max(0.0, next_at - now()))

    async def _weight(self) -> WeightReading:
        words: dict[int, int] = {}
        for block in self._config.blocks:
            answer = await self._read(block)
            self._counts["frames"] += 1
            if answer.isError():
                return self._exception(answer.exception_code, block)
            words |= dict(enumerate(answer.registers, start=block.address))
        return self._reading(words)

    async def _read(self, block: Block) -> ModbusPDU:
        holding = self._config.function == 3
        read = self._client.read_holding_registers if holding else self._client.read_input_registers
        return await read(block.address, count=block.size, device_id=self._config.unit_id)

    def _reading(self, words: Words) -> WeightReading:
        reading = self._config.reading(words, self._config.unit)
        self._counts["weights"] += 1
        return reading

    def _exception(self, code: int, block: Block) -> WeightReading:
        """The unit answered, and said no. Raises where only a person can help."""
        if code in _NO_WAY:
            raise DeviceUnavailable(
                f"{_named(self._config)}: {_in_words(code)}.",
                hint="Has the transmitter behind the gateway power, and is unit_id its address?",
            )
        if code in _WRONG_MAP and not self._known:
            last = block.address + block.size - 1
            raise DeviceRefused(
                f"{_named(self._config)} refuses registers {block.address} to {last} "
                f"(function {self._config.function}): {_in_words(code)}.",
                hint="Compare the addresses with its manual, and count from 0: 40001 is address 0 "
                "of function 3, 30001 is address 0 of function 4. A gap between registers may be "
                "refused: then set together = false.",
            )
        return fault(WeightStatus.BUSY if code in _LATER else WeightStatus.ERROR)

    def _events(self, *, known: bool) -> list[Reading]:
        events: list[Reading] = []
        if known and not self._known:
            self._known = True
            detail = f"{_TITLES[self._framing]}: {_named(self._config)}"
            events.append(DeviceEvent(name="connected", detail=detail))
        noise = self._client.noise_bytes - self._noise_told
        self._noise_told += noise
        if noise:
            self._counts["frame_errors"] += 1
            events.append(
                DeviceEvent(name="frame_error", detail=f"{noise} bytes are no answer in Modbus.")
            )
        return events

    def _silence(self, nothing: NoAnswer) -> DeviceError:
        config, client = self._config, self._client
        waited = f"{config.silence_timeout_s:g} s"
        if client.strangers:
            others = ", ".join(str(unit) for unit in sorted(client.strangers))
            return DeviceUnavailable(
                f"At {config.where} unit {others} answers, and not unit {config.unit_id}.",
                hint="Set unit_id to the address that is set in the transmitter.",
            )
        if self._line.bytes_read:
            return DeviceUnavailable(
                f"What comes from {config.where} is no {_TITLES[self._framing]}.",
                hint="Compare the transmitter's interface with "
                f"{_TITLES[self._framing] if config.host else config.line}.",
            )
        return DeviceUnavailable(
            f"{_named(config)} said nothing for {waited}.",
            hint="Has it power, is unit_id its address, are A and B of the line the right way "
            f"round, and is its interface set to {config.line}?"
            if config.host is None
            else "Is unit_id its address, and does it speak Modbus at this port? RTU carried over "
            'TCP is driver = "modbus-rtu".',
        )


def _named(config: ModbusConfig) -> str:
    return f"Unit {config.unit_id} at {config.where}"


def _in_words(code: int) -> str:
    return f"{_EXCEPTIONS.get(code, 'it answers with an unknown exception')} (exception {code})"


# ---- what a person may tell it -------------------------------------------------------------
async def tell(framing: Framing, config: ModbusConfig, command: str) -> tuple[bytes, list[Reading]]:
    """Write what the map names for this command; give the answer's bytes, and what they mean.

    Raises ``DeviceRefused`` when the transmitter refuses it, ``DeviceUnavailable`` when it does
    not answer or the line fails.
    """
    wanted = config.commands.known()[command]
    heard = bytearray()
    async with open_transport(config, tap=heard.extend) as line:
        client = _client(config, framing, line)
        for value in wanted.values:
            try:
                answer = await (
                    client.write_register(wanted.address, value, device_id=config.unit_id)
                    if wanted.function == 6
                    else client.write_registers(wanted.address, [value], device_id=config.unit_id)
                )
            except NoAnswer as nothing:
                raise DeviceUnavailable(
                    f"{_named(config)} did not answer to {command}.",
                    hint="Is unit_id its address? Nobody knows whether it did what it was told.",
                ) from nothing
            if answer.isError():
                raise DeviceRefused(
                    f"{_named(config)} refuses to {command}: {_in_words(answer.exception_code)}.",
                    hint=f"Compare address {wanted.address} and its values with the manual; some "
                    "refuse while the load moves.",
                )
    written = ", then ".join(str(value) for value in wanted.values)
    detail = f"{command}: {written} written to register {wanted.address}"
    return bytes(heard), [DeviceEvent(name="info", detail=detail)]
