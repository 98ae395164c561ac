"""The shape that DESIGN asks for, where a tool of others does not check it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import topics
from tests.architecture.source import ROOT, code_lines, name, product_files, tree

MOST_MODULE_LINES = 300
MOST_FUNCTION_LINES = 60
LONG_MODULES: dict[str, str] = {}
"""Modules that may be longer, each with its reason."""

BANNED_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
BANNED_VERBS = {"handle", "process", "manage"}
BANNED_WORDS = {"sensor", "article", "zone"}
BANNED_CLASS_ENDINGS = ("Manager", "Helper", "Helpers", "Utils", "Processor")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|tmp/[\w.]*\d)/")


def test_modules_and_functions_are_short() -> None:
    long = []
    for path in product_files():
        lines = code_lines(path)
        if len(lines) > MOST_MODULE_LINES and name(path) not in LONG_MODULES:
            long.append(f"{name(path)}: {len(lines)} lines of code")
        long += [
            f"{name(path)}:{node.lineno} {node.name}: {size} lines of code"
            for node in _functions(path)
            if (size := len(lines & set(range(node.lineno, (node.end_lineno or 0) + 1))))
            > MOST_FUNCTION_LINES
        ]
    assert not long, "a long one is two ideas:\n" + "\n".join(long)
    assert all((ROOT / path).exists() for path in LONG_MODULES), "an exception outlived its file"


def test_names_say_what_things_are() -> None:
    wrong = [name(path) for path in product_files() if path.stem in BANNED_MODULES]
    for path in product_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and node.name.endswith(BANNED_CLASS_ENDINGS):
                wrong.append(f"{name(path)}:{node.lineno} class {node.name}")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # Only public names: a private _process may well be one of the system's.
                words = node.name.split("_")
                if words[0] in BANNED_VERBS or BANNED_WORDS & {*words}:
                    wrong.append(f"{name(path)}:{node.lineno} {node.name}")
    assert not wrong, "words that say nothing, or that DESIGN has better ones for:\n" + "\n".join(
        wrong
    )


def test_nothing_sleeps_and_nothing_is_left_to_do() -> None:
    wrong = []
    for path in product_files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep":
                wrong.append(f"{name(path)}:{node.lineno} time.sleep: wait for the condition")
            if isinstance(node, ast.ImportFrom) and "time.sleep" in _imported_names(node):
                wrong.append(f"{name(path)}:{node.lineno} imports time.sleep")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if re.search(r"\b(?:TODO|FIXME|XXX)\b", line):
                wrong.append(f"{name(path)}:{number} {line.strip()}")
    assert not wrong, "\n".join(wrong)


def test_no_file_names_a_path_of_a_machine() -> None:
    wrong = [
        f"{name(path)}:{number} {line.strip()}"
        for path in (*product_files(), *sorted((ROOT / "tests").rglob("*.py")))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_sllurp_stays_in_one_module() -> None:
    # It is GPL-3.0-only: whoever ships an edge must be able to see where it comes in.
    users = {
        name(path)
        for path in product_files()
        for node in ast.walk(tree(path))
        if any(module.split(".")[0] == "sllurp" for module in _imported(node))
    }
    benchmarks = {user for user in users if user.startswith("benchmarks/")}
    assert users - benchmarks == {"drivers/llrp/reader.py"}


def test_every_topic_stands_in_the_table() -> None:
    table = topics.__doc__ or ""
    makers = [
        value
        for key, value in vars(topics).items()
        if callable(value)
        and getattr(value, "__module__", "") == topics.__name__
        and not key.startswith("_")
        and key not in ("Address", "Command", "parse", "parse_command")
    ]
    assert makers
    for make in makers:
        places = make.__code__.co_varnames[: make.__code__.co_argcount]
        topic = make(*(f"{{{place}}}" for place in places))
        assert f"| {topic}" in table, f"{make.__name__} makes {topic}, which the table lacks"
    patterns = {
        re.sub(r"\{\w+\}", "+", topic)
        for topic in re.findall(r"^\| (tp/\S+?)\s*\|", table, re.MULTILINE)
    }
    filters = {value for key, value in vars(topics).items() if key.startswith("ALL_")}
    assert filters <= patterns


@pytest.mark.parametrize(
    "folder", ["drivers", "gateway", "edge", "central", "tallyport", "benchmarks", "tests"]
)
def test_every_folder_with_code_is_a_package(folder: str) -> None:
    # A folder without __init__.py is a namespace: mypy skips it and the wheel may.
    lacking = {
        name(path.parent)
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert not lacking


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        return [node.module]
    return []


def _imported_names(node: ast.ImportFrom) -> set[str]:
    return {f"{node.module}.{alias.name}" for alias in node.names}
