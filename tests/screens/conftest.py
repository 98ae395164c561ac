"""One central and one browser serve all pages of a module, so their threads outlive each test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_leftover_threads() -> None:
    """Not here: see the module. What a single test leaves is found by tests of its page."""
