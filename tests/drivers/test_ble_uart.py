"""Scales behind a serial bridge: every protocol, over each kind of bridge."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers import registry
from drivers.emulators.ble_air import Air, air
from drivers.emulators.ble_scale import EmulatedBridge
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import WeightReading
from drivers.scales.commands import tell
from drivers.scales.protocols import PROTOCOLS
from drivers.transports import ble_link, ble_radio
from drivers.transports.ble_uart import UARTS, BlePlace
from tests.drivers.listening import PATIENCE_S, listening

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a starved machine the emulated radio may be slower than any real one."""
    monkeypatch.setattr(ble_link, "WRITE_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(ble_radio, "CONNECT_TIMEOUT_S", PATIENCE_S)


def config(kind: str, name: str, **options: Any) -> Any:
    place = {"address": name, "away_timeout_s": PATIENCE_S} | options
    return registry.load(kind).Config.model_validate(
        {"ble": place, "silence_timeout_s": PATIENCE_S}
    )


async def heard(kind: str, room: Air, number: int) -> None:
    name = f"bridge-{number}"
    bridge = EmulatedBridge(
        kind, room, address=f"C0:00:00:00:02:{number:02X}", name=name, uart=number % 3
    )
    bridge.set_load_g(592)
    await bridge.switch_on()
    try:
        async with listening(registry.load(kind)(config(kind, name))) as ears:
            await ears.heard(WeightReading, lambda one: str(one.value) in {"0.592", "00.592"})
            await bridge.drop()
            with pytest.raises(DeviceUnavailable, match="dropped"):
                await ears.end()
        async with listening(registry.load(kind)(config(kind, name))) as ears:
            await ears.heard(WeightReading)
    except BaseException as error:
        error.add_note(f"the kind was {kind}")
        raise
    finally:
        await bridge.switch_off()


@pytest.mark.parametrize("half", [0, 1])
async def test_every_protocol_over_a_bridge_that_drops(half: int) -> None:
    async with air() as room, asyncio.TaskGroup() as together:
        for number, kind in enumerate(sorted(PROTOCOLS)):
            if number % 2 == half:
                together.create_task(heard(kind, room, number))


async def test_a_bridge_of_ones_own() -> None:
    uart = UARTS[0]
    own = {"service": uart.service, "notify": uart.notify, "write": uart.write}
    async with air() as room:
        bridge = EmulatedBridge("sma", room, address="C0:00:00:00:02:01", name="bridge")
        await bridge.switch_on()
        try:
            settings = config("sma", "bridge", uuids=own)
            async with listening(registry.load("sma")(settings)) as ears:
                await ears.heard(WeightReading)
            settings = config("sma", "bridge", uuids=own | {"service": "abcd"})
            with pytest.raises(DeviceRefused, match="no known serial bridge: it offers 6e400001"):
                async with listening(registry.load("sma")(settings)) as ears:
                    await ears.end()
        finally:
            await bridge.switch_off()


async def test_a_person_may_tell_a_scale_behind_a_bridge() -> None:
    async with air() as room:
        bridge = EmulatedBridge("sma", room, address="C0:00:00:00:02:01", name="bridge", uart=1)
        bridge.set_load_g(592)
        await bridge.switch_on()
        try:
            await tell("sma", config("sma", "bridge"), "tare", seconds=0.1)
            assert bridge.heard == [b"\nT\r"]
        finally:
            await bridge.switch_off()


@pytest.mark.parametrize(
    "place",
    [
        {"ble": {"address": "x"}, "port": "a-port"},
        {"ble": {"address": "x"}, "host": "a-host"},
        {"ble": {"address": ""}},
        {"ble": {"address": "x", "adapter": "usb0"}},
        {"ble": {"address": "x", "uuids": {"service": "ffe0", "notify": "ffe1"}}},
        {"ble": {"address": "x", "uuids": {"service": "ffe", "notify": "1", "write": "2"}}},
    ],
)
def test_settings_that_do_not_fit(place: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        registry.load("sma").Config.model_validate(place)


def test_the_sample_shows_every_setting() -> None:
    text = (ROOT / "firmware_configs" / "ble" / "serial-bridge.toml").read_text(encoding="utf-8")
    (short,) = tomllib.loads(text)["devices"]
    (full,) = tomllib.loads(
        text.replace("# away_timeout_s = ", "away_timeout_s = ").replace("# uuids = ", "uuids = ")
    )["devices"]
    assert BlePlace.model_validate(short["ble"]) == BlePlace.model_validate(
        {key: value for key, value in full["ble"].items() if key != "uuids"}
    )
    assert set(BlePlace.model_fields) - set(full["ble"]) == {"adapter"}
    assert 'adapter = "hci1"' in text
    uuids = BlePlace.model_validate(full["ble"]).uuids
    assert uuids is not None
    hm_10 = UARTS[2]
    assert (uuids.service, uuids.notify, uuids.write) == (hm_10.service, hm_10.notify, hm_10.write)
