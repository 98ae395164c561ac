"""What there is to show for each kind of device: samples, captures, tests, measured rates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path

from benchmarks.devices.collecting import RESULT
from benchmarks.devices.grades import Record
from benchmarks.devices.rates import known_rates
from drivers import registry
from drivers.catalogue import ABOUT, Verified
from tallyport.not_here import NotHere

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT / "tests" / "captures"
_TESTS = ("tests/drivers", "tests/fuzz", "tests/real", "tests/nemesis/test_reader_links.py")


class Undeclared(LookupError):
    """A kind, or what is said of it, is not whole; the text says what to write and where."""


def records() -> list[Record]:
    """One record for each kind of the registry, sorted.

    Raises ``Undeclared``, or ``NotHere`` outside of a checkout.
    """
    if not CAPTURES.is_dir():
        raise NotHere("the tests are not here: run it in a checkout")
    check_catalogue()
    tests = collected()
    rates = known_rates()
    return [
        Record(
            kind=kind,
            samples=samples(kind),
            evidence=tests.get(kind, {}),
            rate=rates.get(kind),
            hardware=[_hardware(kind, one) for one in ABOUT[kind].verified],
        )
        for kind in sorted(registry.DRIVERS)
    ]


def check_catalogue() -> None:
    """Every kind says what it is, and nothing else does. Raises ``Undeclared``."""
    for kind in sorted(set(registry.DRIVERS) - set(ABOUT)):
        raise Undeclared(
            f'The kind "{kind}" stands in drivers/registry.py but not in drivers/catalogue.py: '
            f"add it to ABOUT there, with families, protocol and emulator."
        )
    for kind in sorted(set(ABOUT) - set(registry.DRIVERS)):
        raise Undeclared(
            f'drivers/catalogue.py tells of a kind "{kind}" that drivers/registry.py does not '
            f"have: remove it, or add the driver."
        )


def samples(kind: str) -> list[str]:
    """The files below firmware_configs with a ``[[devices]]`` table of this kind."""
    return [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "firmware_configs").rglob("*.toml"))
        if path.parent.name != "firmware_configs"
        if any(
            isinstance(table, dict) and table.get("driver") == kind
            for table in tomllib.loads(path.read_text(encoding="utf-8")).get("devices", [])
        )
    ]


def collected() -> dict[str, dict[str, list[str]]]:
    """Kind to claim to the ids of the tests that prove it, by collecting the tests.

    Raises ``Undeclared`` with pytest's own words when they cannot be collected.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "evidence.json"
        surroundings = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "--collect-only", "-qq",
                "-p", "benchmarks.devices.collecting", "-p", "no:cacheprovider", *_TESTS,
            ],
            cwd=ROOT, env=surroundings | {RESULT: str(result)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Undeclared(f"The tests cannot be collected:\n{done.stdout}{done.stderr}")
        found = json.loads(result.read_text(encoding="utf-8"))
    tests: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, claim, test in found:
        tests[kind][claim].append(test)
    return tests


def _hardware(kind: str, verified: Verified) -> str:
    recording = CAPTURES / kind / verified.recording
    if not recording.is_file() or recording.name.startswith("tallyport-emulator"):
        raise Undeclared(
            f'drivers/catalogue.py says that "{kind}" was verified on {verified.hardware}, but '
            f"tests/captures/{kind}/{verified.recording} is no recording of it."
        )
    return f"{verified.hardware}, firmware {verified.firmware} (`{verified.recording}`)"
