"""What the README points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/accuracy.md", "docs/devices.md", "docs/places.md",
    "docs/presence.md", "docs/events.md", "docs/epcis.md",
    "docs/presence.md", "docs/receiving.md",
    "docs/presence.md", "docs/events.md",
    "docs/presence.md", "docs/counting.md", "docs/receiving.md",
)  # fmt: skip
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
