"""docs/reliability.md names tests that exist, a row for each of the 33 faults, no empty promise."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_named_test_exists() -> None:
    assert len(NAMED) > 40
    missing = [f"{path}::{name}" for path, name in NAMED if name not in functions(path)]
    assert missing == []


def test_every_fault_has_a_row_and_a_row_without_a_test_says_so() -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 34))
    silent = [number for number, tests in rows if "`tests/" not in tests and tests != "none"]
    assert silent == []
