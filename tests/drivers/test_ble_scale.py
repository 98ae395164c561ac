"""Bluetooth scales, over real GATT in a room of emulated devices: no adapter, no root."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)

from drivers import registry
from drivers.driver import Driver
from drivers.emulators.ble_air import Air, air
from drivers.emulators.ble_scale import NATURES, EmulatedBleScale
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import DeviceEvent, WeightReading
from drivers.scales import ble_broadcast
from drivers.scales.ble import AcaiaScale, Manners
from drivers.scales.ble_adverts import BTHOME_UUID
from drivers.scales.commands import commands, tell
from drivers.transports import ble_link, ble_radio
from drivers.transports.ble_radio import radio_of
from tests.drivers.listening import PATIENCE_S, Listening, listening
from tests.drivers.test_samples import ROOT, settings_of, tables

CONNECTED = ("ble-acaia", "ble-decent", "ble-weight-scale")
LOAD_G = 592
TARES = {"ble-acaia": b"\xef\xdd\x04", "ble-decent": b"\x03\x0f"}
PATIENT = {"silence_timeout_s": PATIENCE_S, "away_timeout_s": PATIENCE_S}
STEP_G = 10
"""BTHome's resolution, the coarsest."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a starved machine the emulated radio may be slower than any real one."""
    monkeypatch.setattr(ble_link, "WRITE_TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(ble_radio, "CONNECT_TIMEOUT_S", PATIENCE_S)


@asynccontextmanager
async def heard_scale(
    kind: str, **options: Any
) -> AsyncIterator[tuple[EmulatedBleScale, Listening]]:
    """One scale in a room of its own, once it was heard."""
    async with (
        air() as room,
        scale(kind, room) as emulated,
        listening(driver(kind, **options)) as heard,
    ):
        await heard.heard(WeightReading)
        yield emulated, heard


@asynccontextmanager
async def scale(kind: str, room: Air, number: int = 1) -> AsyncIterator[EmulatedBleScale]:
    emulated = EmulatedBleScale(
        kind, room, address=f"C0:00:00:00:01:{number:02X}", name=f"{kind}-{number}", seed=number
    )
    if emulated.patience_s:
        emulated.patience_s = PATIENCE_S
    await emulated.switch_on()
    try:
        yield emulated
    finally:
        await emulated.switch_off()


def driver(kind: str, **options: Any) -> Driver:
    loaded = registry.load(kind)
    return loaded(loaded.Config.model_validate({"address": f"{kind}-1"} | options))


def grams(weight: WeightReading) -> float:
    assert weight.value is not None
    return float(weight.value) * (1000 if weight.unit == "kg" else 1)


def weighs(load_g: int) -> Callable[[WeightReading], bool]:
    return lambda weight: weight.value is not None and abs(grams(weight) - load_g) <= STEP_G


def reported(heard: Listening) -> list[str]:
    return [event.detail for event in heard.of(DeviceEvent) if event.name == "frame_error"]


async def heard_again(kind: str, room: Air, number: int) -> None:
    name = f"{kind}-{number}"
    async with scale(kind, room, number) as emulated:
        emulated.set_load_g(LOAD_G)
        async with listening(driver(kind, address=name)) as heard:
            await heard.heard(WeightReading, weighs(LOAD_G))
            assert reported(heard) == []
        await emulated.switch_off()
        quick = {"address": emulated.address.lower(), "away_timeout_s": 0.3}
        with pytest.raises(DeviceUnavailable, match="was not heard within"):
            await driver(kind, **quick).run(_nothing)
        await emulated.switch_on()
        async with listening(driver(kind, address=emulated.address.lower())) as heard:
            await heard.heard(WeightReading, weighs(LOAD_G))


async def _nothing(_: object) -> None:
    """Take no notice."""


@pytest.mark.evidence("emulator", *NATURES)
@pytest.mark.evidence("reconnect", *NATURES)
async def test_every_kind_is_heard_and_heard_again_after_it_was_away() -> None:
    async with air() as room, asyncio.TaskGroup() as together:
        for number, kind in enumerate(NATURES):
            together.create_task(heard_again(kind, room, number))


async def supervised(
    one: EmulatedBleScale,
    weights: dict[str, list[float]],
    ends: dict[str, int],
    news: asyncio.Event,
) -> None:
    """Run the driver again whenever it ends, as the edge does."""

    async def emit(readings: Any) -> None:
        weights[one.name] += [grams(said) for said in readings if isinstance(said, WeightReading)]
        news.set()

    while True:
        with suppress(DeviceUnavailable):
            await driver(one.kind, address=one.name, **PATIENT).run(emit)
        ends[one.name] += 1


async def test_sixteen_at_once_with_links_that_drop() -> None:
    """One scan and one connection in the making at a time, or the air says that it is busy."""
    kinds = [CONNECTED[number % 3] if number % 4 else "ble-bthome" for number in range(16)]
    async with air() as room, AsyncExitStack() as stack:
        scales = [
            await stack.enter_async_context(scale(kind, room, number))
            for number, kind in enumerate(kinds)
        ]
        weights: dict[str, list[float]] = {one.name: [0.0] for one in scales}
        ends, news = dict.fromkeys(weights, 0), asyncio.Event()
        tasks = [asyncio.create_task(supervised(one, weights, ends, news)) for one in scales]

        async def until_all_weigh(load_g: int) -> None:
            for number, one in enumerate(scales):
                one.set_load_g(load_g + number * 20)
            async with asyncio.timeout(PATIENCE_S):
                for number, one in enumerate(scales):
                    while abs(weights[one.name][-1] - load_g - number * 20) > STEP_G:
                        news.clear()
                        await news.wait()

        try:
            await until_all_weigh(500)
            links = [one for one in scales if one.kind in CONNECTED]
            assert ends == dict.fromkeys(weights, 0)
            assert room.connects == len(links)
            assert radio_of(None).scans == 1
            for one in links[::3]:
                await one.drop()
            await until_all_weigh(1500)
            assert [name for name, end in ends.items() if end] == [one.name for one in links[::3]]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert not room.scanning
        assert all(one.connections == 0 for one in scales)


async def test_a_link_that_drops_is_told() -> None:
    async with heard_scale("ble-decent") as (emulated, heard):
        await emulated.drop()
        with pytest.raises(DeviceUnavailable, match="The Bluetooth link to ble-decent-1 drop"):
            await heard.end()


# ---- what protocols need ---------------------------------------------------------------------
def hurried(monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    profiles = {
        profile: replace(manners, every_s=0.1) if again else Manners(manners.greeting)
        for profile, manners in AcaiaScale.profiles.items()
    }
    monkeypatch.setattr(AcaiaScale, "profiles", profiles)


async def test_acaia_hangs_up_without_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried(monkeypatch, again=False)
    async with air() as room, scale("ble-acaia", room) as emulated:
        emulated.patience_s = 0.3
        async with listening(driver("ble-acaia")) as heard:
            with pytest.raises(DeviceUnavailable, match="dropped"):
                await heard.end()


async def test_acaia_is_kept_by_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried(monkeypatch, again=True)
    beat = bytes.fromhex("efdd0002000200")
    async with air() as room, scale("ble-acaia", room) as emulated:
        async with listening(driver("ble-acaia")) as heard:
            await heard.until(lambda: emulated.heard.count(beat) >= 3)
            assert not heard.task.done()
        # Who is there, what its settings are, and only then: let the weights come.
        assert [one[2] for one in emulated.heard[:3]] == [11, 6, 12]


async def test_a_heartbeat_that_cannot_be_sent_ends_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurried(monkeypatch, again=True)

    async def refused(_: object, data: bytes) -> None:
        raise DeviceUnavailable("the scale takes nothing")

    async with heard_scale("ble-acaia") as (_, heard):
        monkeypatch.setattr(ble_link.BleLine, "write", refused)
        with pytest.raises(DeviceUnavailable, match="takes nothing"):
            await heard.end()


async def test_decent_is_told_twice_because_it_forgets() -> None:
    async with air() as room, scale("ble-decent", room) as emulated:
        emulated.forgets = 1
        async with listening(driver("ble-decent")) as heard:
            await heard.heard(WeightReading)
        assert emulated.heard[:2] == [bytes.fromhex("030a0101000108")] * 2


async def test_xiaomi_over_a_connection() -> None:
    async with air() as room, scale("ble-xiaomi", room) as emulated:
        emulated.set_load_g(LOAD_G)
        async with listening(driver("ble-xiaomi", connect=True)) as heard:
            await heard.heard(WeightReading, weighs(LOAD_G))
            assert emulated.connections == 1


# ---- what a person tells ---------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "times"), [("ble-acaia", 1), ("ble-decent", 2)])
async def test_a_person_may_tare(kind: str, times: int) -> None:
    config = registry.load(kind).Config(address=f"{kind}-1")
    assert commands(kind, config) == {"tare"}
    async with air() as room, scale(kind, room) as emulated:
        emulated.set_load_g(LOAD_G)
        async with listening(driver(kind)) as heard:
            await heard.heard(WeightReading, weighs(LOAD_G))
        before = len(emulated.heard)
        _, said = await tell(kind, config, "tare", seconds=1.0)
        tares = [one for one in emulated.heard[before:] if one.startswith(TARES[kind])]
        assert len(tares) == times
        assert any(isinstance(one, WeightReading) and weighs(0)(one) for one in said)


async def test_a_command_that_a_scale_has_not() -> None:
    config = registry.load("ble-bthome").Config(address="x")
    with pytest.raises(DeviceRefused, match="ble-bthome has no command to tare"):
        await tell("ble-bthome", config, "tare")


# ---- what goes wrong -------------------------------------------------------------------------
async def test_split_notifications_and_garbage() -> None:
    async with heard_scale("ble-acaia") as (emulated, heard):
        emulated.silent = True
        message = bytes.fromhex("efdd0c0805d20400000100db09")
        await emulated.send(b"\xff\x00garbage" + message[:5])
        await emulated.send(message[5:])
        await heard.heard(WeightReading, lambda one: grams(one) == 123.4)
        assert len(reported(heard)) == 1
        assert "garbage" in reported(heard)[0]
        assert "baud_rate" not in reported(heard)[0]


async def test_what_is_left_of_one_notification_joins_no_other() -> None:
    async with heard_scale("ble-weight-scale") as (emulated, heard):
        emulated.silent = True
        for data in (b"\xff\xff", b"\x00\x01", bytes.fromhex("00a509")):
            await emulated.send(data)
        await heard.heard(WeightReading, lambda one: grams(one) == 12345)
        assert len(reported(heard)) == 2


async def test_a_scale_that_says_nothing_yet_is_there_all_the_same() -> None:
    async with air() as room, scale("ble-weight-scale", room) as emulated:
        emulated.silent = True
        async with listening(driver("ble-weight-scale")) as heard:
            await heard.heard(DeviceEvent, lambda event: event.name == "connected")
            emulated.silent = False
            await heard.heard(WeightReading)
            assert len(heard.of(DeviceEvent)) == 1


async def test_silence_is_told() -> None:
    async with heard_scale("ble-decent", silence_timeout_s=0.5) as (emulated, heard):
        emulated.silent = True
        with pytest.raises(DeviceUnavailable, match="No weight came from ble-decent-1"):
            await heard.end()


async def test_more_than_is_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ble_link, "MOST_WAITING", 3)
    async with air() as room, scale("ble-decent", room):
        full = asyncio.Event()

        async def stuck(_: object) -> None:
            await full.wait()

        real = ble_link.BleLine.fail

        def fail(line: ble_link.BleLine, error: DeviceUnavailable) -> None:
            full.set()
            real(line, error)

        monkeypatch.setattr(ble_link.BleLine, "fail", fail)
        with pytest.raises(DeviceUnavailable, match="3 notifications wait"):
            async with asyncio.timeout(PATIENCE_S):
                await driver("ble-decent").run(stuck)


async def test_another_device_is_refused_with_what_it_offers() -> None:
    async with air() as room, scale("ble-decent", room):
        with pytest.raises(DeviceRefused, match=r"no Acaia scale: it offers .*fff0 \(36f5, fff4\)"):
            await driver("ble-acaia", address="ble-decent-1").run(_nothing)


async def test_who_is_away_is_told_with_who_is_there() -> None:
    async with air() as room, scale("ble-decent", room):
        with pytest.raises(DeviceUnavailable) as caught:
            await driver("ble-acaia", away_timeout_s=1).run(_nothing)
    assert str(caught.value) == "ble-acaia-1 was not heard within 1 s."
    assert caught.value.hint.endswith("Heard instead: ble-decent-1 (C0:00:00:00:01:01).")


async def test_a_scale_that_a_killed_agent_left_connected_is_taken_over() -> None:
    async with air() as room, scale("ble-decent", room) as emulated:
        room.held[emulated.address] = await room.central.connect(emulated.address)
        async with listening(driver("ble-decent", address=emulated.address)) as heard:
            await heard.heard(WeightReading)


async def test_a_scan_that_hears_nobody_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with air():
        radio = radio_of(None)
        async with radio.listening("one"):
            async with radio.listening("two"):
                assert radio.scans == 1
            monkeypatch.setattr(ble_radio, "STALE_S", 0.0)
            async with radio.listening("three"):
                assert radio.scans == 2


# ---- advertisements that cannot be understood ------------------------------------------------
@pytest.mark.parametrize(
    ("uuid", "data", "says"),
    [
        (BTHOME_UUID, b"\x41\x06\x5e\x1f", "it encrypts what it sends"),
        (0x181E, b"\x06\x5e\x1f", "it sends BTHome v1"),
    ],
)
async def test_bthome_that_cannot_be_understood_is_refused(
    uuid: int, data: bytes, says: str
) -> None:
    async with air() as room, scale("ble-bthome", room) as emulated:
        emulated.nature = replace(emulated.nature, advertises=lambda _, __: (uuid, data))
        with pytest.raises(DeviceRefused, match=says):
            async with asyncio.timeout(PATIENCE_S):
                await driver("ble-bthome").run(_nothing)


async def test_a_device_that_advertises_other_things_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ble_broadcast, "ENOUGH", 3)
    async with air() as room, scale("ble-xiaomi", room):
        with pytest.raises(DeviceUnavailable, match="advertises no BTHome data: it offers 181d"):
            async with asyncio.timeout(PATIENCE_S):
                await driver("ble-bthome", address="ble-xiaomi-1").run(_nothing)


