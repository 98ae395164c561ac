"""A door through which goods go one way only: nobody is asked which."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from central.reconcile.portal.ways import directed
from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context
from tests.central.reconcile.portal.test_dwell import BOX, scanned
from tests.central.reconcile.test_documents import CASES, crossing, with_prior
from tests.fakes.portal_log import logged
from tests.fakes.portal_scenes import context


def one_way(way: str, places: dict[str, str]) -> Context:
    known = context(places)
    points = {
        code: msgspec.structs.replace(point, one_way=way)
        for code, point in known.read_points.items()
    }
    return msgspec.structs.replace(known, read_points=points)


@pytest.mark.parametrize("seed", range(3))
def test_a_box_held_where_goods_only_come_in_posts_without_a_question(seed: int) -> None:
    verdict = Reconciler().judge(logged(scanned(Random(seed), BOX)), one_way("in", {}))
    moved = {epc: (one.source, one.destination) for one in verdict.movements for epc in one.epcs}
    asked = {epc for one in verdict.reviews for m in one.proposals for epc in m.epcs}
    assert set(moved.values()) | {("supplier", "hall")} == {("supplier", "hall")}
    assert {*moved} | asked == {*BOX}
    assert "antenna sides unknown" not in {one.reason for one in verdict.reviews}


def test_what_lies_inside_cannot_come_in_once_more() -> None:
    log = logged(scanned(Random(5), BOX))
    verdict = Reconciler().judge(log, one_way("in", dict.fromkeys(BOX, "hall")))
    assert not verdict.movements
    assert not any(m.destination == "customer" for r in verdict.reviews for m in r.proposals)


def test_the_way_of_the_door_overrules_antennas_and_paper() -> None:
    (one,) = directed([crossing(CASES[0], 0.9, 0.1)], "in")
    assert (one.direction, one.expected, one.confidence) == ("in", "in", 0.9)
    (told,) = with_prior(one, way="out")
    assert (told.direction, told.expected) == ("in", "in")
    (both,) = directed([crossing(CASES[0], 0.9, 0.1)], "")
    assert both.direction == "out"
