"""Emulated load-cell nodes: an ESPHome one behind a broker, an Arduino one on a pseudo-terminal.

They say the very bytes of the nodes in ``firmware_configs``: a message or a TP1 line each fifth of
a second. The physics are those of ``drivers.emulators.load_cell``, seen through a converter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

from drivers.emulators.load_cell import LoadCell
from drivers.emulators.serial_pty import SerialPty
from drivers.errors import DeviceUnavailable
from drivers.load_cells.frames import checked_line
from drivers.readings import LoadCellWindow
from drivers.transports.broker import BrokerLink, BrokerSettings, Told, connected

WINDOW_S = 0.2
_SAMPLES = 16  # 80 a second
_HIGHEST, _LOWEST = 2**23 - 1, -(2**23)
_NOISE_COUNTS = 30.0
_CENT = Decimal("0.01")
_COMMAND_BYTES_MAX = 32


class NodeConverter:
    """A load cell and its converter: ``counts = zero_counts + grams * counts_per_g``.

    ``window`` gives the next fifth of a second. ``broken`` is a converter that gives no samples.
    """

    def __init__(
        self, node: str, *, zero_counts: int = 84_000, counts_per_g: float = 420.0, seed: int = 0
    ) -> None:
        self.node = node
        self.broken = False
        self._zero_counts = zero_counts
        self._counts_per_g = counts_per_g
        self._cell = LoadCell(division_mg=100, seed=seed)
        self._chance = Random(seed)  # noqa: S311 - physics, not secrets
        self.restart()

    def restart(self) -> None:
        """As after a power cut: numbers begin anew, under another mark of the boot."""
        self._seq = 0
        self._boot = f"{self._chance.getrandbits(32):08x}"

    def set_load_g(self, load_g: int) -> None:
        """Put on or take off."""
        self._cell.set_load_mg(load_g * 1000)

    def skip(self, windows: int) -> None:
        """Let windows be made that nobody ever hears."""
        self._seq += windows

    def window(self) -> LoadCellWindow:
        """The next fifth of a second, as the node tells it."""
        samples = [] if self.broken else self._counts()
        self._seq += 1
        n = len(samples)
        mean = std = None
        if n:
            exact = Decimal(sum(samples)) / n
            mean = exact.quantize(_CENT)
            squares = sum(((Decimal(one) - exact) ** 2 for one in samples), Decimal(0))
            std = (squares / (n - 1)).sqrt().quantize(_CENT)
        return LoadCellWindow(
            node=self.node,
            boot=self._boot,
            seq=self._seq - 1,
            up_ms=round(self._seq * WINDOW_S * 1000),
            samples=n,
            mean=mean,
            std=std,
            saturated=sum(one in {_HIGHEST, _LOWEST} for one in samples),
        )

    def _counts(self) -> list[int]:
        found: list[int] = []
        for _ in range(2):  # the cell moves on by tenths of a second
            grams = self._cell.sample().gross_mg / 1000
            for _ in range(_SAMPLES // 2):
                noise = self._chance.gauss(0.0, _NOISE_COUNTS)
                counts = round(self._zero_counts + grams * self._counts_per_g + noise)
                found.append(min(_HIGHEST, max(_LOWEST, counts)))
        return found


def message(window: LoadCellWindow) -> bytes:
    """What an ESPHome node publishes."""
    mean = "null" if window.mean is None else window.mean
    std = "null" if window.std is None else window.std
    text = (
        f'{{"v":1,"node":"{window.node}","boot":"{window.boot}","seq":{window.seq},'
        f'"up_ms":{window.up_ms},"n":{window.samples},"mean":{mean},"std":{std},'
        f'"sat":{window.saturated}}}'
    )
    return text.encode()


def line(window: LoadCellWindow) -> bytes:
    """What an Arduino node sends."""
    mean = "" if window.mean is None else window.mean
    std = "" if window.std is None else window.std
    up_ms = window.up_ms % 2**32
    return checked_line(
        f"TP1,R,{window.node},{window.seq},{up_ms},{window.samples},{mean},{std},{window.saturated}"
    )


class _EmulatedNode:
    """Power, and a window every ``window_s``."""

    def __init__(self, node: str, *, window_s: float, seed: int) -> None:
        self.cell = NodeConverter(node, seed=seed)
        self.window_s = window_s
        self._task: asyncio.Task[None] | None = None

    def set_load_g(self, load_g: int) -> None:
        """Put on or take off."""
        self.cell.set_load_g(load_g)

    def _switch_on(self, run: Callable[[], asyncio.Task[None]]) -> None:
        if self._task is None:
            self._task = run()

    async def stop(self) -> None:
        """Switch off."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class EmulatedSerialNode(_EmulatedNode):
    """An Arduino with TP1. ``unplug`` pulls its cable, ``start`` plugs it in again."""

    def __init__(
        self,
        node: str = "shelf-1-a",
        *,
        window_s: float = WINDOW_S,
        seed: int = 0,
        link: Path | None = None,
    ) -> None:
        super().__init__(node, window_s=window_s, seed=seed)
        self.heard = bytearray()
        """Everything that it was ever told."""
        self._typed = bytearray()
        self._line = SerialPty(self._obey, link=link)

    async def start(self) -> str:
        """Plug in, with power; give the path of the port."""
        path = await self._line.start()
        self._switch_on(lambda: asyncio.create_task(self._run(), name="emulated node"))
        return path

    def unplug(self) -> None:
        """Pull the cable, and with it the power."""
        self._line.unplug()
        self.cell.restart()

    async def stop(self) -> None:
        """Switch off."""
        self.unplug()
        await super().stop()

    def send(self, data: bytes) -> None:
        """Put raw bytes on the line, as a disturbance does."""
        self._line.write(data)

    async def _run(self) -> None:
        self._identify()
        while True:
            self.send(line(self.cell.window()))
            await asyncio.sleep(self.window_s)

    def _identify(self) -> None:
        rate = max(1, round(1 / self.window_s))
        self.send(checked_line(f"TP1,I,{self.cell.node},HX711,1.0,{rate}"))

    def _obey(self, data: bytes) -> None:
        self.heard += data
        self._typed += data
        while (end := self._typed.find(b"\n")) >= 0:
            words = bytes(self._typed[:end]).split()
            del self._typed[: end + 1]
            if words == [b"I"]:
                self._identify()
            elif len(words) == 2 and words[0] == b"R" and words[1].isdigit():
                if 1 <= int(words[1]) <= 10:
                    self.window_s = 1 / int(words[1])
                    self._identify()
                else:
                    self.send(checked_line("TP1,E,range"))
            elif words:
                self.send(checked_line("TP1,E,unknown"))
        del self._typed[:-_COMMAND_BYTES_MAX]


