"""The alarm of a journal that fills up: when, with what outlook, and when it is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from structlog.testing import capture_logs

from edge.agent import Agent
from edge.config import check
from edge.fill import Fill, Level
from edge.fold.moments import moment
from edge.journal import Journal, JournalLimits
from gateway.contract import DeviceHealth, WeightSettled
from tests.edge.test_agent import Central, central_at
from tests.edge.waiting import until
from tests.fakes.mosquitto import MISSING, MosquittoProcess, find_mosquitto, start_mosquitto

MIB = 2**20


def looked(fill: Fill, *mib: float, every_s: float = 60.0, lost: int = 0) -> Fill:
    for at, used in enumerate(mib):
        fill.look(Level(round(used * MIB), 100 * MIB, lost), at * every_s)
    return fill


def test_it_is_raised_at_80_percent_and_taken_back_below_70() -> None:
    fill = Fill("drop_oldest")
    assert looked(fill, 10, 79).cause == ""
    assert looked(fill, 80).cause == "the journal is more than 80% full"
    assert looked(fill, 71).cause
    assert looked(fill, 69).cause == fill.sentence == ""


@pytest.mark.parametrize(
    ("used", "every_s", "outlook"),
    [
        (
            (80, 81, 82),
            3_600 / 9,
            "82% full; at the present rate 2.0 hours are left",
        ),
        ((80, 81), 600, "at the present rate 3.2 hours are left"),
        ((88, 89, 90), 60, "at the present rate 10 minutes are left"),
        ((90, 85), 60, "it does not grow now; at its limit"),
        ((90,), 60, "it does not grow now; at its limit"),
    ],
)
def test_it_says_how_long_there_is(used: tuple[int, ...], every_s: float, outlook: str) -> None:
    fill = looked(Fill("refuse_newest"), *used, every_s=every_s)
    assert outlook in fill.sentence
    assert fill.sentence.endswith("the newest observations are refused")


def test_only_the_last_quarter_of_an_hour_counts_for_the_outlook() -> None:
    hours = [n / 60 for n in range(81 * 60)]  # a week at 1 MiB an hour, looked at each minute
    assert "19 hours are left" in looked(Fill("drop_oldest"), *hours).sentence
    fill = looked(Fill("drop_oldest"), *hours, *([81] * 20))
    assert "it does not grow now" in fill.sentence


def test_looking_often_costs_no_memory_and_changes_nothing() -> None:
    fill = looked(Fill("drop_oldest"), *(80 + n / 36_000 for n in range(36_000)), every_s=0.1)
    assert "19 hours are left" in fill.sentence
    assert len(fill._seen) <= 64


def test_what_was_given_up_since_is_told() -> None:
    fill = looked(Fill("drop_oldest"), 50, lost=7)
    looked(fill, 90, lost=7)
    assert fill.cause == "the journal is more than 80% full"
    looked(fill, 99, lost=107)
    assert fill.sentence == "the journal is full: the oldest observations are dropped, 100 so far"


def test_a_disk_without_room_is_a_full_journal() -> None:
    fill = Fill("drop_oldest")
    fill.look(Level(0, 0, 0), 0.0)
    assert fill.cause


# ---- the whole agent ---------------------------------------------------------------------------
@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MosquittoProcess]:
    process = start_mosquitto(tmp_path)
    yield process
    process.stop()


@asynccontextmanager
async def small_agent(
    folder: Path, port: int, when_full: Literal["drop_oldest", "refuse_newest"]
) -> AsyncIterator[Agent]:
    """An agent whose journal takes some 15 segments, and whose memory a few lots more."""
    limits = JournalLimits(max_bytes=8 * MIB, segment_rows=500, when_full=when_full)
    config = check(
        {
            "edge": {"name": "pi", "site": "s", "health_every_s": 1.0},
            "mqtt": {"port": port, "retry_base_s": 0.05, "retry_limit_s": 0.2},
            "journal": {"commit_every_ms": 10},
            "uplink": {"resend_after_s": 1.0},
        }
    )
    agent = Agent(config, Journal.open(folder / "journal", limits))
    agent._keeper._most_pending = 1_000
    stop = asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    try:
        yield agent
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def hear(agent: Agent, first: int, count: int) -> None:
    """``count`` weights, of which ``std_mg`` is the number."""
    for start in range(first, first + count, 100):
        await agent.keep(
            [
                WeightSettled(
                    device="plate", read_point="shelf", plate=1, gross_mg=1_000, std_mg=number,
                    event_time=moment(1_700_000_000_000_000 + number),
                )
                for number in range(start, start + 100)
            ]
        )  # fmt: skip


def numbers(central: Central) -> list[int]:
    return [one.std_mg for one in central.log if isinstance(one, WeightSettled)]


@pytest.mark.mosquitto
@pytest.mark.skipif(find_mosquitto() is None, reason=MISSING)
@pytest.mark.parametrize("when_full", ["drop_oldest", "refuse_newest"])
async def test_a_full_journal_is_told_before_and_counted_when_it_comes(
    tmp_path: Path, broker: MosquittoProcess, when_full: Literal["drop_oldest", "refuse_newest"]
) -> None:
    heard = 0
    async with central_at(broker) as central:
        with capture_logs() as told:
            async with small_agent(tmp_path, broker.port, when_full) as agent:
                await until(lambda: central.states[-1:] == ["online"] and bool(central.log))
                central.silent = True
                while not any("% full" in reason for reason in central.reasons):
                    await hear(agent, heard, 100)
                    heard += 100
                    # It is looked at once a second: give it the time, on any machine.
                    if (await agent._keeper.stats()).bytes_on_disk > 0.85 * 8 * MIB:
                        await until(lambda: "% full" in central.reasons[-1])
                early = central.reasons[-1]
                while not any("so far" in reason for reason in central.reasons):
                    await hear(agent, heard, 100)
                    heard += 100
                    await asyncio.sleep(0)  # a refusal waits for nothing
                await central.back()
                await until(lambda: agent.backlog == 0 and not agent._keeper._pending)
                await until(lambda: central.reasons[-1] == "", "the alarm is taken back")
                given_up = (await agent._keeper.stats()).dropped + agent._keeper.refused
    assert early.endswith(
        "the oldest observations are dropped" if when_full == "drop_oldest"
        else "the newest observations are refused"
    )  # fmt: skip
    arrived = numbers(central)
    assert len(arrived) == len(set(arrived))
    assert arrived == sorted(arrived)
    lost = heard - len(arrived)
    assert 0 < lost <= given_up  # some of the edge's own health went the same way
    kept_first = arrived[0] == 0
    assert kept_first is (when_full == "refuse_newest")
    alarms = [line["event"] for line in told if "alarm" in line["event"]]
    assert (alarms[0], alarms[-1]) == ("journal_alarm", "journal_alarm_over")
    states = [one for one in central.log if isinstance(one, DeviceHealth)]
    assert any("the journal is full" in one.cause for one in states) or when_full == "refuse_newest"
