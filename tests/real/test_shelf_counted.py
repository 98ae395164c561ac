"""A bottle lifted off a real shelf: one piece, of one plate, whatever lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.datasets.aifi import BOTTLE_PLATE, read
from tallyport.evaluate.shelf import grade

DATA = Path(__file__).parents[2].parent / "shared" / "data"
DIGITISED = DATA / "scales" / "aifi_cps_test_01" / "gondola1_shelf5_digitised.csv"


@pytest.mark.skipif(not DIGITISED.is_file(), reason=f"no recordings in {DATA}")
@pytest.mark.parametrize("light_g", [8.0, 10.0, 30.0, 110.0, 592.0])
def test_a_bottle_is_one_piece_on_one_plate(light_g: float) -> None:
    """Its neighbours sank by 4 to 9 g with it, and plate 2, eight plates away, by 5 g, which no
    scale could tell from a piece of 5 g: pieces from 8 g on are not counted, nor asked about.
    """
    (bottle,) = grade(read(DIGITISED, light_g))
    assert (bottle.plate, bottle.seen.posted, bottle.seen.want) == (BOTTLE_PLATE, -1, -1)
    assert bottle.seen.latency_s is not None
    assert bottle.seen.latency_s < 2.0


@pytest.mark.skipif(not DIGITISED.is_file(), reason=f"no recordings in {DATA}")
def test_neighbours_that_sank_with_the_bottle_are_not_a_piece_of_5_g_short() -> None:
    """Plates 9, 11 and 12 sank by 6 to 9 g, more than a piece. Plate 2, eight plates away, sank by
    5 g when nobody was at it: that is asked about, and moves nothing.
    """
    found = {one.plate: one.seen for one in grade(read(DIGITISED, 5.0))}
    assert set(found) == {BOTTLE_PLATE, 2}
    assert found[BOTTLE_PLATE].posted == -1
    assert found[2].posted == 0
    assert found[2].asked
