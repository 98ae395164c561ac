"""What is published works where it is installed, not only in a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(300)]

EPC = "3074257BF7194E4000001A85"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(out),
            str(ROOT),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("tallyport-*.whl")
    return built


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
        "central/web/static",
        "central/migrations",
        "firmware_configs",
    ):
        wanted = shipped(folder)
        assert wanted, f"{folder} is empty"
        assert not wanted - names, f"the wheel lacks {sorted(wanted - names)}"
    assert {"tallyport/cli.py", "edge/cli.py", "central/cli.py"} <= names
    assert not [name for name in names if name.startswith(("tests/", "deploy/", ".venv"))]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; our dependencies by reference, so without a network."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps",
         "--no-index", "--quiet", "--disable-pip-version-check", str(wheel)],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    # Only as a path: a .pth inside that folder (the editable checkout's) is not read from here.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home


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
