from __future__ import annotations

from random import Random

import pytest

from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Pack, PlatePlan, ReadPoint, Verdict
from gateway.contract import (
    CodeScanned,
    DeviceDescribed,
    Observation,
    WeightDisturbed,
    WeightSettled,
)
from tests.fakes.portal_log import logged, moment

UNITS = {1: 20_000, 2: 500_000, 3: 5_000}
CONTEXT = Context(
    read_points={
        "shelf-1": ReadPoint(code="shelf-1", kind="shelf", location="shop"),
        "till": ReadPoint(code="till", kind="scan", location="hall"),
    },
    plates={
        ("shelf-1", n): PlatePlan(read_point="shelf-1", plate=n, sku=f"SKU-{n}", unit_mg=unit)
        for n, unit in UNITS.items()
    },
    packs={"09521234000013": Pack(gtin="09521234000013", sku="SKU-1", quantity=6)},
)


def level(t: float, plate: int, gross_mg: int, *, disturbed: bool = True) -> WeightSettled:
    return WeightSettled(
        device=f"scale-{plate}", read_point="shelf-1", event_time=moment(t), plate=plate,
        gross_mg=gross_mg, std_mg=300, disturbed_at=moment(t - 1) if disturbed else None,
    )  # fmt: skip


def motion(t: float, plate: int, reason: str = "motion") -> WeightDisturbed:
    return WeightDisturbed(
        device=f"scale-{plate}", read_point="shelf-1", event_time=moment(t), plate=plate,
        reason=reason,
    )  # fmt: skip


def judge(observations: list[Observation]) -> Verdict:
    return Reconciler().judge(logged(observations), CONTEXT)


def counted(verdict: Verdict) -> list[tuple[str, int, str]]:
    return [(m.sku, m.quantity, m.biz_step) for m in verdict.movements]


def test_picks_and_refills_are_whole_pieces() -> None:
    verdict = judge([level(0, 1, -3_000_000), level(9, 1, -3_060_400), level(20, 1, -2_960_100)])
    assert counted(verdict) == [("SKU-1", 3, "retail_selling"), ("SKU-1", 5, "stocking")]
    assert verdict.ignored[0].reason == "baseline"
    assert [m.source for m in verdict.movements] == ["shop", "supplier"]


def test_a_change_that_is_no_number_of_pieces_is_asked_about() -> None:
    verdict = judge([level(0, 1, 400_000), level(9, 1, 391_000), level(20, 1, 371_000)])
    assert [review.reason for review in verdict.reviews] == ["unresolved weight change"]
    assert counted(verdict) == [("SKU-1", 1, "retail_selling")]


def test_a_neighbours_leak_is_not_stock() -> None:
    """A bottle of 500 g leaves plate 2; plate 3 (pieces of 5 g) sinks by 5.5 g with it."""
    quiet = [level(0, 2, 5_000_000), level(0, 3, 100_000)]
    verdict = judge(
        [*quiet, motion(9, 2), motion(9, 3), level(10, 3, 94_500), level(11, 2, 4_500_000)]
    )
    assert counted(verdict) == [("SKU-2", 1, "retail_selling")]
    assert not verdict.reviews


def test_drift_and_resting_hands_never_become_stock() -> None:
    rng, gross = Random(7), 400_000.0
    log: list[Observation] = []
    for minute in range(24 * 60):
        gross += 10_000 / (24 * 60)
        log.append(level(minute * 60.0, 1, round(gross + rng.gauss(0, 500)), disturbed=False))
        if minute % 100 == 0:
            log.append(motion(minute * 60.0 + 30, 1, "held"))
    verdict = judge(log)
    assert not verdict.movements
    assert not verdict.reviews


def test_a_restart_moves_nothing_and_a_lost_zero_is_asked_about() -> None:
    device = DeviceDescribed(
        device="scale-1", read_point="shelf-1", event_time=moment(5), driver="mt", plate=1
    )
    still = judge([level(0, 1, 400_000), device, level(9, 1, 400_100, disturbed=False)])
    assert not still.movements
    zeroed = judge([level(0, 1, 400_000), device, level(9, 1, 100)])
    assert not zeroed.movements
    assert [review.reason for review in zeroed.reviews] == ["scale restarted at zero"]


def test_another_item_on_the_plate_is_a_new_baseline() -> None:
    reconciler = Reconciler()
    log: list[Logged] = logged([level(0, 1, 400_000), level(9, 1, 900_000)])
    reconciler.judge(log[:1], CONTEXT)
    plan = PlatePlan(read_point="shelf-1", plate=1, sku="SKU-9", unit_mg=20_000)
    again = Reconciler(reconciler.dump())
    verdict = again.judge(
        log[1:], Context(read_points=CONTEXT.read_points, plates={("shelf-1", 1): plan})
    )
    assert not verdict.movements
    assert verdict.ignored[0].reason.startswith("baseline")


@pytest.mark.parametrize(
    ("data", "quantity", "lot"),
    [("0109521234000013", 6, ""), ("020952123400001337" + "4\x1d10LOT7", 24, "LOT7")],
)
def test_a_scan_receives(data: str, quantity: int, lot: str) -> None:
    scan = CodeScanned(
        device="s", read_point="till", event_time=moment(0), data=data, symbology="]C1"
    )
    (movement,) = judge([scan]).movements
    assert (movement.quantity, movement.lot, movement.destination) == (quantity, lot, "hall")


@pytest.mark.parametrize(
    ("data", "reason"),
    [("0109521234000014", "check digit"), ("0109521234000020", "unknown item"), ("hello", "code")],
)
def test_other_scans_are_questions(data: str, reason: str) -> None:
    scan = CodeScanned(
        device="s", read_point="till", event_time=moment(0), data=data, symbology="]C1"
    )
    verdict = judge([scan])
    assert not verdict.movements
    assert reason in verdict.reviews[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("TP-C-UNDO-L", "the command undo"),
        ("TP-L-shelf-7-Z", "the place shelf-7"),
        ("TP-C-UNDO-M", "should be L"),
    ],
)
def test_a_label_of_ours_moves_nothing_and_is_put_before_a_person(data: str, reason: str) -> None:
    scan = CodeScanned(device="s", read_point="till", event_time=moment(0), data=data)
    verdict = judge([scan])
    assert not verdict.movements
    assert [review.evidence["code"] for review in verdict.reviews] == [data]
    assert reason in verdict.reviews[0].reason


def test_a_piece_taken_soon_after_a_neighbours_change_counts() -> None:
    """Three bottles leave plate 2 and stand still; two seconds later a tin leaves plate 3."""
    quiet = [level(0, 2, 9_000_000), level(0, 3, 2_000_000)]
    verdict = judge(
        [*quiet, motion(9, 2), level(11, 2, 7_500_000), motion(13, 3), level(14, 3, 1_995_000)]
    )
    assert counted(verdict) == [("SKU-2", 3, "retail_selling"), ("SKU-3", 1, "retail_selling")]
