"""The Arduino node's driver, on a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from drivers.emulators.load_cell_node import EmulatedSerialNode
from drivers.emulators.serial_pty import SerialPty
from drivers.errors import DeviceUnavailable
from drivers.load_cells.node import LoadCellSerial, LoadCellSerialConfig
from drivers.readings import DeviceEvent, WeightReading
from tests.drivers.listening import PATIENCE_S, listening
from tests.drivers.test_load_cell_mqtt import CALIBRATION, near


def config(**fields: Any) -> LoadCellSerialConfig:
    given = {"node": "shelf-1-a", "calibration": CALIBRATION, "silence_timeout_s": PATIENCE_S}
    return LoadCellSerialConfig.model_validate(given | fields)


@pytest.mark.evidence("emulator", "load-cell-serial")
@pytest.mark.evidence("reconnect", "load-cell-serial")
async def test_unplugged_and_plugged_in_again(tmp_path: Path) -> None:
    node = EmulatedSerialNode(window_s=0.02, seed=3, link=tmp_path / "usb-arduino")
    tapped = bytearray()
    try:
        node.set_load_g(592)
        settings = config(port=await node.start())
        driver = LoadCellSerial(settings, tap=tapped.extend)
        async with listening(driver) as heard:
            weight = await heard.heard(WeightReading, near(592))
            assert (weight.unit, weight.calibration) == ("g", 2)
            node.send(b"\xff\xfe\r\n")
            await heard.heard(DeviceEvent, lambda event: event.name == "frame_error")
            node.cell.skip(3)
            await heard.heard(DeviceEvent, lambda event: "3 windows before" in event.detail)
            node.cell.restart()
            node.unplug()
            with pytest.raises(DeviceUnavailable, match="lost"):
                await heard.end()
        counts = driver.counters()
        assert (counts["bytes"], counts["windows_lost"]) == (len(tapped), 3)
        async with listening(LoadCellSerial(settings)) as heard:
            with pytest.raises(DeviceUnavailable):
                await heard.end()
        await node.start()
        async with listening(LoadCellSerial(settings)) as heard:
            await heard.heard(WeightReading)
    finally:
        await node.stop()


async def test_a_node_is_asked_what_it_is_and_never_told_to_tare() -> None:
    node = EmulatedSerialNode(window_s=0.02)
    try:
        driver = LoadCellSerial(config(port=await node.start(), rate_hz=10))
        async with listening(driver) as heard:
            told = await heard.heard(
                DeviceEvent, lambda event: "10 windows a second" in event.detail
            )
            assert told.detail == "node shelf-1-a: HX711, firmware 1.0, 10 windows a second"
            await heard.until(lambda: node.heard.count(b"I\r\n") == 1)
        assert bytes(node.heard) == b"R 10\r\nI\r\n"
        assert node.window_s == 0.1
    finally:
        await node.stop()


async def test_a_restart_between_two_windows_is_told() -> None:
    node = EmulatedSerialNode(window_s=0.02)
    try:
        driver = LoadCellSerial(config(port=await node.start()))
        async with listening(driver) as heard:
            await heard.until(lambda: len(heard.of(WeightReading)) >= 3)
            node.cell.restart()
            await heard.heard(DeviceEvent, lambda event: event.name == "restarted")
        assert driver.counters()["node_restarts"] == 1
    finally:
        await node.stop()


async def test_silence_another_node_and_another_protocol_are_told_apart() -> None:
    node = EmulatedSerialNode(window_s=0.02)
    line = SerialPty(lambda _: None)
    try:
        port, quiet = await node.start(), await line.start()
        for settings, noise, says in (
            (config(port=port, node="shelf-9", silence_timeout_s=1), b"", "Another node"),
            (config(port=quiet, silence_timeout_s=0.5), b"", "said nothing"),
            (config(port=quiet, silence_timeout_s=1), b"     192.21 g\r\n", "no TP1.*115200 8N1"),
        ):
            driver = LoadCellSerial(settings)
            async with listening(driver) as heard:
                # Opening the port throws away what came before.
                while noise and not driver.counters()["bytes"]:
                    line.write(noise)
                    await asyncio.sleep(0.02)
                with pytest.raises(DeviceUnavailable) as told:
                    await heard.end()
            assert re.search(says, f"{told.value} {told.value.hint}")
    finally:
        line.unplug()
        await node.stop()


def test_settings_refuse_what_cannot_work() -> None:
    with pytest.raises(ValueError, match="longer than a window"):
        config(port="x", rate_hz=1, silence_timeout_s=0.9)
    with pytest.raises(ValueError, match="port is needed"):
        config()
    assert config(port="x").line == "115200 8N1"
