"""A kind of device is at least bronze, and docs/devices.md says what there is to show for it."""

from __future__ import annotations

import difflib
from importlib import import_module

import pytest

from benchmarks.devices.evidence import records
from benchmarks.devices.grades import Grade, Record, grade, missing
from benchmarks.devices.page import rewritten
from benchmarks.devices.rates import machine
from drivers.catalogue import ABOUT
from drivers.registry import DRIVERS
from tests.architecture.source import ROOT


@pytest.fixture(scope="module")
def shown() -> list[Record]:
    return records()


@pytest.mark.xdist_group("devices-page")
def test_every_kind_is_at_least_bronze(shown: list[Record]) -> None:
    lacking = {
        record.kind: missing(record.shown) for record in shown if grade(record.shown) < Grade.BRONZE
    }
    assert lacking == {}, "see the marks in benchmarks/devices/collecting.py"


@pytest.mark.xdist_group("devices-page")
def test_the_page_is_what_the_command_writes(shown: list[Record]) -> None:
    page = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    wanted = rewritten(page, shown, machine())
    differs = "\n".join(difflib.unified_diff(page.splitlines(), wanted.splitlines(), lineterm=""))
    assert page == wanted, f"Run: python -m benchmarks.devices\n{differs}"


@pytest.mark.parametrize("kind", DRIVERS)
def test_the_emulator_of_a_kind_is_there(kind: str) -> None:
    assert kind in ABOUT, f"add {kind} to ABOUT in drivers/catalogue.py"
    module, _, name = ABOUT[kind].emulator.partition(":")
    assert callable(getattr(import_module(module), name))
