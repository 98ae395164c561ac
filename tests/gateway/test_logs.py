"""Logs: readable or JSON, and a storm of any length costs a bounded number of lines."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
import structlog

from gateway import logs
from gateway.logs_limit import Kind, Limits, LogLimit
from tests.fakes.clock import FakeClock

DAY_S = 86_400


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Told:
    """A logger of its own over ``gateway.logs``, which the rest of the session never sees."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = FakeClock()
        self.out = io.StringIO()
        bounded = logs.Bounded(LogLimit(limits, self.clock), logs._rendering("json", self.out))
        self.log = structlog.wrap_logger(
            structlog.WriteLogger(self.out),
            processors=logs.chain(bounded),
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        )
        self.bounded = bounded

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


def test_a_storm_of_three_days_costs_a_bounded_number_of_lines_and_all_are_counted() -> None:
    told = _Told()
    storm = 3 * DAY_S // 2
    for number in range(storm):
        told.log.warning("frame_error", device="dock", detail=f"torn at {number}")
        told.clock.pass_s(2)
    told.bounded.tell(structlog.WriteLogger(told.out), all_of_them=True)
    lines = told.lines()
    assert len(lines) < 600
    assert len(told.out.getvalue()) < 200_000
    written = sum(line["event"] == "frame_error" for line in lines)
    held_back = sum(line["suppressed"] for line in lines if line["event"] == "suppressed")
    assert written + held_back == storm


def test_devices_events_and_levels_do_not_silence_each_other() -> None:
    told = _Told()
    for _ in range(100):
        told.log.warning("frame_error", device="dock")
    told.log.warning("frame_error", device="shelf")
    told.log.error("frame_error", device="dock")
    told.log.warning("device_retrying", device="dock")
    assert [line.get("device") for line in told.lines()] == ["dock"] * 5 + ["shelf", "dock", "dock"]


def test_lines_that_differ_only_below_their_first_line_are_of_one_kind() -> None:
    """As asyncio's are, which go on with the addresses of what was concerned."""
    told = _Told(Limits(most=2))
    for number in range(10):
        text = f"Fatal read error\nprotocol: <Http object at {number:#x}>"
        told.log.error(text)
    assert len(told.lines()) == 2


def test_the_last_line_says_that_silence_follows_and_a_summary_ends_it() -> None:
    told = _Told()
    for _ in range(8):
        told.log.warning("frame_error", device="dock")
    assert told.lines()[-1]["next"] == "more like this are only counted for 60 s"
    told.clock.pass_s(61)
    told.log.info("device_running", device="dock")
    summary, running = told.lines()[5:]
    assert running["event"] == "device_running"
    assert (summary["event"], summary["of"], summary["device"]) == (
        "suppressed", "frame_error", "dock",
    )  # fmt: skip
    assert (summary["suppressed"], summary["over_s"], summary["level"]) == (3, 60, "warning")


def test_a_storm_that_ended_is_forgotten() -> None:
    told = _Told()
    for _ in range(2):
        for _ in range(5):
            told.log.warning("frame_error", device="dock")
        told.clock.pass_s(61)
    assert [line["event"] for line in told.lines()] == ["frame_error"] * 10


def test_kinds_without_end_take_bounded_memory_and_share_one_budget() -> None:
    clock = FakeClock()
    limit = LogLimit(Limits(kinds=50), clock)
    passed = sum(limit.admits(Kind("refused", "warning", f"client-{n}"))[0] for n in range(10_000))
    assert passed == 50 + 5
    assert len(limit._windows) == 51
    clock.pass_s(61)
    assert [(gone.kind, gone.lines) for gone in limit.ended()] == [
        (Kind("", "warning"), 10_000 - 55)
    ]
    assert len(limit._windows) == 1


def test_a_value_without_end_is_cut_in_its_middle() -> None:
    told = _Told()
    told.log.error("observation_unsound", observation="x" * 1_000_000 + "end")
    (line,) = told.lines()
    assert len(line["observation"]) < 2_100
    assert line["observation"].endswith("end")


def test_a_traceback_is_one_json_line() -> None:
    told = _Told()
    try:
        int("broken")
    except ValueError:
        told.log.exception("driver_fault", device="dock")
    (line,) = told.lines()
    assert line["exception"].endswith("invalid literal for int() with base 10: 'broken'")
    assert line["timestamp"].endswith("Z")


_CHILD = """
import logging, sys
from gateway import logs
logs.configure("info", sys.argv[1])
import structlog
structlog.get_logger().debug("not told")
for _ in range(9):
    structlog.get_logger().info("hello", device="dock")
for number in range(9):
    logging.getLogger("paho").warning("odd packet %d", number)
"""


def _child(style: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, style],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    assert not done.stdout
    return done.stderr


def test_a_process_writes_json_where_nobody_reads_and_tells_the_rest_at_its_end() -> None:
    lines = [json.loads(line) for line in _child("auto").splitlines()]
    assert [line["event"] for line in lines] == [
        *["hello"] * 5, *(f"odd packet {n}" for n in range(5)), "suppressed", "suppressed",
    ]  # fmt: skip
    assert {line.get("logger") for line in lines} == {None, "paho"}
    assert [(line["of"], line["suppressed"]) for line in lines[-2:]] == [
        ("hello", 4), ("paho: odd packet %d", 4),
    ]  # fmt: skip


def test_a_process_writes_for_people_when_told_so() -> None:
    first = _child("human").splitlines()[0]
    assert "hello" in first
    assert "device=dock" in first
    assert not first.startswith("{")


@pytest.mark.parametrize(("stream", "for_people"), [(_Terminal(), True), (io.StringIO(), False)])
def test_a_terminal_is_for_people(stream: io.StringIO, for_people: bool) -> None:
    last = logs._rendering("auto", stream)[-1]
    assert isinstance(last, structlog.dev.ConsoleRenderer) is for_people
