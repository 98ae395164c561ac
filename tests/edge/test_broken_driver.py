"""A driver that cannot be loaded: told by the check, and by the agent beside the others' work."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from drivers import registry
from drivers.errors import DeviceRefused
from edge.config import ConfigError, load
from edge.describing import describe
from edge.device_brokers import build_driver

FILE = """
[edge]
name = "dock-pi"
site = "test"

[[devices]]
name = "beads"
driver = "abacus"
read_point = "desk"
beads = 10

[[devices]]
name = "plate-1"
driver = "sma"
read_point = "shelf-1"
port = "/dev/serial/by-id/usb-scale"
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    broken = EntryPoint("abacus", "nowhere_at_all:Driver", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [broken])
    path = tmp_path / "edge.toml"
    path.write_text(FILE)
    return path


def test_the_check_tells_it(settings: Path) -> None:
    with pytest.raises(ConfigError, match=r"devices\[0\].driver.*nowhere_at_all"):
        load(settings)


def test_the_agent_spares_it_and_hears_the_others(settings: Path) -> None:
    beads, plate = load(settings, spare=True).devices
    assert (beads.name, beads.options) == ("beads", None)
    assert describe(beads, 0).driver == "abacus"
    with pytest.raises(DeviceRefused, match=r'The driver "abacus" of .* cannot be loaded') as told:
        build_driver(beads)
    assert "The other devices" in told.value.hint
    assert not told.value.retry
    assert build_driver(plate).counters()["frames"] == 0


def test_its_other_mistakes_are_still_told(settings: Path) -> None:
    settings.write_text(
        FILE.replace('name = "beads"', 'name = "Beads!"').replace('"sma"', '"smaa"')
    )
    with pytest.raises(ConfigError) as told:
        load(settings, spare=True)
    assert {mistake.key for mistake in told.value.mistakes} == {
        "devices[0].name",
        "devices[1].driver",
    }
