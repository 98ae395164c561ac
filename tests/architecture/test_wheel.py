"""What is published works where it is installed, not only in a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel"), pytest.mark.timeout(300)]

EPC = "3074257BF7194E4000001A85"


def shipped(folder: str) -> set[str]:
    """The files of a folder of the checkout that are not Python or caches."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_has_all_that_the_programs_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in (
        "central/web/templates",
        "screens/templates",
        "screens/static",
        "central/migrations",
        "firmware_configs",
    ):
        wanted = shipped(folder)
        assert wanted, f"{folder} is empty"
        assert not wanted - names, f"the wheel lacks {sorted(wanted - names)}"
    assert {"tallyport/cli.py", "edge/cli.py", "central/cli.py"} <= names
    assert not [name for name in names if name.startswith(("tests/", "deploy/", ".venv"))]


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    surroundings = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [str(home / "bin" / "tallyport"), *arguments],
        cwd="/",
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_runs_from_anywhere_without_the_checkout(installed: Path) -> None:
    where = subprocess.run(
        [str(installed / "bin" / "python"), "-c", "import gateway; print(gateway.__file__)"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed)), "the checkout was found instead of the wheel"

    shown = run(installed, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "demo" in shown.stdout

    parsed = run(installed, "gs1", "parse", EPC)
    assert parsed.returncode == 0, parsed.stderr
    assert json.loads(parsed.stdout)["uri"] == "urn:epc:id:sgtin:0614141.812345.6789"

    refused = run(installed, "gs1", "parse", "5901234123458")
    assert refused.returncode == 1
    assert "should be 7" in refused.stderr
    assert refused.stdout == ""
