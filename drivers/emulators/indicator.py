"""An emulated scale of any protocol but MT-SICS, on a pseudo-terminal or behind a TCP port.

It sends ten weights a second where the protocol streams, and answers where it is asked; zero,
tare and clear work where the protocol has them. The physics are those of
``drivers.emulators.load_cell``.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

from drivers.emulators.load_cell import SAMPLE_S, LoadCell, Sample
from drivers.emulators.scale_frames import ENCODERS, Shown
from drivers.emulators.serial_pty import SerialPty
from drivers.scales.protocols import PROTOCOLS

_COMMAND_BYTES_MAX = 128
_UNDER_SHARE = 50


class EmulatedIndicator:
    """A scale of ``capacity_kg`` in steps of a gram that speaks ``protocol``.

    It has power from ``start`` (or ``listen``) to ``stop``; ``unplug`` pulls the cable alone.
    """

    def __init__(
        self,
        protocol: str,
        *,
        capacity_kg: int = 15,
        seed: int = 0,
        link: Path | None = None,
        cell: LoadCell | None = None,
    ) -> None:
        self._protocol = PROTOCOLS[protocol]
        self._encode = ENCODERS[protocol]
        self._capacity_mg = capacity_kg * 1_000_000
        self._cell = cell or LoadCell(division_mg=1000, seed=seed)
        self._last = Sample(gross_mg=0, stable=False)
        self._zero_mg = self._tare_mg = 0
        self._typed = bytearray()
        self._line = SerialPty(self._heard, link=link)
        self._server: asyncio.Server | None = None
        self._callers: set[asyncio.StreamWriter] = set()
        self._task: asyncio.Task[None] | None = None

    # ---- what a person does ----------------------------------------------------------------
    async def start(self) -> str:
        """Plug in the serial cable (and switch on, if it is off); give the path of the port."""
        path = await self._line.start()
        self._switch_on()
        return path

    async def listen(self, *, port: int = 0) -> int:
        """Plug in the network cable (and switch on); give the TCP port on loopback."""
        self._server = await asyncio.start_server(self._called, "127.0.0.1", port)
        self._switch_on()
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Switch off."""
        self.unplug()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def unplug(self) -> None:
        """Pull the cables; ``start`` or ``listen`` plugs one in again."""
        self._line.unplug()
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for caller in self._callers:
            caller.transport.abort()
        self._callers.clear()

    def set_load_g(self, load_g: int) -> None:
        """Put on or take off."""
        self._cell.set_load_mg(load_g * 1000)

    @property
    def tared(self) -> bool:
        """Whether it shows a net weight."""
        return self._tare_mg > 0

    def send(self, data: bytes) -> None:
        """Put raw bytes on the line, as a disturbance does."""
        self._line.write(data)
        for caller in self._callers:
            caller.write(data)

    # ---- the instrument --------------------------------------------------------------------
    def _switch_on(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._measure(), name="emulated indicator")

    async def _measure(self) -> None:
        while True:
            self._last = self._cell.sample()
            if not self._protocol.poll:
                self.send(self._encode(self._shown()))
            await asyncio.sleep(SAMPLE_S)

    def _shown(self) -> Shown:
        gross_mg = self._last.gross_mg - self._zero_mg
        return Shown(
            kg=Decimal(gross_mg - self._tare_mg) / 1_000_000,
            stable=self._last.stable,
            net=self.tared,
            over=gross_mg > self._capacity_mg,
            under=gross_mg < -self._capacity_mg // _UNDER_SHARE,
        )

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers.add(writer)
        try:
            while data := await reader.read(4096):
                self._heard(data)
        except ConnectionError:
            return  # it hung up
        finally:
            self._callers.discard(writer)
            writer.transport.abort()

    def _heard(self, data: bytes) -> None:
        self._typed += data
        while self._obey():
            pass
        del self._typed[:-_COMMAND_BYTES_MAX]

    def _obey(self) -> bool:
        """Carry out the command that came first; whether there was one."""
        known = [(self._protocol.poll, "weigh")] if self._protocol.poll else []
        known += [(sent, name) for name, sent in self._protocol.commands.items()]
        known += [(sent, "weigh") for _, sent in self._protocol.steps]
        found = [(at, sent, name) for sent, name in known if (at := self._typed.find(sent)) >= 0]
        if not found:
            return False
        at, sent, name = min(found)
        del self._typed[: at + len(sent)]
        if name == "weigh":
            self._answer(sent)
        else:
            self._do(name)
        return True

    def _do(self, name: str) -> None:
        if name == "zero":
            self._zero_mg, self._tare_mg = self._last.gross_mg, 0
        elif name == "tare":
            self._tare_mg = max(0, self._last.gross_mg - self._zero_mg)
        elif name == "clear":
            self._tare_mg = 0

    def _answer(self, asked: bytes) -> None:
        """With the weight, or where there are steps with what leads to the next."""
        if self._protocol.steps and asked == self._protocol.poll:
            self.send(self._protocol.steps[0][0])
        else:
            self.send(self._encode(self._shown()))
