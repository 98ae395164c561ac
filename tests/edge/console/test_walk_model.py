"""Passes of a walk test, cut out of reads and judged."""

from __future__ import annotations

from edge.console.walk_model import Read, Walking, judged, summary, way_of

SIDES = {1: "outside", 2: "inside"}
TAGS = ("A1", "B2", "C3")


def crossing(epc: str, begin_s: float, *, inwards: bool = True) -> list[Read]:
    """Four reads on each side, the loudest in the middle of each side's time."""
    first, second = (1, 2) if inwards else (2, 1)
    return [
        Read(begin_s + 0.3 * row + 0.1 * n, epc, antenna, -50.0 - 4 * abs(n - 1.5))
        for row, antenna in enumerate((first, second))
        for n in range(4)
    ]


def together(*tags: list[Read]) -> list[Read]:
    return sorted(read for mine in tags for read in mine)


def test_the_order_of_the_antennas_tells_the_way() -> None:
    assert way_of(crossing("A1", 5.0), SIDES, 0.6) == "in"
    assert way_of(crossing("A1", 5.0, inwards=False), SIDES, 0.6) == "out"
    assert way_of(crossing("A1", 5.0)[:4], SIDES, 0.6) == "unknown", "one side heard nothing"
    assert way_of(crossing("A1", 5.0), {}, 0.6) == "unknown"
    still = [Read(0.1 * n, "A1", 1 + n % 2, -50.0) for n in range(20)]
    assert way_of(still, SIDES, 5.0) == "unknown"


def test_a_pass_says_what_was_missed_and_what_went_the_wrong_way() -> None:
    reads = together(crossing("A1", 1.0), crossing("B2", 1.1, inwards=False), crossing("FF", 1.0))
    one = judged(1, "in", reads, TAGS, SIDES, quiet_s=1.5, ended_by="quiet")
    assert (one.expected, one.heard, one.missed) == (3, 2, ("C3",))
    assert (one.right, one.wrong, one.unknown, one.others) == (1, 1, 0, 1)
    assert one.by_antenna == {"1": 2, "2": 2}
    assert not one.is_right
    assert 1.5 < one.decided_s < 2.2


def test_silence_cuts_passes_and_the_plan_says_which_way() -> None:
    walking = Walking(TAGS[:2], ["in", "out"], SIDES, quiet_s=1.5, limit_s=30)
    assert walking.judges_direction
    for read in together(crossing("A1", 1.0), crossing("B2", 1.05), crossing("FF", 0.2)):
        walking.hear(read)
    walking.look(2.0)
    assert not walking.passes
    assert walking.now
    walking.look(4.0)
    for read in together(crossing("A1", 10.0, inwards=False), crossing("B2", 10.0, inwards=False)):
        walking.hear(read)
    walking.look(13.0)
    assert [(one.number, one.want, one.right, one.heard) for one in walking.passes] == [
        (1, "in", 2, 2), (2, "out", 2, 2),
    ]  # fmt: skip
    assert walking.done
    walking.hear(Read(20.0, "A1", 1, -50.0))
    assert not walking.now, "after the last pass nothing begins"
    walking.discard()
    assert not walking.done
    assert len(walking.passes) == 1


def test_a_trolley_that_stands_in_the_field_ends_by_the_limit() -> None:
    walking = Walking(["A1"], ["in", "out"], {}, quiet_s=1.0, limit_s=3.0)
    for n in range(40):
        walking.hear(Read(0.1 * n, "A1", 1, -50.0))
    assert [one.ended_by for one in walking.passes] == ["limit"]
    assert not walking.judges_direction
    walking.end("hand")
    assert [one.ended_by for one in walking.passes] == ["limit", "hand"]


def test_all_passes_together() -> None:
    walking = Walking(TAGS, ["in", "out"], SIDES, quiet_s=1.0, limit_s=30.0)
    for read in together(*(crossing(epc, 0.0) for epc in TAGS)):
        walking.hear(read)
    for read in together(*(crossing(epc, 9.0, inwards=False) for epc in TAGS[:2])):
        walking.hear(read)
    walking.look(20.0)
    told = summary(walking.passes, judges_direction=True)
    assert (told["passes"], told["expected"], told["heard"], told["detected"]) == (2, 6, 5, 0.8333)
    ways = {"right": 5, "wrong": 0, "unknown": 0, "asked": 0, "share": 1.0}
    assert told["direction"] == ways
    assert told["missed"] == {"C3": 1}
    assert told["coverage"] == {"1": 0.8333, "2": 0.8333}
    assert told["verdict"] == "fail"
    assert summary([], judges_direction=False)["verdict"] == "fail"
    assert summary(walking.passes[:1], judges_direction=False)["direction"] is None
    assert summary(walking.passes[:1], judges_direction=True)["verdict"] == "pass"
