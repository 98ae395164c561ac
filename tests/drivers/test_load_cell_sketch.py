"""The node's own code, compiled: what it says is what the driver reads."""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from drivers import registry
from drivers.load_cells.frames import window_of_message
from drivers.load_cells.node import LoadCellSerial
from drivers.readings import DeviceEvent, LoadCellWindow, WeightReading
from tests.drivers.listening import PATIENCE_S, listening
from tests.drivers.test_load_cell_mqtt import near
from tests.drivers.test_load_cell_serial import config

SKETCH = Path(__file__).parents[2] / "firmware_configs" / "arduino" / "tp1_node"
BOARD = Path(__file__).with_name("arduino")
COMPILER = shutil.which("g++")
STRICT = ("-std=c++11", "-Wall", "-Wextra", "-Werror", "-O1")
# One worker compiles, and once.
pytestmark = [
    pytest.mark.xdist_group("load-cell-sketch"),
    pytest.mark.skipif(COMPILER is None, reason="g++ is not installed (apt-get install g++)"),
]


def compiled(program: Path, *sources: str) -> Path:
    done = subprocess.run(
        ["g++", *STRICT, f"-I{SKETCH}", f"-I{BOARD}", "-o", str(program), *sources],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("node") / "windows", str(BOARD / "windows.cpp"))


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The Arduino tools put this include before a sketch, too.
    sketch = ("-x", "c++", "-include", "Arduino.h", str(SKETCH / "tp1_node.ino"))
    return compiled(tmp_path_factory.mktemp("node") / "board", str(BOARD / "board.cpp"), *sketch)


def said(windows: Path, lines: list[str]) -> bytes:
    done = subprocess.run(
        [windows], input="\n".join(lines).encode(), capture_output=True, check=True
    )
    return done.stdout


def read(data: bytes) -> tuple[list[object], list[LoadCellWindow]]:
    decoder = registry.decoder("load-cell-serial")
    lines = [line + b"\n" for line in data.splitlines() if line.startswith(b"TP1")]
    readings: list[object] = [one for line in lines for one in decoder.feed(line)]
    assert not decoder.errors
    return readings, [
        window_of_message(line) for line in data.splitlines() if line.startswith(b"{")
    ]


def test_windows_are_exact_at_any_height(windows: Path) -> None:
    chance = Random(7)
    cases = [[], [5], [-5, -6], [8_388_607] * 3, [-8_388_608] * 128, [8_388_607, -8_388_608] * 64]
    for _ in range(300):
        middle, width = (
            chance.randint(-8_000_000, 8_000_000),
            chance.choice((1, 50, 9_000, 300_000)),
        )
        samples = [middle + chance.randint(-width, width) for _ in range(chance.randint(1, 128))]
        cases.append([min(8_388_607, max(-8_388_608, one)) for one in samples])
    lines, messages = read(said(windows, [" ".join(map(str, case)) for case in cases]))
    assert (len(lines), len(messages)) == (len(cases), len(cases))
    for number, case in enumerate(cases):
        window = messages[number]
        assert (window.seq, window.samples, window.up_ms) == (number, len(case), 200 * number)
        assert window.saturated == sum(one in {8_388_607, -8_388_608} for one in case)
        assert window.boot == "1f2e3d4c"
        if case:
            exact = Decimal(sum(case)) / len(case)
            assert window.mean is not None
            assert abs(window.mean - exact) <= Decimal("0.005")
        if len(case) > 1:
            assert float(window.std or 0) == pytest.approx(statistics.stdev(case), abs=0.006)
        line = lines[number]
        assert isinstance(line, LoadCellWindow)
        assert (line.mean, line.std, line.seq) == (window.mean, window.std, window.seq)


def test_commands(windows: Path) -> None:
    told = ["I", "R 10", "I", "R 11", "R 0", "R x", "T", "Z", "", "R  5", "IIIIIIIIIIIIIIIIII", "I"]
    readings, _ = read(said(windows, [f"told {command}" for command in told]))
    details = [one.detail for one in readings if isinstance(one, DeviceEvent)]
    known = "node shelf-7a: HX711, firmware 1.0, {} windows a second".format
    assert [detail.removeprefix("the node refused: ") for detail in details] == [
        known(5),
        known(10),
        known(10),
        *["it takes 1 to 10 windows a second"] * 2,
        *["it knows no such command"] * 5,
        known(10),
    ]


def named(link: Path, port: str) -> None:
    """As udev's by-id links do."""
    link.unlink(missing_ok=True)
    link.symlink_to(port)


@asynccontextmanager
async def running(board: Path, link: Path, *arguments: str) -> AsyncIterator[None]:
    """The sketch on its board, at the end of a pseudo-terminal that ``link`` names."""
    device, port = os.openpty()
    process = None
    try:
        tty.setraw(port)
        named(link, os.ttyname(port))
        process = await asyncio.create_subprocess_exec(
            board, *arguments, stdin=device, stdout=device
        )
        yield
    finally:
        if process is not None:
            process.kill()
            await process.wait()
        os.close(device)
        os.close(port)


async def test_the_sketch_is_heard_asked_and_heard_again(board: Path, tmp_path: Path) -> None:
    link = tmp_path / "usb-arduino"
    driver = LoadCellSerial(config(port=str(link), rate_hz=10, stable_std_g=5))
    async with running(board, link), listening(driver) as heard:
        await heard.heard(DeviceEvent, lambda event: "10 windows a second" in event.detail)
        await heard.heard(WeightReading, near(592))
    counts = driver.counters()
    assert (counts["frame_errors"], counts["windows_lost"]) == (0, 0)
    again = LoadCellSerial(config(port=str(link), silence_timeout_s=PATIENCE_S))
    async with running(board, link, "96000"), listening(again) as heard:
        weight = await heard.heard(WeightReading)
        assert weight.value is not None
        assert weight.value > 20  # 12,000 counts more, at 420 a gram
