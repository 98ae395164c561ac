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
        EntryPoint("abacus", "drivers.scanners.scanner:SerialScanner", registry.GROUP),
        EntryPoint("mt-sics", "nowhere:Impostor", registry.GROUP),
        EntryPoint("broken", "nowhere_at_all:Driver", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert "abacus" in registry.kinds()
    assert registry.load("abacus").Config is registry.load("scanner").Config
    assert registry.load("mt-sics").Config.__name__ == "MtSicsConfig"
    with pytest.raises(ImportError, match=r'"broken" of .* cannot be loaded: ModuleNotFoundError'):
        registry.load("broken")


def test_what_other_packages_offer_is_told_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [
        EntryPoint("abacus", "drivers.scanners.scanner:SerialScanner", registry.GROUP),
        EntryPoint("abacus", "drivers.scanners.keyboard:HidScanner", registry.GROUP),
        EntryPoint("mt-sics", "nowhere:Impostor", registry.GROUP),
        EntryPoint("broken", "drivers.scanners.scanner:NoSuchClass", registry.GROUP),
        EntryPoint("hollow", "drivers.scanners.scanner:GROUP_SEPARATOR", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    told = [(one.kind, one.problem) for one in registry.plugins()]
    assert [kind for kind, _ in told] == ["abacus", "abacus", "broken", "hollow", "mt-sics"]
    problems = [problem for _, problem in told]
    assert sorted(bool(problem) for problem in problems[:2]) == [False, True]
    assert "has this name already" in "".join(problems[:2])
    assert "NoSuchClass" in problems[2]
    assert "has no Config (a pydantic model), decoder, __call__" in problems[3]
    assert "cannot be taken over" in problems[4]


def test_scales_do_not_import_the_rfid_library() -> None:
    code = (
        "import sys; from drivers import registry; registry.load('mt-sics'); "
        "sys.exit('sllurp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
