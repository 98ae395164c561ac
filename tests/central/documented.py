"""The requests that a page of the documentation shows, so that a test can send them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from tests.central.harness import Bench

_DOCS = Path(__file__).parents[2] / "docs"
_INDENTED = re.compile(
    r"^    (GET|POST|PUT|PATCH|DELETE) (/\S+)((?:.*\n)(?: {20,}.*\n)*)", re.MULTILINE
)
_BLOCK = re.compile(
    r"^```\n([A-Z]+) (\S+)\n((?:[A-Z][A-Za-z-]+: [^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL
)


class Shown(NamedTuple):
    """One request, and what it was answered."""

    method: str
    path: str
    status: int
    answer: object


def requests(page: str) -> list[tuple[str, str, dict[str, str], object]]:
    """A page's requests in their order: method, path, headers and body (``None`` without one)."""
    return [
        (method, path, _headers(lines), json.loads(body) if body.strip() else None)
        for method, path, lines, body in _BLOCK.findall((_DOCS / page).read_text())
    ]


def _headers(lines: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lines.splitlines())


async def send_all(made: Bench, page: str) -> list[Shown]:
    """Send a page's requests in their order; each must be taken."""
    sent = []
    for method, path, headers, content in requests(page):
        answer = await made.http.request(method, path, headers=headers, json=content)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        sent.append(Shown(method, path, answer.status_code, answer.json()))
    return sent


def indented(page: str) -> list[tuple[str, str, object]]:
    """A page's requests that stand indented: method, path and body (``None`` without one)."""
    return [
        (method, path, json.loads(body) if body.strip() else None)
        for method, path, body in _INDENTED.findall((_DOCS / page).read_text())
    ]
