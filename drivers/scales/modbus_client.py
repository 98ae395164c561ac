"""pymodbus' client on a line of ours: its requests, framing and answers, our transport below.

pymodbus could open the port itself, but then nobody would learn who holds a port that is taken,
nothing could be captured, and a line that refuses its settings would end the edge. So only what
is Modbus comes from there: ``ModbusClientMixin`` is the part that every client of pymodbus
shares, and leaves open how a request travels. Sources: Modbus application protocol 1.1b3, Modbus
over serial line 1.02 (the pause between frames).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Literal

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU

from drivers.transports.transport import Transport

# What it would log is told as readings and errors, once.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

Framing = Literal["rtu", "tcp"]
ANSWER_TIMEOUT_S = 1.0
_MOST_BYTES = 512
_READS = frozenset({3, 4})
_FUNCTIONS = _READS | {6, 16}


class NoAnswer(Exception):
    """Nothing came that answers the question; the line itself works."""


class LineClient(ModbusClientMixin[Awaitable[ModbusPDU]]):
    """One unit's questions and answers, one at a time (``read_holding_registers`` and so on).

    ``strangers`` are units that answered in its place, ``noise_bytes`` is what was no Modbus.
    ``pause_s`` is the silence that RTU needs between two frames.
    """

    def __init__(
        self,
        line: Transport,
        framing: Framing,
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        pause_s: float = 0.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # pymodbus leaves it without types
        self.strangers: set[int] = set()
        self.noise_bytes = 0
        self._line = line
        self._framing = framing
        self._decoder = DecodePDU(False)
        self._framer = (FramerSocket if framing == "tcp" else FramerRTU)(self._decoder)
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._transaction = 0

    async def execute(self, no_response_expected: bool, request: ModbusPDU) -> ModbusPDU:
        """Ask, and give the answer, which may be an exception of the unit's.

        Raises ``NoAnswer``, and ``DeviceUnavailable`` when the line is lost. Every request here
        has an answer, so ``no_response_expected`` is not looked at.
        """
        if self._framing == "tcp":
            self._transaction = self._transaction % 0xFFFF + 1
            request.transaction_id = self._transaction
        # A late answer to the question before would be taken for this one's.
        self.noise_bytes += len(await self._line.read(0))
        sent = self._framer.buildFrame(request)
        await self._line.write(sent)
        answer = await self._answer(request, sent)
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
        return answer

    async def _answer(self, request: ModbusPDU, sent: bytes) -> ModbusPDU:
        now = asyncio.get_running_loop().time
        deadline = now() + self._timeout_s
        heard = b""
        while (left_s := deadline - now()) > 0 and len(heard) < _MOST_BYTES:
            heard += await self._line.read(left_s)
            while (found := self._next(heard)) is not None:
                answer, begin, end = found
                # A two-wire adapter hears its own question.
                self.noise_bytes += len(heard[:begin].removeprefix(sent))
                heard = heard[end:]
                if self._answers(answer, request):
                    self.noise_bytes += len(heard)
                    return answer
        self.noise_bytes += len(heard.removeprefix(sent))
        raise NoAnswer(f"unit {request.dev_id} did not answer")

    def _next(self, heard: bytes) -> tuple[ModbusPDU, int, int] | None:
        """The next answer with its begin and end. Before one on a line there may be noise, of
        which pymodbus alone would throw away more than the noise.
        """
        for place in range(len(heard) - 1) if self._framing == "rtu" else (0,):
            if self._framing == "rtu" and heard[place + 1] & 0x7F not in _FUNCTIONS:
                continue
            used, unit, transaction, data = self._framer.decode(heard[place:])
            answer = self._decoder.decode(data) if data else None
            if answer is None:
                continue
            answer.dev_id, answer.transaction_id = unit, transaction
            if self._framing == "tcp":
                return answer, 0, used
            begin = heard.index(data, place) - 1
            return answer, begin, begin + 1 + len(data) + 2
        return None

    def _answers(self, answer: ModbusPDU, request: ModbusPDU) -> bool:
        if self._framing == "tcp":
            # The transaction is what tells: not every device sends the unit back as it was asked.
            if answer.transaction_id != request.transaction_id:
                return False
        elif answer.dev_id != request.dev_id:
            self.strangers.add(answer.dev_id)
            return False
        if answer.function_code & 0x7F != request.function_code:
            return False
        reads = request.function_code in _READS and not answer.isError()
        return not reads or len(answer.registers) == request.count
