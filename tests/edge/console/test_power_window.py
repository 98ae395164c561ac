"""The window of powers, from steps that are written down by hand."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.console.power_cap import allowed, cap, grid, region_of
from edge.console.power_window import Step, Window, between, doubtful, edge_of, jobs, window

TABLE = [10.0 + 0.25 * n for n in range(81)]
SLOTS = 4


def measured(
    power_dbm: float, wakes: Mapping[str, float], *, antenna: int = 1, faint_db: float = 0.0
) -> Step:
    """What a step tells when each tag wakes at its power, and half-answers ``faint_db`` below."""
    heard = {
        epc: SLOTS if power_dbm >= need else 1
        for epc, need in wakes.items()
        if power_dbm >= need - faint_db
    }
    return Step(
        antenna=antenna, power_dbm=power_dbm, seconds=2.0, slots=SLOTS,
        reads=50 * len(heard), tags=len(heard), heard=heard,
        rssi_dbm={epc: -50.0 - wakes[epc] for epc in heard},
    )  # fmt: skip


def swept(
    wakes: Mapping[str, float], must: set[str], must_not: set[str], step_db: float = 2.0
) -> tuple[Window, int]:
    """As the runner does: a coarse grid, then whatever ``between`` asks for."""
    steps = [measured(dbm, wakes) for dbm in grid(TABLE, step_db)]
    while (power := between(steps, must, must_not, TABLE)) is not None:
        steps.append(measured(power, wakes))
    return window(steps, must, must_not, TABLE), len(steps)


def test_the_window_lies_between_the_two_sets() -> None:
    found, _ = swept({"A": 14.1, "B": 17.3, "Z": 24.6}, {"A", "B"}, {"Z"})
    assert found.found == "window"
    assert (found.low_dbm, found.high_dbm) == (17.5, 24.5)
    assert found.use_dbm == 21.0
    assert found.jobs == ("A", "B")
    assert "7 dB wide" in found.says[1]


@given(
    must=st.lists(st.floats(10.0, 30.0), min_size=1, max_size=5),
    stray=st.lists(st.floats(10.5, 30.0), min_size=1, max_size=5),
    step_db=st.sampled_from([0.5, 1.0, 2.0, 5.0]),
)
def test_whatever_the_tags_the_middle_is_right_to_a_step_of_the_table(
    must: list[float], stray: list[float], step_db: float
) -> None:
    wakes = {f"M{n}": dbm for n, dbm in enumerate(must)}
    wakes |= {f"S{n}": dbm for n, dbm in enumerate(stray)}
    low, high = max(must), min(stray)
    own = {epc for epc in wakes if epc.startswith("M")}
    found, count = swept(wakes, own, set(wakes) - own, step_db)
    if high - low > 0.5:
        assert found.found == "window"
        assert found.use_dbm is not None
        assert abs(found.use_dbm - (low + high) / 2) <= 0.25
    elif high < low - 0.25:
        assert found.found == "overlap"
    assert count <= len(grid(TABLE, step_db)) + 12, "bisection, not the whole table"


def test_tags_that_overlap_are_named_with_what_to_do() -> None:
    found, _ = swept({"A": 14.0, "LATE": 22.0, "STRAY": 18.0}, {"A", "LATE"}, {"STRAY"})
    assert found.found == "overlap"
    assert (found.low_dbm, found.high_dbm, found.use_dbm) == (22.0, 17.75, None)
    assert (found.late, found.stray) == (("LATE",), ("STRAY",))
    words = " ".join(found.says)
    assert "answer from 18 dBm" in words
    assert "Move the antenna" in words
    assert "rx_sensitivity_db" not in words, "the stray is the louder one: no limit parts them"


def test_levels_that_differ_are_told_where_power_parts_nothing() -> None:
    steps = [measured(dbm, {"A": 20.0, "S": 18.0}) for dbm in TABLE]
    steps = [
        Step(
            antenna=1, power_dbm=step.power_dbm, seconds=2, slots=SLOTS, reads=1, tags=2,
            heard=step.heard, rssi_dbm={"A": -50.0, "S": -66.0},
        )
        for step in steps
    ]  # fmt: skip
    words = " ".join(window(steps, {"A"}, {"S"}, TABLE).says)
    assert "rx_sensitivity_db" in words
    assert "-50 dBm" in words
    assert "-66 dBm" in words


def test_a_tag_that_no_power_reaches_is_told() -> None:
    found, _ = swept({"A": 14.0, "FAR": 99.0}, {"A", "FAR"}, set())
    assert (found.found, found.late, found.use_dbm) == ("out-of-reach", ("FAR",), None)
    assert "even at 30 dBm" in found.says[0]


def test_without_marks_nothing_is_recommended() -> None:
    found, _ = swept({"A": 14.0}, set(), set())
    assert (found.found, found.use_dbm) == ("unmarked", None)


def test_an_antenna_that_nobody_needs_is_kept_below_the_strays() -> None:
    steps = [measured(dbm, {"S": 26.0}) for dbm in TABLE]
    found = window(steps, set(), {"S"}, TABLE, spare=True)
    assert (found.found, found.high_dbm, found.use_dbm) == ("spare", 25.75, 22.75)
    assert "switch it off" in found.says[0]
    assert window(steps, set(), set(), TABLE, spare=True).found == "unmarked"


def test_an_open_high_end_takes_a_reserve_and_no_more() -> None:
    found, _ = swept({"A": 14.0}, {"A"}, set())
    assert (found.low_dbm, found.high_dbm, found.use_dbm) == (14.0, 30.0, 17.0)
    assert "No tag is marked as must-not-read" in found.says[1]
    found, _ = swept({"A": 14.0, "S": 99.0}, {"A"}, {"S"})
    assert found.use_dbm == 17.0
    assert "the most that was tried" in found.says[1]


def test_a_tag_that_answers_now_and_then_counts_as_stray_but_not_as_read() -> None:
    wakes = {"A": 16.0, "S": 26.0}
    steps = [measured(dbm, wakes, faint_db=2.0) for dbm in TABLE]
    found = window(steps, {"A"}, {"S"}, TABLE)
    assert (found.low_dbm, found.high_dbm) == (16.0, 23.75)
    assert edge_of(steps, "A").answers_dbm == 14.0
    assert edge_of(steps, "A").reliable_dbm == 16.0


def test_a_hole_above_the_low_end_moves_it_up() -> None:
    steps = [measured(dbm, {"A": 14.0}) for dbm in (14.0, 16.0, 20.0)]
    steps.append(measured(18.0, {"A": 99.0}))
    assert window(steps, {"A"}, set(), TABLE).low_dbm == 20.0


def test_a_tag_that_fell_silent_above_the_high_end_takes_nothing_from_the_window() -> None:
    wakes = {"A": 14.0, "S": 24.0}
    steps = [measured(dbm, wakes) for dbm in (12.0, 14.0, 16.0, 22.0, 26.0)]
    steps.append(measured(24.0, {"A": 99.0, "S": 24.0}))
    found = window(steps, {"A"}, {"S"}, TABLE)
    assert (found.found, found.low_dbm, found.high_dbm) == ("window", 14.0, 22.0)


def test_a_hole_is_worth_another_try_and_no_third() -> None:
    steps = [measured(dbm, {"A": 14.0, "B": 12.0}) for dbm in (12.0, 14.0, 16.0, 20.0)]
    assert doubtful(steps, {"A", "B"}) is None, "a tag that begins to answer leaves no hole"
    hole = measured(18.0, {"A": 99.0, "B": 12.0})
    assert doubtful([*steps, hole], {"A", "B"}) == 18.0
    assert doubtful([*steps, hole], {"B"}) is None
    assert doubtful([*steps, msgspec.structs.replace(hole, tries=2)], {"A"}) is None


def test_a_tag_is_the_job_of_the_antennas_that_hear_it_best() -> None:
    near = [measured(dbm, {"L": 14.0, "M": 18.0, "R": 28.0}, antenna=1) for dbm in TABLE]
    far = [measured(dbm, {"L": 29.0, "M": 16.0, "R": 13.0}, antenna=2) for dbm in TABLE]
    assert jobs({1: near, 2: far}, {"L", "M", "R", "NOWHERE"}) == {1: ["L", "M"], 2: ["M", "R"]}


def test_grid_has_both_ends() -> None:
    assert grid([10.0, 10.25, 10.5, 11.0, 12.0, 12.1], 1.0) == [10.0, 11.0, 12.0, 12.1]
    assert grid([], 1.0) == []


@pytest.mark.parametrize(
    ("region", "gain_dbi", "cable_db", "port_dbm"),
    [
        ("fcc", 6.0, 0.0, 30.0),
        ("fcc", 9.0, 1.0, 28.0),
        ("fcc", 3.0, 2.0, 30.0),  # never more at the port
        ("etsi-865", 6.0, 0.0, 29.15),
        ("etsi-915", 8.5, 1.5, 31.15),
        ("reader", 6.0, 0.0, None),
    ],
)
def test_legal_caps(region: str, gain_dbi: float, cable_db: float, port_dbm: float | None) -> None:
    found = cap(region, gain_dbi=gain_dbi, cable_loss_db=cable_db)  # type: ignore[arg-type]
    assert found.port_dbm == port_dbm
    powers = allowed(TABLE, found)
    assert powers[-1] == (30.0 if port_dbm is None else max(p for p in TABLE if p <= port_dbm))


def test_a_reader_s_channels_tell_its_region() -> None:
    assert region_of(hopping=True, fixed_khz=()) == "fcc"
    assert region_of(hopping=False, fixed_khz=(865_700, 866_300)) == "etsi-865"
    assert region_of(hopping=False, fixed_khz=(916_300,)) == "etsi-915"
    assert region_of(hopping=False, fixed_khz=(840_000,)) == "reader"
