"""The profiles per site type, each loaded as the edge does and run against emulated readers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from drivers.emulators.llrp_encode import ReaderFacts, RfMode
from drivers.emulators.llrp_reader import EmulatedReader
from drivers.emulators.llrp_rospec import Rospec
from drivers.errors import DeviceRefused
from drivers.llrp.filters import TagFilter
from drivers.llrp.reader import Antenna, GpiTrigger, LlrpConfig, LlrpReader
from drivers.readings import DeviceEvent
from edge.config import load
from tests.drivers.listening import listening

FOLDER = Path(__file__).parents[2] / "firmware_configs" / "llrp"
PROFILES = ("conveyor.toml", "dock-portal.toml", "doorway.toml", "shelf.toml", "zone.toml")
EDGE = '[edge]\nname = "box"\nsite = "here"\n'
ZEBRA_PEN = 161
READERS = {
    "impinj-us": ReaderFacts(antennas=4),
    "impinj-eu": ReaderFacts(antennas=4, fixed_khz=(865_700, 866_300, 866_900, 867_500)),
    "another-make": ReaderFacts(
        antennas=4,
        vendor_pen=ZEBRA_PEN,
        rf_modes=(RfMode(1, 0, 160_000), RfMode(21, 2, 64_000, 3, tari_step_ns=6250)),
        max_filters=32,
        power_max_dbm=31.5,
        power_step_db=0.1,
    ),
}


def device(profile: str, tmp_path: Path, port: int) -> LlrpConfig:
    """The profile's only device as the edge loads it, at the emulator's address."""
    text = (FOLDER / profile).read_text(encoding="utf-8")
    text = re.sub(r'^host = "192\.0\.2\.\d+"$', f'host = "127.0.0.1"\nport = {port}', text,
                  flags=re.MULTILINE)  # fmt: skip
    file = tmp_path / "edge.toml"
    file.write_text(EDGE + text, encoding="utf-8")
    (found,) = load(file).devices
    assert isinstance(found.options, LlrpConfig)
    return found.options


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("profile", PROFILES)
async def test_every_reader_runs_every_profile_as_it_is(
    profile: str, reader: str, tmp_path: Path
) -> None:
    emulator = EmulatedReader(facts=READERS[reader])
    config = device(profile, tmp_path, await emulator.start())
    async with listening(LlrpReader(config)) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
        (spec,) = emulator.model.rospecs.values()
        assert set(spec.power_index) == {antenna.antenna for antenna in config.antennas}
        assert set(spec.session.values()) == {config.session}
        assert not [event for event in listener.of(DeviceEvent) if event.name == "info"]
    await emulator.stop()


async def spec_of(profile: str, tmp_path: Path) -> Rospec:
    emulator = EmulatedReader(facts=READERS["impinj-us"])
    config = device(profile, tmp_path, await emulator.start())
    async with listening(LlrpReader(config)) as listener:
        await listener.heard(DeviceEvent, lambda event: event.name == "connected")
        (spec,) = emulator.model.rospecs.values()
    await emulator.stop()
    return spec


async def test_profiles_differ_in_what_makes_the_sites_differ(tmp_path: Path) -> None:
    dock, door, shelf, line = [
        await spec_of(f"{name}.toml", tmp_path)
        for name in ("dock-portal", "doorway", "shelf", "conveyor")
    ]
    assert [set(spec.rf_mode.values()) for spec in (dock, door, shelf, line)] == [
        {2},
        {0},
        {3},
        {0},
    ]
    assert dock.power_index[1] > door.power_index[1] > shelf.power_index[1]
    assert door.sensitivity_dbm == {1: -70.0, 2: -70.0}
    assert [len(filters) for filters in shelf.filters.values()] == [1, 1]
    assert line.gpi_start is not None
    assert line.gpi_stop is not None
    assert (line.gpi_start.port, line.gpi_stop.port) == (1, 2)
    assert dock.gpi_start is None


async def test_a_profile_for_another_reader_says_what_this_one_accepts(tmp_path: Path) -> None:
    emulator = EmulatedReader(facts=ReaderFacts(antennas=2, power_max_dbm=20.0, gpis=1))
    config = device("dock-portal.toml", tmp_path, await emulator.start())
    async with listening(LlrpReader(config)) as listener:
        with pytest.raises(DeviceRefused, match="5 settings do not suit this reader"):
            await listener.end()
    await emulator.stop()


@pytest.mark.parametrize("model", [LlrpConfig, Antenna, GpiTrigger, TagFilter])
def test_the_dock_portal_explains_every_setting(model: type[BaseModel]) -> None:
    text = (FOLDER / "dock-portal.toml").read_text(encoding="utf-8")
    assert not [key for key in model.model_fields if not re.search(rf"\b{key}\b", text)]
