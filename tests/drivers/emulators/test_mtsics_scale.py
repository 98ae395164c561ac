from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.emulators.load_cell import LoadCell, Sample
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.transports.serial_line import LineSettings, SerialLine, open_line


class Terminal:
    """Somebody typing commands at the other end."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self._text = ""

    async def next_line(self) -> str:
        async with asyncio.timeout(60):
            while "\r\n" not in self._text:
                self._text += (await self._line.read()).decode()
        line, self._text = self._text.split("\r\n", 1)
        return line

    async def ask(self, command: str) -> str:
        await self._line.write(command.encode() + b"\r\n")
        return await self.next_line()


@asynccontextmanager
async def terminal(scale: EmulatedScale) -> AsyncIterator[Terminal]:
    path = await scale.start()
    try:
        with open_line(LineSettings(port=path)) as line:
            yield Terminal(line)
    finally:
        await scale.stop()


async def test_it_answers_like_an_instrument() -> None:
    scale = EmulatedScale(serial="4711", seed=1)
    async with terminal(scale) as keys:
        assert await keys.ask("I4") == 'I4 A "4711"'
        assert await keys.ask("@") == 'I4 A "4711"'
        assert (await keys.ask("I2")).startswith('I2 A "')
        assert await keys.ask("XYZZY") == "ES"
        assert await keys.ask("S 1") == "EL"
        first = await keys.ask("I0")
        assert first == 'I0 B 0 "@"'
        while (line := await keys.next_line()).startswith("I0 B"):
            pass
        assert line.startswith("I0 A")
        assert (await keys.ask("SI")).split()[0] == "S"
        scale.set_load_mg(1_000_000)
        settled = (await keys.ask("S")).split()
        assert settled[:2] == ["S", "S"]
        assert 999.5 < float(settled[2]) < 1000.5
        assert settled[3] == "g"
        assert (await keys.ask("T")).startswith("T S")
        assert abs(float((await keys.ask("S")).split()[2])) < 0.5
        assert (await keys.ask("TA")).split()[0:2] == ["TA", "A"]
        assert await keys.ask("TA 1000.0 g") == "TA A     1000.0 g"
        assert await keys.ask("TA much g") == "TA L"
        assert await keys.ask("TAC") == "TAC A"
        assert await keys.ask("Z") == "Z +"  # a kilogram is more than zero may take away
        scale.set_load_mg(20_000_000)
        async with asyncio.timeout(60):
            while await keys.ask("SI") != "S +":
                pass  # asked again until the plate has felt it


def samples(seed: int) -> list[Sample]:
    cell = LoadCell(division_mg=100, seed=seed)
    found = [cell.sample() for _ in range(20)]
    cell.set_load_mg(592_000)
    return found + [cell.sample() for _ in range(300)]


def test_the_plate_rings_settles_and_repeats_with_its_seed() -> None:
    first, again, other = samples(5), samples(5), samples(6)
    assert first == again != other
    step = first[20:40]
    assert not step[0].stable
    assert max(abs(s.gross_mg - 592_000) for s in step) > 5_000
    late = first[60:]
    assert sum(s.stable for s in late) > len(late) * 0.6
    assert all(abs(s.gross_mg - 592_000) <= 300 for s in late if s.stable)
