"""What tags are judged by: features, groups, weights."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.accuracy.backwards import backwards
from benchmarks.accuracy.regression import array
from central.reconcile.portal import cohort, crossing, curves
from central.reconcile.portal.cohort import FIT, FIT_WAY, GROUP, GROUP_CURVE, GROUP_WAY
from central.reconcile.portal.desk import NEARLY_AT
from central.reconcile.portal.features import SHAPE, WAY, Lain, centre_s, describe, yardstick
from central.reconcile.portal.lean import Lean, lean
from central.reconcile.portal.track import BINS, INSIDE, OUTSIDE, UNKNOWN, Track, begin
from central.reconcile.portal.weights import WEIGHTS, Layer, Net
from gateway.contract import TagSighting
from tests.fakes.portal_log import WHO, moment

SWAPPED = {OUTSIDE: INSIDE, INSIDE: OUTSIDE, UNKNOWN: UNKNOWN}


def sighting(antenna: int, rssi_dbm: float, **more: float) -> TagSighting:
    return TagSighting(
        event_time=moment(0.0), epc="3034", antenna=antenna, count=1, peak_rssi_dbm=rssi_dbm,
        **WHO, **more,
    )  # fmt: skip


def path(kind: str, t: float) -> float:
    """Where along the way a walker of 1 m/s is, the door being at 0."""
    if kind == "pass":
        return t - 3.0
    if kind == "back":
        return -0.8 - abs(t - 3.0)
    return 0.8 - abs(t - 3.0)  # crosses, and comes back


def walked(
    kind: str, *, epc: str = "3034", swap: bool = False, deaf_db: float = 0.0, seed: int = 1
) -> Track:
    """A tag heard by turns by an antenna on either side, 0.4 m from the middle."""
    chance = Random(seed)
    track = begin(epc, 0, source=0, seq=1)
    for step in range(60):
        t = step / 10.0
        side = (OUTSIDE, INSIDE)[step % 2]
        near = path(kind, t) - (0.4 if side == INSIDE else -0.4)
        level = -40.0 - 20.0 * math.log10(1.0 + near * near) + chance.gauss(0.0, 1.0)
        level -= deaf_db if side == INSIDE else 0.0
        side = SWAPPED[side] if swap else side
        track.add(round(t * 1e6), side, sighting(step % 2 + 1, level, doppler_hz=-3.0 * near))
    return track


def leaning(track: Track) -> Lean:
    return lean([(track, 1.0)], round(centre_s(track.sides) * 1e6), 1.0)


def test_a_pass_swaps_its_contrast_and_what_turned_back_keeps_it() -> None:
    through, back, returned = (leaning(walked(kind)) for kind in ("pass", "back", "return"))
    assert through.swap_z > 3.0
    assert abs(through.stay_z) < 1.0
    assert back.stay_db < -1.0
    assert abs(back.swap_z) < 1.0
    assert returned.sway_z > 3.0
    assert abs(returned.swap_z) < 1.0


@pytest.mark.parametrize("deaf_db", [-6.0, 6.0])
def test_an_antenna_that_hears_worse_swaps_nothing(deaf_db: float) -> None:
    fair, deaf = leaning(walked("pass")), leaning(walked("pass", deaf_db=deaf_db))
    assert deaf.swap_db == pytest.approx(fair.swap_db, abs=1.5)
    assert deaf.stay_db < -1.0 if deaf_db > 0 else deaf.stay_db > 1.0


def of_groups(kind: str, *, swap: bool = False) -> dict[str, float]:
    """What is made of eight tags that went so together."""
    tracks = [walked(kind, epc=f"{n:04X}", swap=swap, seed=n) for n in range(8)]
    voices = crossing.voices(crossing.looks(tracks, [None] * 8, [False] * 8))
    found, _ = cohort.groups([one._replace(crossed=0.9) for one in voices])
    assert len(found) == 1
    shape, _ = cohort.of_group(found[0], len(voices))
    return dict(zip(GROUP, shape, strict=True))


def test_swapping_the_sides_turns_a_groups_contrasts_round() -> None:
    told, swapped = (
        curves.curves([curves.Placed(walked("pass", swap=swap), 1.0, 3_000_000)], 3e6, 1.0).contrast
        for swap in (False, True)
    )
    assert len(told) == len(curves.CONTRASTS)
    assert told == pytest.approx([-one for one in swapped], abs=1e-9)
    at = dict(zip(curves.CONTRASTS, told, strict=True))
    assert at["louder_3"] < 0.0 < at["louder_8"], "the outside hears it first"


@pytest.mark.parametrize("kind", ["pass", "back", "return"])
def test_swapping_the_sides_leaves_a_group_what_it_is(kind: str) -> None:
    assert of_groups(kind) == pytest.approx(of_groups(kind, swap=True), abs=1e-9)


def test_a_groups_curve_nears_before_its_middle_and_goes_after_it() -> None:
    through, returned = of_groups("pass"), of_groups("return")
    nearing = [through[f"nearing_{place}"] for place in range(12)]
    assert min(nearing[2:5]) > 0.1
    assert max(nearing[7:10]) < -0.1
    loud = [through[f"loud_{place}"] for place in range(12)]
    assert loud[5] > loud[2] + 0.3
    assert loud[6] > loud[9] + 0.3
    assert through["alike_z"] == 0.0, "one antenna a side has none to be apart from"
    assert returned["nearing_5"] < 0.0 < returned["nearing_8"], "it turned round behind the door"


def test_a_track_that_an_older_release_kept_goes_on_and_has_no_shifts_before() -> None:
    kept = msgspec.to_builtins(walked("pass"))
    assert (kept.pop(), kept.pop()) == (False, walked("pass").shifts)
    track = msgspec.convert(kept, Track)
    placed = [curves.Placed(track, 1.0, 3_000_000)]
    told = dict(zip(curves.CURVES, curves.curves(placed, 3e6, 1.0).shape, strict=True))
    assert told["loud_5"] > told["loud_0"]
    assert all(told[f"nearing_{place}"] == 0.0 for place in range(12))
    track.add(6_000_000, OUTSIDE, sighting(1, -60.0, doppler_hz=-8.0))
    assert track.shifts[-6:-4] == [1, -32]


def test_older_weights_know_the_first_of_a_groups_features() -> None:
    told: dict[str, Any] = crossing.weights()
    for layer in told["group"]["layers"]:
        layer["units"] = [unit[:47] for unit in layer["units"]]
    told["group"]["names"] = told["group"]["names"][:47]
    line = [0.5] + [0.0] * (len(GROUP_WAY) - 1)
    told["group_way"] = {"names": list(GROUP_WAY), "weights": line, "bias": 0.0}
    with crossing.using(told):
        older = judged([walked("pass")])["3034"]
    assert 0.0 < older.crossed < 1.0
    assert older.crossed != judged([walked("pass")])["3034"].crossed


def test_time_turned_round_twice_is_time() -> None:
    rows = array(
        [list(of_groups(kind).values()) for kind in ("pass", "back", "return")], len(GROUP)
    )
    turned = backwards(rows, GROUP)
    assert backwards(turned, GROUP) == pytest.approx(rows)
    at = {name: place for place, name in enumerate(GROUP)}
    assert turned[0, at["nearing_3"]] == pytest.approx(-rows[0, at["nearing_8"]])
    assert turned[0, at["before"]] == rows[0, at["after"]]


def test_doppler_tells_the_way_at_one_moment() -> None:
    assert leaning(walked("pass")).drift_hz > 1.0
    assert leaning(walked("pass", swap=True)).drift_hz < -1.0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9_000_000),
            st.sampled_from([OUTSIDE, INSIDE, UNKNOWN]),
            st.integers(-85, -25),
            st.one_of(st.none(), st.integers(-80, 80)),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_swapping_the_sides_swaps_the_way_and_nothing_else(
    heard: list[tuple[int, int, int, int | None]],
) -> None:
    one, other = (begin("3034", 0, source=0, seq=1) for _ in range(2))
    for at_us, side, level, doppler in heard:
        more = {} if doppler is None else {"doppler_hz": float(doppler)}
        seen = sighting(side, float(level), **more)
        one.add(at_us, side, seen)
        other.add(at_us, SWAPPED[side], seen)
    lain, swapped = Lain(-50.0, -60.0, 2), Lain(-60.0, -50.0, 2)
    a = describe(one, yardstick([one]), lain, known=False)
    b = describe(other, yardstick([other]), swapped, known=False)
    assert a.shape == pytest.approx(b.shape, abs=1e-6)
    assert a.way == pytest.approx([-value for value in b.way], abs=1e-6)
    assert all(math.isfinite(value) for value in (*a.shape, *a.way))
    assert (len(a.shape), len(a.way)) == (len(SHAPE), len(WAY))


def test_the_weights_are_for_these_features() -> None:
    stages = (
        (WEIGHTS.tag, SHAPE), (WEIGHTS.tag_way, WAY), (WEIGHTS.group, GROUP),
        (WEIGHTS.member, FIT), (WEIGHTS.member_way, FIT_WAY),
    )  # fmt: skip
    for stage, names in stages:
        assert tuple(stage.names) == names
        if isinstance(stage, Net):
            sizes = {len(unit) for layer in stage.layers for unit in layer.units}
            assert sizes == {len(names)}
        else:
            assert len(stage.weights) == len(names)


def test_the_way_of_a_group_is_told_by_odd_nets_of_two_widths() -> None:
    way = WEIGHTS.group_way
    assert tuple(way.names) == GROUP_CURVE
    assert not way.weights
    widths = [{len(unit) for unit in layer.units} for layer in way.layers]
    assert widths == [{len(GROUP_WAY)}] * 5 + [{len(GROUP_CURVE)}] * 5
    assert all(layer.bias == 0.0 and not any(layer.biases) for layer in way.layers)
    chance = Random(1)
    values = [chance.gauss(0.0, 0.5) for _ in GROUP_CURVE]
    assert way.log_odds(values) == pytest.approx(-way.log_odds([-one for one in values]))


def test_a_net_is_the_mean_of_its_layers_stretched_and_bounded() -> None:
    layers = [
        Layer(units=[[1.0, 0.0]], biases=[0.5], out=[2.0], bias=0.25),
        Layer(units=[[0.0, 1.0]], biases=[0.0], out=[-1.0], bias=0.0),
    ]
    net = Net(names=["a", "b"], layers=layers, stretch=2.0, shift=0.1)
    want = 2.0 * (0.25 + 2.0 * math.tanh(1.5) - math.tanh(3.0)) / 2.0 + 0.1
    assert net.log_odds((1.0, 3.0)) == pytest.approx(want)
    wild = Net(names=["a", "b"], layers=layers, stretch=1e6)
    assert abs(wild.log_odds((1.0, 3.0))) < 20.0


def judged(tracks: list[Track]) -> dict[str, crossing.Judged]:
    looks = crossing.looks(tracks, [None] * len(tracks), [False] * len(tracks))
    answers = crossing.judge(crossing.voices(looks))
    return {track.epc: one for track, one in zip(tracks, answers, strict=True)}


def test_one_tag_alone_is_judged_and_its_way_told() -> None:
    inwards, outwards = judged([walked("pass")]), judged([walked("pass", swap=True)])
    assert inwards["3034"].inwards > 0.9
    assert outwards["3034"].inwards < 0.1
    assert inwards["3034"].crossed == pytest.approx(outwards["3034"].crossed)
    assert inwards["3034"].crossed > NEARLY_AT, (
        "one tag before two antennas is asked about at least"
    )
    assert judged([walked("back")])["3034"].crossed < 0.2


def test_the_order_of_tags_changes_nothing() -> None:
    kinds = ["pass"] * 6 + ["back"] * 2
    tracks = [walked(kind, epc=f"{n:04X}", seed=n) for n, kind in enumerate(kinds)]
    first = judged(tracks)
    again = judged(list(reversed(tracks)))
    for epc, one in first.items():
        assert again[epc].crossed == pytest.approx(one.crossed, abs=1e-9)
        assert again[epc].inwards == pytest.approx(one.inwards, abs=1e-9)


def test_a_track_stays_small_however_long_and_however_many_antennas() -> None:
    track = begin("3034", 0, source=0, seq=1)
    for second in range(400):
        for antenna in range(12):
            track.add(second * 1_000_000, UNKNOWN, sighting(antenna, -50.0))
    assert track.reads == 4_800
    assert len(track.ears) == 8
    assert len(track.bins()) <= BINS
    levels = [one.best_dbm for one in track.bins() if one.best_dbm is not None]
    assert levels == pytest.approx([-50.0] * len(levels))
