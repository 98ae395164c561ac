"""Every kind of device has a sample that loads."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.scales.protocols import PROTOCOLS

ROOT = Path(__file__).parents[2]
OF_THE_EDGE = {"name", "driver", "read_point", "identity", "fold"}
"""Keys of a device's table that every device has, and no driver sees."""
# A setting that is commented out with its default: `# baud_rate = 9600`.
OPTIONAL = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)


def tables(path: Path, *, optional: bool = False) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(OPTIONAL.sub("", text) if optional else text).get(
        "devices", []
    )
    return found


def samples(kind: str) -> list[Path]:
    files = sorted((ROOT / "firmware_configs").rglob("*.toml"))
    return [path for path in files if any(table.get("driver") == kind for table in tables(path))]


def settings_of(table: dict[str, Any]) -> Any:
    model = registry.load(table["driver"]).Config
    own = {k: v for k, v in table.items() if k not in OF_THE_EDGE or k in model.model_fields}
    return model.model_validate(own)


@pytest.mark.parametrize("kind", sorted(registry.DRIVERS))
def test_every_kind_has_a_sample_that_loads(kind: str) -> None:
    found = samples(kind)
    assert found, f"no file below firmware_configs has a [[devices]] table with driver = {kind!r}"
    for path in found:
        for table in tables(path):
            settings_of(table)


@pytest.mark.parametrize(
    "path", ["scales/mt-sics.toml", "scanners/serial.toml", "scanners/keyboard.toml"]
)
def test_what_is_commented_out_are_all_settings_with_their_defaults(path: str) -> None:
    file = ROOT / "firmware_configs" / path
    (short,), (full,) = tables(file), tables(file, optional=True)
    model = registry.load(full["driver"]).Config
    assert settings_of(short) == settings_of(full)
    assert set(model.model_fields) - {"ble", "host", "mqtt"} <= set(full)  # no default to show


@pytest.mark.parametrize("kind", sorted([*PROTOCOLS, "scale-pattern"]))
def test_a_scale_sample_shows_every_setting(kind: str) -> None:
    file = ROOT / "firmware_configs" / "scales" / f"{kind}.toml"
    (short,), (full,) = tables(file), tables(file, optional=True)
    model = registry.load(kind).Config
    assert settings_of(short) == settings_of(full)
    # These have no default that could be shown.
    assert set(model.model_fields) - set(full) == {"ble", "host", "mqtt", "unit"}
    text = file.read_text(encoding="utf-8")
    assert 'host = "' in text
    assert 'unit = "' in text
