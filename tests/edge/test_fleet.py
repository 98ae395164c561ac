"""Devices come and go, and are held, while the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from drivers.emulators.mtsics_scale import EmulatedScale
from edge.config import DeviceConfig, check_device
from edge.describing import describe
from edge.device_brokers import build_driver
from edge.fleet import Changed, DeviceEnded, Fleet, Held, UnknownDevice
from edge.fold import Folder
from edge.supervisor import Supervisor
from edge.walltime import WallTime
from gateway.contract import Observation
from tests.edge.waiting import until


def scale_at(name: str, port: str, **more: Any) -> DeviceConfig:
    return check_device(
        {"name": name, "driver": "mt-sics", "read_point": name, "port": port} | more
    )


async def _forget(_: Sequence[Observation]) -> None:
    """Nobody asks for the observations here."""


def supervisor(device: DeviceConfig) -> Supervisor:
    return Supervisor(
        device.name,
        device.read_point,
        build_driver=lambda: build_driver(device),
        build_folder=lambda: Folder(device.name, device.read_point, device.fold),
        describe=lambda at_us: describe(device, at_us),
        keep=_forget,
        time_source=WallTime(),
    )


@asynccontextmanager
async def running(*devices: DeviceConfig) -> AsyncIterator[Fleet]:
    fleet = Fleet(devices, supervisor)
    task = asyncio.create_task(fleet.run())
    try:
        yield fleet
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def states(fleet: Fleet) -> dict[str, str]:
    return {name: one.health.state for name, one in fleet.supervisors.items()}


async def test_a_change_touches_only_what_differs() -> None:
    scales = [EmulatedScale(seed=seed) for seed in range(3)]
    one, two, three = [await scale.start() for scale in scales]
    async with running(scale_at("one", one), scale_at("two", two)) as fleet:
        await until(lambda: states(fleet) == {"one": "running", "two": "running"})
        undisturbed = fleet.supervisors["one"]
        starts = undisturbed.counters()["starts"]
        changed = await fleet.change(
            [scale_at("one", one), scale_at("two", two, plate=2), scale_at("three", three)]
        )
        assert changed == Changed(added=("three",), replaced=("two",))
        await until(lambda: set(states(fleet).values()) == {"running"})
        assert fleet.supervisors["one"] is undisturbed
        assert undisturbed.counters()["starts"] == starts
        # The port of a device that goes is free for another at once.
        assert await fleet.change([scale_at("four", two)]) == Changed(
            added=("four",), removed=("one", "two", "three")
        )
        await until(lambda: states(fleet) == {"four": "running"})
        assert not await fleet.change(fleet.devices)
    for scale in scales:
        await scale.stop()


async def _use_and_break(fleet: Fleet, port: str) -> None:
    """Hold the device, use its port, and end badly."""
    async with fleet.hold("one", "a calibration") as device:
        assert device.name == "one"
        assert states(fleet) == {"one": "held"}
        assert fleet.held_for("one") == "a calibration"
        async with running(scale_at("other", port)) as other:
            await until(lambda: states(other) == {"other": "running"})
        with pytest.raises(Held, match="one is in use for a calibration"):
            await fleet.change([])
        raise RuntimeError("it broke")


async def test_a_held_device_is_free_and_given_back() -> None:
    scale = EmulatedScale()
    port = await scale.start()
    async with running(scale_at("one", port)) as fleet:
        await until(lambda: states(fleet) == {"one": "running"})
        with pytest.raises(RuntimeError, match="it broke"):
            await _use_and_break(fleet, port)
        await until(lambda: states(fleet) == {"one": "running"})
        with pytest.raises(UnknownDevice, match="there are: one"):
            fleet.held_for("two")
    await scale.stop()


async def test_a_supervisor_that_ends_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(self: Supervisor) -> None:
        raise ValueError("no idea")

    monkeypatch.setattr(Supervisor, "run", fails)
    fleet = Fleet([scale_at("one", "/dev/null")], supervisor)
    with pytest.raises(DeviceEnded, match="device one ended: no idea"):
        await fleet.run()