# ---- Bluetooth that is not there -------------------------------------------------------------
POWERED_OFF = BleakBluetoothNotAvailableError(
    "No powered Bluetooth adapters found.", BleakBluetoothNotAvailableReason.POWERED_OFF
)
ABSENT = BleakBluetoothNotAvailableError(
    "No Bluetooth adapters found.", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
)
DENIED = BleakBluetoothNotAvailableError(
    "Not allowed", BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM
)


@pytest.mark.parametrize(
    ("error", "says", "hint"),
    [
        (POWERED_OFF, "The Bluetooth adapter is switched off", "power on"),
        (ABSENT, "This computer has no Bluetooth adapter", "Plug in"),
        (DENIED, "permission was denied", "group bluetooth"),
        (BleakDBusError("org.bluez.Error.NotReady", ["x"]), "hci1 is switched off", "power on"),
        (BleakDBusError("org.bluez.Error.InProgress", ["x"]), "hci1 cannot be used", "another"),
        (BleakError("adapter 'hci1' not found"), "no Bluetooth adapter hci1", "bluetoothctl list"),
        (FileNotFoundError(2, "No such file"), "D-Bus cannot be reached", "Install BlueZ"),
        (EOFError(), "D-Bus cannot be reached", "Install BlueZ"),
    ],
)
async def test_what_is_wrong_with_the_adapter(error: Exception, says: str, hint: str) -> None:
    async with air() as room:
        room.broken = error
        for kind in ("ble-acaia", "ble-bthome"):
            with pytest.raises(DeviceUnavailable, match=says) as caught:
                await driver(kind, adapter="hci1").run(_nothing)
            assert hint in caught.value.hint
        room.broken = None
        async with scale("ble-bthome", room), listening(driver("ble-bthome")) as heard:
            await heard.heard(WeightReading)


