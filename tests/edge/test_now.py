"""What the agent says of itself to whoever looks."""

from __future__ import annotations

from decimal import Decimal

from drivers.readings import CodeScan, DeviceEvent, TagRead, WeightReading, WeightStatus
from edge.now import DeviceNow, EdgeNow, Waits, words_of
from edge.status import draw, farewell, in_order
from tests.fakes.pictures import drawn


def test_how_long_the_oldest_unconfirmed_waits() -> None:
    waits = Waits(begun_s=0.0)
    for at_s, kept in ((1.0, 10), (2.0, 20), (3.0, 30)):
        waits.look(at_s, kept)
    assert waits.oldest_s(5.0, confirmed=0) == 4.0
    assert waits.oldest_s(5.0, confirmed=10) == 3.0
    assert waits.oldest_s(5.0, confirmed=29) == 2.0
    assert waits.oldest_s(5.0, confirmed=-7) == 5.0  # it waited before the start already


def test_marks_are_bounded_and_stay_about_right() -> None:
    waits = Waits(begun_s=0.0, most=16)
    for second in range(1, 1_001):
        waits.look(float(second), second)
    assert len(waits._marks) <= 16
    assert 990 <= waits.oldest_s(1_000.0, confirmed=0) <= 1_000
    assert waits.oldest_s(1_000.0, confirmed=999) == 0.0


def test_a_reading_in_words_steers_no_terminal() -> None:
    tag = TagRead(epc="3034ABCD", epc_bits=96, antenna=2, peak_rssi_dbm=-61.5)
    weight = WeightReading(value=Decimal("1.2040"), unit="kg", stable=True, net=True)
    assert words_of(tag) == "3034ABCD -62 dBm antenna 2"
    assert words_of(weight) == "1.2040 kg net stable"
    assert words_of(WeightReading(value=None, status=WeightStatus.OVERLOAD)) == "overload"
    assert words_of(CodeScan(data="01\x1d\x1b[2J")) == "01\N{MIDDLE DOT}\N{MIDDLE DOT}[2J"
    assert words_of(DeviceEvent(name="gpi", detail="")) == "gpi"


def device(name: str, state: str = "running", **more: object) -> DeviceNow:
    told: dict[str, object] = {
        "name": name, "driver": "llrp", "read_point": f"at-{name}", "state": state, "cause": "",
        "hint": "", "for_s": 9.0, "readings": 5, "readings_per_s": 1.0, "failures": 0,
        "last": "3034AB -60 dBm", "last_age_s": 0.5,
    }  # fmt: skip
    return DeviceNow(**(told | more))  # type: ignore[arg-type]


def edge(*devices: DeviceNow, **more: object) -> EdgeNow:
    told: dict[str, object] = {
        "edge": "dock-pi", "site": "hall", "up_s": 75.0, "broker": "10.0.0.1:1883",
        "connected": True, "trouble": "", "hint": "", "kept": 1_200, "kept_per_s": 40.0,
        "waiting": 0, "waiting_s": 0.0, "lost": 0, "disk_bytes": 2**20,
        "disk_limit_bytes": 2**30, "clock_steps": 0, "devices": devices,
    }  # fmt: skip
    return EdgeNow(**(told | more))  # type: ignore[arg-type]


def test_trouble_comes_first_unless_asked_otherwise() -> None:
    well, gone = device("a", readings_per_s=9.0), device("b", "refused", failures=3)
    assert [one.name for one in in_order([well, gone])] == ["b", "a"]
    assert [one.name for one in in_order([gone, well], "rate")] == ["a", "b"]
    assert [one.name for one in in_order([well, gone], "failures")] == ["b", "a"]


def test_what_does_not_fit_is_told_as_a_number() -> None:
    many = [device(f"scale-{number:02}") for number in range(30)]
    picture = drawn(lambda width, height: draw(edge(*many), width, height), 100, 20)
    assert len(picture) <= 20
    shown = sum("● scale-" in line for line in picture)
    assert f"and {30 - shown} more" in "\n".join(picture)


def test_no_line_is_wider_than_the_terminal() -> None:
    ill = device("gate", "retrying", cause="Cannot connect " * 9, hint="Look at the cable.")
    told = edge(device("scale-with-a-very-long-name"), ill, trouble="no broker " * 30)
    for width in (20, 38, 60, 99, 200):
        picture = drawn(lambda w, h: draw(told, w, h), width, 24)
        assert max(map(len, picture)) <= width
        assert any("gate" in line for line in picture)


def test_a_device_that_runs_and_complains_says_so() -> None:
    told = edge(device("gate", cause="This reader tells no levels.", hint="Switch them on."))
    lines = drawn(lambda width, height: draw(told, width, height), 120, 24)
    (line,) = (line for line in lines if "gate" in line)
    assert "running" in line
    assert "tells no levels" in line


def test_the_last_line_of_a_run_says_what_still_waits() -> None:
    assert farewell(edge()) == (
        "edge dock-pi ran 1 min: 1,200 observations kept, central has them all."
    )
    assert "12 wait for central in the journal, 3 lost to a full journal." in farewell(
        edge(waiting=12, lost=3)
    )
