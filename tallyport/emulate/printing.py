"""An emulated label printer: what is sent to it is told, and kept as files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.emulators.label_printer import EmulatedPrinter, PrintedLabel
from tallyport.emulate.running import CENTRAL, Emulation, Word, WordError, tell


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterOptions:
    """What the command line says. ``paper`` labels are on the roll; 0 is without end."""

    host: str
    port: int
    dpi: int
    paper: int
    out: Path | None


class Roll:
    """A printer, and the labels that come out of it."""

    def __init__(self, options: PrinterOptions) -> None:
        self._out = options.out
        self._printed = 0
        self.printer = EmulatedPrinter(paper=options.paper or None, on_label=self._came_out)

    def _came_out(self, label: PrintedLabel) -> None:
        self._printed += 1
        tag = f", its tag holds {label.epc}" if label.epc else ""
        where = ""
        if self._out is not None:
            self._out.mkdir(parents=True, exist_ok=True)
            path = self._out / f"label-{self._printed:05}.zpl"
            path.write_text(label.zpl + "\n", encoding="utf-8")
            where = f" {path}"
        tell(f"label {self._printed}{where}{tag}")

    def words(self) -> dict[str, Word]:
        """What a person does with a printer."""
        return {
            "paper": Word(
                "paper N | out | endless", "put in a roll of N labels, or take it out", self._paper
            ),
            "open": Word("open", "open the head", self._turn("head_open", True)),
            "close": Word("close", "close the head", self._turn("head_open", False)),
            "pause": Word("pause", "press PAUSE", self._turn("paused", True)),
            "resume": Word("resume", "press PAUSE again", self._turn("paused", False)),
            "ribbon": Word("ribbon out | in", "take the ribbon out, or put one in", self._ribbon),
            "silent": Word("silent on | off", "answer no ~HS any more, or again", self._silent),
        }

    def _turn(self, name: str, on: bool) -> Callable[[list[str]], Awaitable[str]]:
        async def deed(_: list[str]) -> str:
            setattr(self.printer, name, on)
            return self._went_on()

        return deed

    async def _paper(self, said: list[str]) -> str:
        word = said[0]
        self.printer.paper = {"out": 0, "endless": None}[word] if not word.isdigit() else int(word)
        return self._went_on()

    async def _ribbon(self, said: list[str]) -> str:
        self.printer.ribbon_out = {"out": True, "in": False}[said[0]]
        return self._went_on()

    async def _silent(self, said: list[str]) -> str:
        self.printer.silent = {"on": True, "off": False}[said[0]]
        return "it answers nothing" if self.printer.silent else "it answers"

    def _went_on(self) -> str:
        self.printer.go_on()
        state = "it stands" if self.printer.is_stopped else "it prints"
        return f"{state}; {self.printer.waiting} labels wait in it"


async def make_printer(options: PrinterOptions) -> Emulation:
    """Switch a printer on. Raises OSError where it cannot listen."""
    if options.dpi not in {203, 300, 600}:
        raise WordError(f"--dpi is one of 203, 300, 600, not {options.dpi}")
    roll = Roll(options)
    port = await roll.printer.start(options.host, options.port)
    table = (
        f'[[printers]]\nname = "emulated"\nhost = "{options.host}"\nport = {port}\n'
        f"dpi = {options.dpi}\nrfid = true\n"
    )
    return Emulation(
        what=f"A label printer (ZPL, {options.dpi} dpi, writes tags) at {options.host}:{port}",
        devices=table,
        words=roll.words(),
        stop=roll.printer.stop,
        whose=CENTRAL,
    )
