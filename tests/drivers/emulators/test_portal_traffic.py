"""Docks as data: the truth that follows from the paths, and suites that never overlap."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from drivers.emulators.portal_physics import simulate
from drivers.emulators.portal_suites import episode, layout, moves, reception
from drivers.emulators.portal_traffic import (
    LOADS,
    Heap,
    Layout,
    Move,
    Staged,
    read_scene,
    sample_epcs,
    stage,
)
from gateway.gs1 import decode_epc


def staged(*happens: Move, seed: int = 1) -> Staged:
    return stage(Layout(heaps=(Heap(x_m=-3.0, y_m=3.0, tags=6),)), happens, seed=seed)


@pytest.mark.parametrize(
    ("move", "ways"),
    [
        (Move(at_s=1.0), ["in"]),
        (Move(at_s=1.0, inwards=False, carrier="person"), ["out"]),
        (Move(at_s=1.0, kind="return", wait_s=2.0), ["in", "out"]),
        (Move(at_s=1.0, kind="park", wait_s=10.0, inwards=False), ["out"]),
        (Move(at_s=1.0, kind="turn-back", nearest_m=0.9), []),
        (Move(at_s=1.0, kind="walk-by"), []),
        (Move(at_s=1.0, kind="next-door"), []),
        (Move(at_s=1.0, kind="staged", wait_s=20.0, nearest_m=2.5), ["in"]),
        (Move(at_s=1.0, kind="put-down", wait_s=20.0, nearest_m=2.5, inwards=False), ["out"]),
    ],
)
def test_the_truth_follows_from_where_things_go(move: Move, ways: list[str]) -> None:
    found = staged(move)
    assert [crossing.direction for crossing in found.crossings] == ways
    assert all(len(crossing.epcs) == move.cases for crossing in found.crossings)
    assert all(move.at_s < crossing.at_s < found.ends_s for crossing in found.crossings)
    assert not found.strays & {epc for crossing in found.crossings for epc in crossing.epcs}


def test_what_crosses_is_loudest_when_it_crosses() -> None:
    found = staged(Move(at_s=1.0, cases=12, speed_m_s=1.2, carrier="person"))
    (crossing,) = found.crossings
    loudest: dict[str, tuple[float, float]] = {}
    for t, read in simulate(found.scene, 0.0, found.ends_s):
        best = (read.peak_rssi_dbm or -99.0, t)
        loudest[read.epc] = max(best, loudest.get(read.epc, best))
    assert set(crossing.epcs) <= set(loudest)
    near = [abs(loudest[epc][1] - crossing.at_s) for epc in crossing.epcs]
    assert sum(seconds < 1.5 for seconds in near) >= 8
    assert min(loudest[epc][0] for epc in crossing.epcs) > -65


def test_a_few_cases_stand_as_low_as_what_they_are_on() -> None:
    heights = {
        load: [tag.offset[2] for tag in staged(Move(at_s=1.0, cases=30, load=load)).scene.tags[6:]]
        for load in LOADS
    }
    assert min(heights["trolley"]) > 0.45
    assert max(heights["stack"]) < 0.75
    assert max(heights["trolley"]) < 0.95 < min(max(heights["cage"]), max(heights["pallet"]))


def test_a_truck_s_own_tag_is_read_and_is_no_goods() -> None:
    found = staged(Move(at_s=1.0, cases=5, tagged_truck=True))
    goods = {epc for crossing in found.crossings for epc in crossing.epcs}
    heard = {read.epc for _, read in simulate(found.scene, 0.0, found.ends_s)}
    assert len(goods) == 5
    assert len(heard - goods - found.strays) == 1


def test_sample_epcs_are_cases_of_gs1_s_example_company() -> None:
    names = sample_epcs(7)
    one, other = next(names), next(names)
    assert one != other
    assert "9521234.112345.7" in str(decode_epc(one))


def test_suites_draw_the_same_again_and_train_is_never_test() -> None:
    for suite in ("standard", "hard", "small"):
        drawn = {
            split: [layout(suite, split, n) for n in range(40)]  # type: ignore[arg-type]
            for split in ("train", "test")
        }
        assert drawn["train"] == [layout(suite, "train", n) for n in range(40)]  # type: ignore[arg-type]
        rooms = Counter(one.room for both in drawn.values() for one in both)
        places = Counter(one.antennas for both in drawn.values() for one in both)
        assert max(rooms.values()) == max(places.values()) == 1
    hard, standard = layout("hard", "test", 1), layout("standard", "test", 1)
    assert abs(hard.antennas[0].x_m) + 0.1 < abs(standard.antennas[0].x_m)
    assert 60 <= sum(heap.tags for heap in hard.heaps) <= 200


def test_wild_portals_are_short_and_of_every_kind() -> None:
    drawn = [layout("wild", "train", n) for n in range(80)]
    assert drawn[:9] == [layout("wild", "train", n) for n in range(9)]
    assert {len(one.antennas) for one in drawn} == {2, 4}
    strays = sorted(sum(heap.tags for heap in one.heaps) for one in drawn)
    assert (strays[0], strays[-1] > 100) == (0, True)
    happens = [moves("wild", Random(n), 9) for n in range(80)]
    assert {len(one) for one in happens} == {0, 1, 2}
    carried = [move for one in happens for move in one]
    assert {1, 2} < {move.cases for move in carried}
    assert episode("wild", "train", 1).ends_s < 60
    told = [reception("wild", "train", n) for n in range(80)]
    assert {one.tells_phase for one in told} == {True, False}
    assert any(one.unplaced for one in told)
    assert not any(reception("hard", "test", 1).offsets_db.values())


def test_small_doors_see_a_few_cases_now_and_then() -> None:
    drawn = [layout("small", "train", n) for n in range(80)]
    assert {len(one.antennas) for one in drawn} == {1, 2, 3, 4}
    strays = [sum(heap.tags for heap in one.heaps) for one in drawn]
    assert max(strays) == 20
    assert strays.count(0) >= 20
    happens = [moves("small", Random(n), 9) for n in range(80)]
    carried = [move for one in happens for move in one]
    assert {move.cases for move in carried} == set(range(1, 9))
    assert {move.kind for move in carried} == {
        "pass", "turn-back", "return", "walk-by", "park", "next-door", "staged", "put-down",
    }  # fmt: skip
    assert max(b.at_s - a.at_s for one in happens for a, b in pairwise(one)) > 60
    told = [reception("small", "train", n) for n in range(40)]
    assert {one.photo_eye for one in told} == {one.tells_phase for one in told} == {True, False}


def test_an_episode_has_moves_of_every_kind_and_its_truth() -> None:
    one, again = episode("standard", "test", 3), episode("standard", "test", 3)
    assert (one.scene, one.crossings) == (again.scene, again.crossings)
    assert one.scene != episode("standard", "train", 3).scene
    assert one.ends_s > 30
    kinds = Counter(move.kind for n in range(40) for move in moves("hard", Random(n), 5))
    assert set(kinds) == {"pass", "turn-back", "return", "walk-by", "park", "next-door"}


def test_a_scene_may_come_from_a_file_and_says_what_is_wrong_in_it(tmp_path: Path) -> None:
    file = tmp_path / "dock.toml"
    file.write_text(
        '[layout]\nname = "door 7"\nechoes_db = 12.0\nreader = "dense"\n'
        "[[layout.heaps]]\nx_m = 2.0\ny_m = -2.5\ntags = 12\n"
        "[[layout.antennas]]\nantenna = 1\nside = 'outside'\nx_m = -0.4\ny_m = 1.2\nz_m = 2.0\n"
        '[[moves]]\nat_s = 3.0\nkind = "return"\ngoods = "liquid"\ncases = 7\n'
    )
    place, happens = read_scene(file)
    assert (place.name, place.heaps[0].tags, len(place.antennas)) == ("door 7", 12, 1)
    assert happens == (Move(at_s=3.0, kind="return", goods="liquid", cases=7),)
    for wrong, told in (
        ("moves = 3", "moves"),
        ("[[moves]]\nkind='jump'\nat_s=1", "kind"),
        ("[", "dock.toml"),
    ):
        file.write_text(wrong)
        with pytest.raises(ValueError, match=told):
            read_scene(file)