class EmulatedMqttNode(_EmulatedNode):
    """An ESPHome node behind a broker, with birth and will. It comes back as long as it has power,
    and what it says without a broker is gone.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        node: str = "shelf-1-a",
        *,
        window_s: float = WINDOW_S,
        seed: int = 0,
    ) -> None:
        super().__init__(node, window_s=window_s, seed=seed)
        self.broker = broker
        self._root = f"tallyport/nodes/{node}"
        self._link: BrokerLink | None = None

    async def start(self) -> None:
        """Switch on."""
        self._switch_on(lambda: asyncio.create_task(self._run(), name="emulated node"))

    async def stop(self) -> None:
        """Switch off, and say so."""
        if self._link is not None:
            with suppress(DeviceUnavailable):  # the broker may be gone
                await self._link.publish(f"{self._root}/status", b"offline", retain=True)
        await super().stop()

    def vanish(self) -> None:
        """Lose the network: the broker publishes the will."""
        if self._link is not None:
            self._link.vanish()

    async def publish(self, payload: bytes, *, retain: bool = False) -> None:
        """Say something else than a window. Raises ``DeviceUnavailable``."""
        if self._link is None:
            raise DeviceUnavailable(f"Node {self.cell.node} has no broker.")
        await self._link.publish(f"{self._root}/window", payload, retain=retain)

    async def _run(self) -> None:
        while True:
            with suppress(DeviceUnavailable):  # as a node does: try again
                await self._connected()
            await asyncio.sleep(self.window_s)
            self.cell.skip(1)

    async def _connected(self) -> None:
        will = Told(f"{self._root}/status", b"offline")
        async with connected(self.broker, will=will) as link:
            self._link = link
            try:
                await link.publish(f"{self._root}/status", b"online", retain=True)
                while True:
                    await link.publish(f"{self._root}/window", message(self.cell.window()))
                    await asyncio.sleep(self.window_s)
            finally:
                self._link = None
