"""A shop's day through one edge keeps everything within its bounds."""

from __future__ import annotations

import pytest

from benchmarks import soak

pytestmark = [pytest.mark.line, pytest.mark.xdist_group("line"), pytest.mark.timeout(400)]


def test_a_stretch_of_a_shops_day_stays_bounded() -> None:
    """A quarter of an hour of it; the figures of the whole are ``tallyport bench soak``."""
    result = soak.run(hours_equivalent=0.2, trouble_every_s=2.0)
    told = {name: figure["value"] for name, figure in result["figures"].items()}
    assert result["violations"] == []
    assert told["observations"] >= 12_000
    assert told["links_broken"] >= 3
    assert 0 < told["edge_max"] <= soak.LIMIT_MIB
    assert told["edge_log"] < 256
    assert told["central_log"] < 256


def test_growth_is_told_from_after_the_warm_up() -> None:
    samples = soak.Samples(share=[n / 240 for n in range(240)])
    warming = [100.0 + min(n / 2, 40) for n in range(240)]
    assert samples.warm_and_late(warming) == (140.0, 140.0)
    leaking = [100.0 + n / 24 for n in range(240)]
    warm, late = samples.warm_and_late(leaking)
    assert late / warm - 1 > soak.LIMIT_GROWTH
