"""The tools that judge the whole tree: import contracts, types, lint, format."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "command",
    [
        ("lint-imports",),
        ("mypy",),
        ("ruff", "check", "--output-format=concise", "."),
        ("ruff", "format", "--check", "."),
    ],
    ids=["imports", "types", "lint", "format"],
)
def test_the_tree_is_clean(command: tuple[str, ...]) -> None:
    done = run(*command)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}{done.stderr[-2000:]}"


def test_no_installed_distribution_claims_a_name_of_ours() -> None:
    ours = ("drivers", "gateway", "edge", "central", "tallyport", "firmware_configs", "benchmarks")
    claimed = packages_distributions()
    clashes = {
        package: owners
        for package in (*ours, "tests", "deploy")
        if (owners := set(claimed.get(package, ())) - {"tallyport"})
    }
    assert not clashes, f"a dependency installs a folder with one of our names: {clashes}"
    assert not {*ours} & sys.stdlib_module_names