async def test_without_a_system_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real error of bleak on a computer without D-Bus."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    with pytest.raises(DeviceUnavailable, match="D-Bus cannot be reached") as caught:
        await driver("ble-acaia").run(_nothing)
    assert "Install BlueZ" in caught.value.hint


async def test_without_bleak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    with pytest.raises(DeviceRefused) as caught:
        await driver("ble-acaia").run(_nothing)
    assert 'pip install "tallyport[ble]"' in caught.value.hint


def test_an_edge_without_bluetooth_devices_imports_no_bleak() -> None:
    code = (
        "import sys; from drivers import registry\n"
        "for kind in ('ble-acaia', 'ble-bthome', 'mt-continuous'): registry.load(kind)\n"
        "assert not {'bleak', 'bumble', 'dbus_fast'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", NATURES)
def test_a_sample_shows_every_setting(kind: str) -> None:
    file = ROOT / "firmware_configs" / "ble" / f"{kind.removeprefix('ble-')}.toml"
    (short,), (full,) = tables(file), tables(file, optional=True)
    assert settings_of(short) == settings_of(full)
    # An adapter has no default that could be shown, and such a scale sends its unit.
    model = registry.load(kind).Config
    assert set(model.model_fields) - set(full) == {"adapter", "unit"}
    assert 'adapter = "hci1"' in file.read_text(encoding="utf-8")
