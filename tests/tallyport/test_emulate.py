"""What a person without hardware types, with real processes and the edge's own probe."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.readings import CodeScan, DeviceEvent
from drivers.scanners.scanner import ScannerConfig, SerialScanner
from edge.config import load
from tallyport.emulate.reader import ReaderOptions, make_reader
from tallyport.emulate.running import EDGE, Emulation
from tallyport.emulate.scanning import ScannerOptions, make_scanner, mistakes_of
from tallyport.emulate.weighing import ScaleOptions, make_scale, make_shelf
from tests.drivers.listening import listening

PATIENCE_S = 90.0


class Typing:
    """A device in a process of its own, with somebody at its keyboard."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.told = ""

    async def until(self, words: str) -> None:
        """Wait until it has said so."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            while words not in self.told:
                line = await self.process.stderr.readline()
                assert line, f"it ended without saying {words!r}: {self.told}"
                self.told += line.decode()

    async def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        await self.process.stdin.drain()

    async def interrupt(self) -> int:
        """Ctrl-C, and how it ended."""
        self.process.send_signal(signal.SIGINT)
        await self.until("The device is off.")
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


async def tallyport(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tallyport", *arguments, stdin=pipe, stdout=pipe, stderr=pipe,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


@asynccontextmanager
async def devices(*commands: str) -> AsyncIterator[list[Typing]]:
    found = [Typing(await tallyport("emulate", *command.split())) for command in commands]
    try:
        for one in found:
            await one.until("Type a word")
        yield found
    finally:
        for one in found:
            if one.process.returncode is None:
                one.process.kill()
                await one.process.wait()


async def test_the_edge_probes_emulated_devices_and_words_reach_them(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("reader.toml", "shelf.toml", "modbus.toml", "node.toml")]
    async with devices(
        f"reader --settings {files[0]}",
        f"shelf --plates 2 --load 700 --settings {files[1]}",
        f"transmitter --over tcp --load 640 --settings {files[2]}",
        f"node --load 820 --settings {files[3]}",
    ) as (reader, shelf, transmitter, node):
        tables = [file.read_text().removeprefix(EDGE) for file in files]
        tables[2] = tables[2].replace('"plate-1"', '"silo"').replace("plate = 1\n", "plate = 9\n")
        tables[3] = tables[3].replace('"plate-1"', '"bin"').replace("plate = 1\n", "plate = 8\n")
        config = tmp_path / "edge.toml"
        config.write_text(EDGE + "\n".join(tables))
        probing = await tallyport(
            "edge", "probe", "--config", str(config), "--json", "--seconds", "20"
        )
        out, err = await asyncio.wait_for(probing.communicate(), PATIENCE_S)
        assert probing.returncode == 0, err.decode() + out.decode()
        found = {one["device"]: one for one in map(json.loads, out.decode().splitlines())}
        assert set(found) == {"dock-1-reader", "plate-1", "plate-2", "silo", "bin"}
        assert all(one["ok"] and one["readings"] for one in found.values())
        assert found["dock-1-reader"]["readings"][0]["kind"] == "tag"
        assert abs(float(found["silo"]["readings"][-1]["value"]) - 0.64) <= 0.005
        assert abs(float(found["plate-2"]["readings"][-1]["value"]) - 700) <= 10

        assert abs(float(found["bin"]["readings"][-1]["value"]) - 820) <= 5

        await reader.type("omit colour")
        await reader.until("Say: omit antenna|rssi")
        await reader.type("clock -60")
        await reader.until("-60 s wrong")
        await shelf.type("hand 2 1500 5")
        await shelf.until("a hand rests on plate 2")
        await transmitter.type("lift")
        await transmitter.until('"lift" is not known here. Say: load')
        assert [await one.interrupt() for one in (reader, shelf, transmitter, node)] == [0] * 4


async def test_several_devices_make_one_edge_in_one_file(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    async with devices(f"scale --load 640 --settings {config}") as (scale,):
        async with devices(f"scanner --settings {config}") as (scanner,):
            both = load(config)
            assert [one.driver for one in both.devices] == ["mt-sics", "scanner"]
            assert await scanner.interrupt() == 0
        async with devices(f"scanner --settings {config}") as (scanner,):
            again = load(config)
            assert [one.name for one in again.devices] == [one.name for one in both.devices]
            assert [one.name for one in again.devices].count("plate-1") == 1
            assert await scanner.interrupt() == 0
        assert await scale.interrupt() == 0


async def test_what_cannot_be_emulated_is_told(tmp_path: Path) -> None:
    wrong = tmp_path / "scene.toml"
    wrong.write_text("[layout]\nwalls = 4\n")
    process = await tallyport("emulate", "reader", "--scene", str(wrong))
    _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 2
    assert "walls" in err.decode()


@asynccontextmanager
async def running(emulation: Emulation) -> AsyncIterator[Emulation]:
    going = asyncio.ensure_future(emulation.goes_on()) if emulation.goes_on else None
    try:
        yield emulation
    finally:
        if going is not None:
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
        await emulation.stop()


async def test_scales_take_words_and_say_what_they_do_not_understand() -> None:
    options = ScaleOptions(protocol="radwag", tcp_port=0, load_g=100, seed=1)
    async with running(await make_scale(options)) as scale:
        assert 'driver = "radwag"' in scale.devices
        assert "900 g" in await scale.obey("load 900")
        with pytest.raises(ValueError, match="Say: load GRAMS"):
            await scale.obey("load much")
    async with running(await make_shelf(2, "mt-sics", 500, 1)) as shelf:
        assert shelf.devices.count("[[devices]]") == 2
        for line in ("load 1 250", "bump 2", "bump 2 -5", "step", "unplug 1", "plug 1"):
            assert await shelf.obey(line)
        with pytest.raises(ValueError, match="plates 1 to 2"):
            await shelf.obey("load 3 100")
    with pytest.raises(ValueError, match="serial line only"):
        await make_scale(ScaleOptions(protocol="mt-sics", tcp_port=0, load_g=0, seed=1))


async def test_a_scanner_scans_what_is_typed_and_by_itself() -> None:
    with pytest.raises(ValueError, match="There are: dropped"):
        mistakes_of(["sneezed"])
    options = ScannerOptions(codes=(), by_itself=True, mistakes={}, seed=1)
    async with running(await make_scanner(options)) as desk:
        port = desk.devices.split('port = "')[1].split('"')[0]
        async with listening(SerialScanner(ScannerConfig(port=port))) as heard:
            await heard.heard(DeviceEvent)
            assert "dropped 0.5" in await desk.obey("err dropped=0.5")
            with pytest.raises(ValueError, match="no mistake"):
                await desk.obey("err sneezed")
            assert "double-scan 1" in await desk.obey("err double-scan=1")
            assert "4006381333931" in await desk.obey("scan 4006381333931")
            await heard.heard(CodeScan, lambda scan: scan.data == "4006381333931")
            await heard.heard(CodeScan, lambda scan: scan.data == "0109521234000013")
            await heard.until(
                lambda: [s.data for s in heard.of(CodeScan)].count("4006381333931") == 2
            )


async def test_a_dock_without_traffic_waits_for_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    options = ReaderOptions(
        host="127.0.0.1", port=0, vendor="zebra", traffic="none", scene=None, seed=3
    )
    async with running(await make_reader(options)) as dock:
        assert dock.devices.count("[[devices.antennas]]") == 4
        assert "it comes" in await dock.obey("go in 5")
        with pytest.raises(ValueError, match="Say: go in"):
            await dock.obey("go sideways")
        with pytest.raises(ValueError, match='There is no fault "jump"'):
            await dock.obey("jump")
    assert not capsys.readouterr().out
