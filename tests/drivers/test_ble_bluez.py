"""The drivers on bleak's real backend for Linux, with a BlueZ that is faked on a bus of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from drivers import registry
from drivers.driver import Driver
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import WeightReading
from drivers.scales.ble_adverts import BTHOME_UUID
from drivers.transports import ble_link, ble_radio
from tests.drivers.listening import PATIENCE_S, Listening, listening
from tests.fakes.bluez import FakeBluez, bluez, private_bus

pytestmark = pytest.mark.skipif(which("dbus-daemon") is None, reason="there is no dbus-daemon here")
ADDRESS = "C4:BE:84:70:69:8E"
DECENT = {"fff4": ["notify"], "36f5": ["write", "write-without-response"]}
FRAME = bytes.fromhex("03ce007b0000b6")


def driver(kind: str, **options: Any) -> Driver:
    loaded = registry.load(kind)
    return loaded(loaded.Config.model_validate({"address": ADDRESS} | options))


async def _nothing(_: object) -> None:
    """Take no notice."""


async def soon(event: asyncio.Event, heard: Listening) -> None:
    """Wait for what the driver does; raises what it raised, where it ended instead."""
    waiting = asyncio.create_task(event.wait())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({waiting, heard.task}, return_when=asyncio.FIRST_COMPLETED)
        if heard.task.done():
            await heard.task
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def decent_heard(fake: FakeBluez, path: str, heard: Listening) -> None:
    """Advertise where that is needed, be connected to, and be heard."""
    await soon(fake.notifying, heard)
    fake.notify(path, FRAME)
    await heard.heard(WeightReading)


async def test_advertisements(tmp_path: Path) -> None:
    async with bluez(tmp_path) as fake:
        path = fake.device(ADDRESS, "plate")
        async with listening(driver("ble-bthome")) as heard:
            await soon(fake.scanning, heard)
            for _ in range(3):  # the same thrice is heard thrice: that is how it is seen to live
                fake.advertise(path, {BTHOME_UUID: bytes.fromhex("40065e1f")})
            await heard.until(lambda: len(heard.of(WeightReading)) >= 3)
            assert {str(one.value) for one in heard.of(WeightReading)} == {"80.30"}
            assert fake.filters == {"Transport": "le", "DuplicateData": True}
        assert not fake.scanning.is_set()


async def test_a_connection_that_drops(tmp_path: Path) -> None:
    async with bluez(tmp_path) as fake:
        path = fake.device(ADDRESS, "Decent Scale")
        fake.service(path, "fff0", DECENT)
        for address in (ADDRESS.lower(), "Decent Scale"):
            fake.notifying.clear()
            async with listening(driver("ble-decent", address=address)) as heard:
                await soon(fake.scanning, heard)
                fake.advertise(path, {})
                await decent_heard(fake, path, heard)
                assert not fake.scanning.is_set()
                assert fake.written[-2:] == [bytes.fromhex("030a0101000108")] * 2
                fake.connect(path, False)
                with pytest.raises(DeviceUnavailable, match="dropped"):
                    await heard.end()


async def test_what_a_killed_agent_left_connected(tmp_path: Path) -> None:
    async with bluez(tmp_path) as fake:
        path = fake.device(ADDRESS, "Decent Scale", connected=True)
        fake.service(path, "fff0", DECENT)
        async with listening(driver("ble-decent")) as heard:
            await decent_heard(fake, path, heard)


async def test_another_device(tmp_path: Path) -> None:
    async with bluez(tmp_path) as fake:
        path = fake.device(ADDRESS, "something", connected=True)
        fake.service(path, "fff0", DECENT)
        async with listening(driver("ble-acaia")) as heard:
            await soon(fake.scanning, heard)
            fake.advertise(path, {})
            with pytest.raises(DeviceRefused, match=r"it offers fff0 \(36f5, fff4\)"):
                await heard.end()


async def test_an_adapter_that_is_off_or_not_there(tmp_path: Path) -> None:
    async with bluez(tmp_path) as fake:
        fake.power(on=False)
        with pytest.raises(DeviceUnavailable, match="The Bluetooth adapter is switched off"):
            await driver("ble-acaia").run(_nothing)
        with pytest.raises(DeviceUnavailable, match="There is no Bluetooth adapter hci7"):
            await driver("ble-acaia", adapter="hci7").run(_nothing)


@pytest.mark.parametrize("deaf_to", ["GetManagedObjects", "SetDiscoveryFilter", "StartDiscovery"])
async def test_a_bluez_that_hangs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deaf_to: str
) -> None:
    monkeypatch.setattr(ble_radio, "ANSWER_TIMEOUT_S", 0.3)
    async with bluez(tmp_path) as fake:
        fake.deaf_to = {deaf_to}
        for kind in ("ble-bthome", "ble-decent"):
            with pytest.raises(DeviceUnavailable, match="BlueZ hangs") as caught:
                await driver(kind).run(_nothing)
            assert "systemctl restart bluetooth" in caught.value.hint


async def test_a_bluez_that_hangs_over_a_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ble_link, "WRITE_TIMEOUT_S", 0.3)
    async with bluez(tmp_path) as fake:
        path = fake.device(ADDRESS, "Decent Scale", connected=True)
        fake.service(path, "fff0", DECENT)
        for deaf_to in ("StartNotify", "WriteValue"):
            fake.deaf_to = {deaf_to}
            with pytest.raises(DeviceUnavailable, match="does not answer"):
                async with asyncio.timeout(PATIENCE_S):
                    await driver("ble-decent").run(_nothing)
            fake.connect(path, connected=True)


async def test_without_bluez(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with private_bus(tmp_path) as place:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", place)
        with pytest.raises(DeviceUnavailable, match="BlueZ does not run") as caught:
            await driver("ble-bthome").run(_nothing)
        assert "systemctl enable --now bluetooth" in caught.value.hint


async def test_a_bus_that_dies(tmp_path: Path) -> None:
    async with bluez(tmp_path) as fake:
        path = fake.device(ADDRESS, "Decent Scale", connected=True)
        fake.service(path, "fff0", DECENT)
        hearing = Listening(driver("ble-decent"))
        await decent_heard(fake, path, hearing)
    with pytest.raises(DeviceUnavailable):
        await hearing.end()
