"""What the README points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
)
_PATH = re.compile(
    r"`((?:firmware_configs|docs|drivers|edge|central|gateway|tests|benchmarks)/[^`\s<*]*)`"
)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", PAGES)
def test_paths_and_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    named = {*_PATH.findall(text)}
    linked = {str((ROOT / page).parent.relative_to(ROOT) / link) for link in _LINK.findall(text)}
    missing = sorted(
        path for path in named | linked if not (ROOT / path.partition("::")[0]).exists()
    )
    assert not missing


def test_every_page_is_found_from_the_index() -> None:
    linked = set(_LINK.findall((ROOT / "docs" / "README.md").read_text()))
    docs = ROOT / "docs"
    assert linked == {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"README.md"}
