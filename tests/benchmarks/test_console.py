"""The benchmark of the technician's page runs, and what it says of memory holds."""

from __future__ import annotations

import pytest

from benchmarks import console


@pytest.mark.line
def test_what_a_device_says_arrives_and_the_edge_stays_small() -> None:
    figures = console.run(scans=3, rate=100, streams=2)["figures"]
    for place in ("edge_page", "central_page"):
        assert 0 < figures[f"{place}_p50"]["value"] <= figures[f"{place}_most"]["value"]
    assert figures["edge_resident_in_use"]["value"] < 160
