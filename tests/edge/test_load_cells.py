"""Load-cell nodes in the edge: their calibration goes with what they weigh, to central."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drivers.emulators.load_cell_node import EmulatedMqttNode, NodeConverter, line, message
from drivers.load_cells.windows import NodeWeigher
from drivers.readings import DeviceEvent
from edge import decode
from edge.backoff import Backoff
from edge.config import ConfigError, check, check_device
from edge.describing import describe
from edge.device_brokers import build_driver, provide
from edge.fold import Folder, FoldSettings
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.broker import EmbeddedBroker
from gateway.contract import (
    CellCalibration,
    DeviceDescribed,
    DeviceHealth,
    Observation,
    WeightSettled,
)
from tests.edge.waiting import until

SAMPLES = Path(__file__).parents[2] / "firmware_configs"
EDGE = {"edge": {"name": "pi", "site": "here"}}


def sample(path: str) -> dict[str, Any]:
    text = (SAMPLES / path).read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["devices"][0]
    return table


def test_a_device_is_described_with_its_calibration() -> None:
    described = describe(check_device(sample("esphome/load-cell-mqtt.toml")), 0)
    assert described.calibration == CellCalibration(
        version=1,
        on="2026-11-20",
        by="A. Technician",
        mass_g="5000",
        zero_counts="84000.5",
        counts_per_g="420.25",
    )
    assert described.description == "shelf-1-a by the broker at 127.0.0.1:1883"
    wire = msgspec.json.encode(described)
    again: Observation = msgspec.json.decode(wire, type=Observation)
    assert again == described


def test_a_scale_over_mqtt_is_described_by_its_topic() -> None:
    described = describe(check_device(sample("scales/over-mqtt.toml")), 0)
    assert "tallyport/bridges/scale-1/heard by the broker at" in described.description
    assert described.calibration is None


def test_what_was_weighed_names_its_calibration() -> None:
    device = check_device(sample("arduino/load-cell-serial.toml"))
    cell = NodeConverter(device.options.node, counts_per_g=420.25, seed=4)
    weigher = NodeWeigher(device.options.node, device.options.calibration, 2)
    folder = Folder("plate", "shelf", FoldSettings(), plate=1)
    cell.set_load_g(500)
    out: list[Observation] = []
    for number in range(60):
        out += folder.feed(weigher.take([cell.window()]), 1_000_000 + number * 200_000)
    settled = [one for one in out if isinstance(one, WeightSettled)]
    assert settled
    assert abs(settled[-1].gross_mg - 500_000) < 4_000
    assert {one.calibration for one in settled} == {1}
    (shown,) = [decode.as_json(one) for one in weigher.take([cell.window()])]
    assert (shown["unit"], shown["calibration"]) == ("g", 1)


def test_raw_counts_are_no_weight_and_a_restart_parts_the_stream() -> None:
    cell = NodeConverter("shelf-1-a")
    folder = Folder("plate", "shelf", FoldSettings(), plate=1)
    seen: list[Observation] = []
    for number in range(30):
        seen += folder.feed([cell.window()], 1_000_000 + number * 200_000)
    assert seen == []
    assert folder.counters() == {"uncalibrated": 30}
    folder.feed([DeviceEvent(name="restarted")], 10_000_000)
    assert folder.counters()["device_events"] == 1


def test_pasted_bytes_are_told_in_counts() -> None:
    cell = NodeConverter("shelf-1-a", seed=1)
    window = cell.window()
    for kind, data in (("load-cell-mqtt", message(window)), ("load-cell-serial", line(window))):
        (said,), errors = decode.decode(kind, data)
        assert not errors
        assert (said["kind"], said["node"], said["mean"]) == (
            "load_cell", "shelf-1-a", str(window.mean),
        )  # fmt: skip
        assert "unit" not in said


async def test_the_broker_dies_and_comes_back_and_central_is_told_both() -> None:
    """The whole edge's half of it: supervisor, driver, fold."""
    broker = EmbeddedBroker()
    port = await broker.start()
    table = sample("esphome/load-cell-mqtt.toml") | {"broker": {"port": port}}
    device = check_device(table)
    provide()
    node = EmulatedMqttNode(device.options.broker, device.options.node, window_s=0.05, seed=3)
    kept: list[Observation] = []

    async def keep(observations: Sequence[Observation]) -> None:
        kept.extend(observations)

    supervisor = Supervisor(
        device.name,
        device.read_point,
        build_driver=lambda: build_driver(device),
        build_folder=lambda: Folder(
            device.name, device.read_point, device.fold, plate=device.plate
        ),
        describe=lambda at_us: describe(device, at_us),
        keep=keep,
        time_source=WallTime(),
        backoff=Backoff(first_s=0.05, most_s=0.05, least_s=0.01),
    )
    running = asyncio.create_task(supervisor.run())

    def states() -> list[str]:
        return [one.state for one in kept if isinstance(one, DeviceHealth)]

    def levels() -> int:
        return sum(isinstance(one, WeightSettled) for one in kept)

    try:
        await node.start()
        await until(lambda: levels() > 0, "a level at rest")
        await broker.stop()
        await until(lambda: "retrying" in states(), "told that the broker is gone")
        before = levels()
        await broker.start()
        await until(lambda: levels() > before, "a level after the broker came back")
        assert states()[:3] == ["starting", "running", "retrying"]
        assert states()[-1] == "running"
        assert isinstance(kept[0], DeviceDescribed)
        assert kept[0].calibration is not None
        assert {one.calibration for one in kept if isinstance(one, WeightSettled)} == {1}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await node.stop()
        await broker.stop()


@pytest.mark.parametrize(
    ("path", "changes", "says"),
    [
        ("esphome/load-cell-mqtt.toml", {}, "another device is this node"),
        ("scales/over-mqtt.toml", {}, "another device listens to this topic"),
    ],
)
def test_two_devices_cannot_be_the_same_node(path: str, changes: Any, says: str) -> None:
    first = sample(path)
    second = first | {"name": "other", "plate": 2} | changes
    with pytest.raises(ConfigError, match=says):
        check(EDGE | {"devices": [first, second]})
    settings_key = "broker" if "broker" in first else "mqtt"
    elsewhere = second | {settings_key: second[settings_key] | {"port": 1884}}
    assert len(check(EDGE | {"devices": [first, elsewhere]}).devices) == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"counts_per_g": 0}, "changes nothing"),
        ({"count_per_g": 420}, "Did you mean devices"),
        ({"version": 0}, "at least 1"),
    ],
)
def test_a_wrong_calibration_is_told_with_its_place(changes: dict[str, Any], says: str) -> None:
    table = sample("esphome/load-cell-mqtt.toml")
    table["calibration"] |= changes
    with pytest.raises(ConfigError) as told:
        check(EDGE | {"devices": [table]})
    assert "calibration" in str(told.value)
    assert says in str(told.value)
