"""The recorder, compiled once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.powercut import recording


@pytest.fixture(scope="session")
def recorder_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorder to preload; skips where it cannot be built."""
    if reason := recording.why_not():
        pytest.skip(reason)
    return recording.build(tmp_path_factory.mktemp("recorder"))
