from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from drivers import registry


def test_an_unknown_kind_names_the_known_and_the_nearest() -> None:
    with pytest.raises(registry.UnknownDriver, match=r'Known: .*mt-sics.*Did you mean "mt-sics"'):
        registry.load("MTSICS")


def test_drivers_of_other_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("abacus", "drivers.scanner:SerialScanner", registry.GROUP),
        EntryPoint("mt-sics", "nowhere:Impostor", registry.GROUP),
        EntryPoint("broken", "nowhere_at_all:Driver", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert "abacus" in registry.kinds()
    assert registry.load("abacus").Config is registry.load("scanner").Config
    assert registry.load("mt-sics").Config.__name__ == "MtSicsConfig"
    with pytest.raises(ImportError, match='"broken" cannot be loaded'):
        registry.load("broken")


def test_scales_do_not_import_the_rfid_library() -> None:
    code = (
        "import sys; from drivers import registry; registry.load('mt-sics'); "
        "sys.exit('sllurp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
