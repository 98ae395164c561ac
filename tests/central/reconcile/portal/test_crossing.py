"""Which group a tag is asked about."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from central.reconcile.portal import crossing

SURE, HARDLY = (0.95, 2.0), (0.2, 0.0)


def at(s: float) -> Any:
    us = round(s * 1e6)
    return SimpleNamespace(centre_us=us, when=SimpleNamespace(centre_us=us))


@pytest.mark.parametrize(
    ("went", "asked"),
    [
        ([HARDLY, SURE], 1),  # a few of a pallet, heard badly
        ([HARDLY, (0.8, 2.0)], 0),  # beside one that is not sure
        ([(0.6, 1.0), SURE], 0),  # it went by itself
        ([HARDLY, SURE, SURE], 2),  # the nearest
    ],
)
def test_a_tag_whose_group_hardly_went_is_asked_of_a_sure_one_close_by(
    went: list[tuple[float, float]], asked: int
) -> None:
    found = [at(10.0), at(13.0), at(8.0)][: len(went)]
    assert crossing._group_of(at(10.0), 0, found, went) == asked


def test_a_sure_group_far_off_is_not_its_own() -> None:
    assert crossing._group_of(at(10.0), 0, [at(10.0), at(14.5)], [HARDLY, SURE]) == 0
    assert crossing._group_of(at(10.0), None, [], []) is None
