"""The product's own source files, read once, for the tests of its shape."""

from __future__ import annotations

import ast
import io
import tokenize
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("drivers", "gateway", "edge", "central", "tallyport", "benchmarks")
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.ENCODING,
}


@cache
def product_files() -> tuple[Path, ...]:
    """Every Python file that is shipped."""
    return tuple(
        sorted(
            path
            for package in PACKAGES
            for path in (ROOT / package).rglob("*.py")
            if "__pycache__" not in path.parts
        )
    )


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def code_lines(path: Path) -> frozenset[int]:
    """Line numbers that hold code: not blank, not comment, not docstring."""
    lines: set[int] = set()
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            lines -= set(range(node.lineno, (node.end_lineno or 0) + 1))
    return frozenset(lines)


def name(path: Path) -> str:
    """The path from the root, for messages."""
    return path.relative_to(ROOT).as_posix()
