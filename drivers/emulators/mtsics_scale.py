"""An emulated scale that speaks MT-SICS on a pseudo-terminal, levels 0 and 1.

It answers ``S SI SIR SNR Z ZI T TI TA TAC I0 I1 I2 I3 I4 @`` as an instrument does, ten times a
second at most, over the physics of ``drivers.emulators.load_cell``. ``S``, ``Z`` and ``T`` wait
for a stable weight, at most five seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path

from drivers.emulators.load_cell import SAMPLE_S, LoadCell, Sample
from drivers.emulators.serial_pty import SerialPty

_LEVEL_0 = ("@", "I0", "I1", "I2", "I3", "I4", "S", "SI", "SIR", "Z", "ZI")
_LEVEL_1 = ("SNR", "T", "TA", "TAC", "TI")
_PATIENCE_SAMPLES = 50
_ZERO_RANGE = Decimal("0.02")
_COMMAND_BYTES_MAX = 128


class EmulatedScale:
    """A scale of ``capacity_g`` in steps of ``division_g``; ``link`` keeps one path for
    replugging; ``cell`` is its plate, of a shelf for example.

    It has power from ``start`` to ``stop``; ``unplug`` pulls the cable alone.
    """

    def __init__(
        self,
        *,
        capacity_g: int = 15_000,
        division_g: str = "0.1",
        serial: str = "TP00000001",
        seed: int = 0,
        link: Path | None = None,
        cell: LoadCell | None = None,
    ) -> None:
        division = Decimal(division_g)
        self._decimals = max(0, -int(division.as_tuple().exponent))
        self._division_mg = int(division * 1000)
        self._capacity_mg = capacity_g * 1000
        self._serial = serial
        self._cell = cell or LoadCell(division_mg=self._division_mg, seed=seed)
        self._line = SerialPty(self._heard, link=link)
        self._typed = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._last = Sample(gross_mg=0, stable=False)
        self._zero_mg = 0
        self._tare_mg = 0
        self._stream = ""
        self._sent_mg: int | None = None
        self._waiting: tuple[str, int] | None = None
        self._answers = self._table()

    # ---- what a person does ----------------------------------------------------------------
    async def start(self) -> str:
        """Plug in (and switch on, if it is off); give the path of the port."""
        path = await self._line.start()
        if self._task is None:
            self._task = asyncio.create_task(self._measure(), name="emulated scale")
        return path

    async def stop(self) -> None:
        """Switch off."""
        self._line.unplug()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._stream, self._waiting = "", None

    def unplug(self) -> None:
        """Pull the cable; ``start`` plugs it in again."""
        self._line.unplug()

    def set_load_mg(self, load_mg: int) -> None:
        """Let this mass lie on the plate, in milligrams."""
        self._cell.set_load_mg(load_mg)

    def send(self, data: bytes) -> None:
        """Put raw bytes on the line, as noise does."""
        self._line.write(data)

    # ---- what the instrument does ----------------------------------------------------------
    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            self._last = self._cell.sample()
            self._fulfil()
            if self._stream == "SIR" or self._changed_enough():
                self._sent_mg = self._net_mg()
                self._reply(self._weight("S"))
            # Late samples are skipped, as an instrument skips them, not sent in a burst.
            due_s = max(due_s + SAMPLE_S, loop.time())
            await asyncio.sleep(due_s - loop.time())

    def _changed_enough(self) -> bool:
        """SNR: stable, and an eighth (at least 30 divisions) away from what was sent last."""
        if self._stream != "SNR" or not self._last.stable:
            return False
        if self._sent_mg is None:
            return True
        threshold_mg = max(30 * self._division_mg, abs(self._sent_mg) // 8)
        return abs(self._net_mg() - self._sent_mg) >= threshold_mg

    def _fulfil(self) -> None:
        """A command that waits for a stable weight is carried out, or given up."""
        if self._waiting is None:
            return
        command, left = self._waiting
        if self._last.stable or self._beyond() or left <= 0:
            self._waiting = None
            self._reply(self._carry_out(command))
        else:
            self._waiting = (command, left - 1)

    def _net_mg(self) -> int:
        return self._last.gross_mg - self._zero_mg - self._tare_mg

    def _beyond(self) -> str:
        gross_mg = self._last.gross_mg - self._zero_mg
        if gross_mg > self._capacity_mg + 9 * self._division_mg:
            return "+"
        return "-" if gross_mg < -self._capacity_mg // 50 else ""

    def _weight(self, command: str, *, wait: bool = False) -> str:
        if beyond := self._beyond():
            return f"{command} {beyond}"
        if wait and not self._last.stable:
            return f"{command} I"
        return f"{command} {'S' if self._last.stable else 'D'} {self._figure(self._net_mg())}"

    def _figure(self, mass_mg: int) -> str:
        return f"{Decimal(mass_mg) / 1000:10.{self._decimals}f} g"

    def _carry_out(self, command: str) -> str:
        if command == "S":
            return self._weight("S", wait=True)
        if not self._last.stable and not self._beyond():
            return f"{command} I"
        return self._zero("Z", "A") if command == "Z" else self._set_tare("T")

    def _zero(self, command: str, done: str) -> str:
        limit_mg = int(self._capacity_mg * _ZERO_RANGE)
        if abs(self._last.gross_mg) > limit_mg:
            return f"{command} {'+' if self._last.gross_mg > 0 else '-'}"
        self._zero_mg, self._tare_mg = self._last.gross_mg, 0
        return f"{command} {done}"

    def _set_tare(self, command: str) -> str:
        tare_mg = self._last.gross_mg - self._zero_mg
        if self._beyond() or tare_mg < 0:
            return f"{command} {self._beyond() or '-'}"
        self._tare_mg = tare_mg
        return f"{command} {'S' if self._last.stable else 'D'} {self._figure(tare_mg)}"

    # ---- commands --------------------------------------------------------------------------
    def _heard(self, data: bytes) -> None:
        self._typed += data
        while (end := self._typed.find(b"\n")) >= 0:
            line = bytes(self._typed[:end]).strip()
            del self._typed[: end + 1]
            if line:
                self._obey(line)
        if len(self._typed) > _COMMAND_BYTES_MAX:
            self._typed.clear()
            self._reply("ET")

    def _obey(self, line: bytes) -> None:
        if not line.isascii():
            self._reply("ET")
            return
        command, _, argument = line.decode("ascii").partition(" ")
        answer = self._answers.get(command)
        if command == "TA" and argument:
            self._reply(self._preset_tare(argument))
        elif answer is None:
            self._reply("ES")
        elif argument:
            self._reply("EL")
        else:
            for text in answer():
                self._reply(text)

    def _table(self) -> dict[str, Callable[[], list[str]]]:
        commands = [f'I0 B 0 "{name}"' for name in _LEVEL_0]
        commands += [f'I0 B 1 "{name}"' for name in _LEVEL_1]
        commands[-1] = commands[-1].replace("I0 B", "I0 A")
        capacity = f"{self._capacity_mg / 1_000_000:.4f} kg"
        texts = {
            "I1": ['I1 A "01" "2.30" "2.22" "" ""'],
            "I2": [f'I2 A "Tallyport Emulated {capacity}"'],
            "I3": ['I3 A "1.00"'],
            "I4": [f'I4 A "{self._serial}"'],
            "I0": commands,
        }
        answers: dict[str, Callable[[], list[str]]] = {
            name: lambda lines=lines: lines  # type: ignore[misc]
            for name, lines in texts.items()
        }
        answers |= {
            "S": lambda: self._wait_for("S"),
            "Z": lambda: self._wait_for("Z"),
            "T": lambda: self._wait_for("T"),
            "SI": self._once,
            "SIR": lambda: self._begin("SIR"),
            "SNR": lambda: self._begin("SNR"),
            "ZI": lambda: [self._zero("ZI", "S" if self._last.stable else "D")],
            "TI": lambda: [self._set_tare("TI")],
            "TA": lambda: [f"TA A {self._figure(self._tare_mg)}"],
            "TAC": self._clear_tare,
            "@": self._reset,
        }
        return answers

    def _wait_for(self, command: str) -> list[str]:
        if command == "S":
            self._stream = ""
        self._waiting = (command, _PATIENCE_SAMPLES)
        return []

    def _once(self) -> list[str]:
        self._stream = ""
        return [self._weight("S")]

    def _begin(self, stream: str) -> list[str]:
        self._stream, self._sent_mg = stream, None
        return []

    def _clear_tare(self) -> list[str]:
        self._tare_mg = 0
        return ["TAC A"]

    def _reset(self) -> list[str]:
        self._stream, self._waiting, self._tare_mg = "", None, 0
        return [f'I4 A "{self._serial}"']

    def _preset_tare(self, argument: str) -> str:
        value, _, unit = argument.strip().partition(" ")
        try:
            tare_mg = int(Decimal(value) * 1000)
        except (InvalidOperation, ValueError, OverflowError):
            return "TA L"
        if unit.strip() != "g" or not 0 <= tare_mg <= self._capacity_mg:
            return "TA L"
        self._tare_mg = tare_mg
        return f"TA A {self._figure(tare_mg)}"

    def _reply(self, text: str) -> None:
        self._line.write(text.encode("ascii") + b"\r\n")
