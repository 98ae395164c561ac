"""What fails beside other tests is run once more by itself (``make test``): whatever failed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_FAILING = """
import pytest


@pytest.mark.xdist_group("servers")
@pytest.mark.parametrize("kind", ["a@b", "plain"])
def test_kinds(kind: str) -> None:
    raise AssertionError(kind)


@pytest.mark.xdist_group("servers")
def test_group() -> None:
    raise AssertionError


@pytest.mark.parametrize("address", ["x@y"])
def test_address(address: str) -> None:
    raise AssertionError(address)


def test_right() -> None:
    pass
"""


def test_those_of_a_group_are_run_again_too(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import *  # noqa: F403\n")
    (tmp_path / "test_failing.py").write_text(_FAILING)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")

    def told(*options: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", *options, str(tmp_path)]
        cwd = Path(__file__).parents[2]
        done = subprocess.run(
            [*command, "-c", str(tmp_path / "pytest.ini"), f"--rootdir={tmp_path}"],
            cwd=cwd, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.stdout

    assert "4 failed, 1 passed" in told("-n", "2", "--dist", "loadgroup")
    assert "4 failed in" in told("-n", "0", "--last-failed", "--last-failed-no-failures", "none")
