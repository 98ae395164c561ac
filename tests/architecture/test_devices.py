"""A kind of device counts as supported when it has all six of its pieces."""

from __future__ import annotations

import importlib.util
import re
import tomllib

import pytest

from drivers.registry import DRIVERS
from tests.architecture.source import ROOT

ROW = re.compile(r"^\| `(?P<kind>[\w-]+)` \|(?P<cells>.*)\|$", re.MULTILINE)


def rows() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    return {row["kind"]: re.findall(r"`([^`]+)`", row["cells"]) for row in ROW.finditer(text)}


@pytest.mark.parametrize("kind", sorted(DRIVERS))
def test_a_kind_has_row_sample_emulator_and_tests(kind: str) -> None:
    cells = rows().get(kind)
    assert cells is not None, f"docs/devices.md has no row for {kind}"

    samples = [cell for cell in cells if cell.startswith("firmware_configs/")]
    assert samples, f"the row of {kind} names no sample in firmware_configs/"
    for sample in samples:
        assert (ROOT / sample).exists(), f"{sample} of {kind} does not exist"
    files = [
        file
        for sample in samples
        for file in (
            [ROOT / sample] if sample.endswith(".toml") else (ROOT / sample).glob("*.toml")
        )
    ]
    assert files, f"no sample file for {kind}"
    for file in files:
        tomllib.loads(file.read_text(encoding="utf-8"))

    emulators = [cell for cell in cells if cell.startswith("drivers.emulators.")]
    assert emulators, f"the row of {kind} names no emulator"
    for emulator in emulators:
        assert importlib.util.find_spec(emulator) is not None, f"{emulator} does not exist"

    module = DRIVERS[kind].partition(":")[0].rpartition(".")[2]
    tests = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests" / "drivers").glob(f"test_{module}*.py")
    ]
    assert tests, f"no tests/drivers/test_{module}.py"
    assert any('b"' in text or "fromhex" in text for text in tests), f"no bytes test for {kind}"
    splits = [text for text in tests if "@given" in text]
    assert splits, f"no property test that any split of {kind}'s bytes reads the same"


def test_no_row_without_a_driver() -> None:
    assert {*rows()} <= {*DRIVERS}
