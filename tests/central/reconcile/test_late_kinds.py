"""Shelves and zones that two edges hear, and desks: however it comes, the same comes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.reconcile.ordering import LATENESS_US, told_us
from central.reconcile.verdict import Context, PlatePlan, ReadPoint
from central.stock.model import Movement
from gateway.contract import (
    CodeScanned,
    DeviceHealth,
    Observation,
    TagSighting,
    WeightDisturbed,
    WeightSettled,
)
from tests.central.reconcile.test_mind import Ledger, judge
from tests.fakes.portal_log import moment
from tests.fakes.portal_scenes import GTINS, PACKS, epcs_of
from tests.fakes.two_edges import Told, log_of

CASE = epcs_of(1, 1)[0]
POINTS = {
    "shelf": ReadPoint(code="shelf", kind="shelf", location="shop", inbound_from="hall"),
    "zone": ReadPoint(code="zone", kind="zone", location="shop", moves_stock=True),
    "desk": ReadPoint(code="desk", kind="scan", location="hall"),
}
PLATES = {
    ("shelf", n): PlatePlan(read_point="shelf", plate=n, sku=f"SKU-{n}", unit_mg=unit_mg)
    for n, unit_mg in ((1, 200_000), (2, 10_000))
}
LEAKED_MG = 19_000
"""What plate 2 feels of the eight pieces that are put on plate 1: nearly two of its own."""
KNOWN = Context(read_points=POINTS, plates=PLATES, packs=PACKS)


def plate(
    edge: str, number: int, levels: Sequence[tuple[float, int]]
) -> list[tuple[str, Observation]]:
    """A plate of an edge's, with so many milligrams from a time on."""
    who = {"device": f"scale-{edge}", "read_point": "shelf"}
    told: list[tuple[str, Observation]] = []
    for t, level_mg in levels:
        gross = {"plate": number, "gross_mg": level_mg, "std_mg": 200}
        if t:
            began = WeightDisturbed(
                event_time=moment(t - 1.0), plate=number, reason="motion", **who
            )
            told.append((edge, began))
        since = moment(t - 1.0) if t else None
        told.append((edge, WeightSettled(event_time=moment(t), disturbed_at=since, **gross, **who)))
        told.append((edge, WeightSettled(event_time=moment(t + 25.0), **gross, **who)))
    return told


def world() -> list[Told]:
    """Plates that are filled and emptied side by side, a case that settles in a zone, scans."""
    told = plate("edge-1", 1, [(0.0, 4_000_000), (40.0, 3_400_000), (130.2, 5_000_000)])
    told += plate("edge-2", 2, [(0.1, 300_000), (80.3, 280_000), (130.3, 280_000 + LEAKED_MG)])
    for edge in ("edge-1", "edge-2"):
        who = {"device": f"reader-{edge}", "read_point": "zone"}
        for n in range(100):
            seen = TagSighting(
                event_time=moment(10.0 + n * 0.7), epc=CASE, antenna=1, count=1,
                mean_rssi_dbm=-50.0, **who,
            )  # fmt: skip
            told.append((edge, seen))
        for n in range(3):
            data = f"01{GTINS[n]}21{edge[-1]}{n}"
            scan = CodeScanned(
                device=f"hand-{edge}", read_point="desk", event_time=moment(5.0 + n),
                symbology="]C1", data=data,
            )  # fmt: skip
            told.append((edge, scan))
        for point in ("shelf", "zone"):
            for n in range(21):
                beat = DeviceHealth(
                    device=f"reader-{edge}", read_point=point, event_time=moment(10.0 * n),
                    state="running",
                )  # fmt: skip
                told.append((edge, beat))
    told.sort(key=lambda one: (told_us(one[1]), one[0]))
    counts: Counter[str] = Counter()
    numbered = []
    for edge, seen in told:
        counts[edge] += 1
        numbered.append(Told(told_us(seen), edge, counts[edge], seen))
    return numbered


def arriving(seed: int, most_us: float, edge: str = "") -> list[Told]:
    """Each edge's in its order, each late by chance (``edge``: this one by all of it)."""
    chance = Random(seed)
    latest: dict[str, float] = {}
    found = []
    for one in world():
        first = one.at_us <= told_us(world_start())
        late_us = 0.0 if first else most_us if one.edge == edge else chance.uniform(0.0, most_us)
        late_us = 0.0 if edge and one.edge != edge else late_us
        latest[one.edge] = max(latest.get(one.edge, 0.0), one.at_us + late_us)
        found.append((latest[one.edge], one.edge, one.seq, one))
    return [one for *_, one in sorted(found, key=lambda arrival: arrival[:3])]


def world_start() -> Observation:
    return DeviceHealth(device="x", read_point="zone", event_time=moment(0.1), state="running")


def content(movements: Sequence[Movement]) -> list[Movement]:
    return sorted(movements, key=lambda one: one.id)


@cache
def in_order() -> Ledger:
    _, ledger = judge(log_of(world()), {CASE: "hall"}, known=KNOWN)
    assert Counter(one.origin for one in ledger.movements) == {"shelf": 3, "zone": 1, "scan": 6}
    return ledger


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(1, 300), max_size=4))
def test_any_delay_within_the_lateness_and_any_crash_give_the_same(
    seed: int, cuts: set[int]
) -> None:
    log = log_of(arriving(seed, LATENESS_US - 1.0))
    _, other = judge(log, {CASE: "hall"}, cuts, known=KNOWN)
    assert content(other.movements) == content(in_order().movements)


@pytest.mark.parametrize(("edge", "late_s"), [("edge-1", 60.0), ("edge-2", 600.0)])
def test_what_comes_later_is_put_right_by_movements_that_name_what_they_correct(
    edge: str, late_s: float
) -> None:
    """Alone, what plate 2 feels of plate 1 looks like two pieces."""
    verdict, ledger = judge(log_of(arriving(1, late_s * 1e6, edge)), {CASE: "hall"}, known=KNOWN)
    assert ledger.net() == in_order().net()
    assert not verdict.reviews
    known = {one.id for one in ledger.movements}
    back = [one for one in ledger.movements if one.corrects]
    assert {one.corrects for one in back} <= known
    assert {(one.sku, one.quantity) for one in back} >= {("SKU-2", 2)} or edge == "edge-2"
