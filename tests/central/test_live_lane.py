"""Previews move screens and charts, never the books."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from central.insight.series import Point, SeriesStore, SeriesUnavailable
from central.intake.live_lane import LiveLane
from gateway import codec
from gateway.contract import Batch, Observation, WeightSettled
from tests.central.shop import NOON
from tests.edge.waiting import until
from tests.fakes.clock import FakeClock


class Store:
    """Takes points, or is away."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.away = False

    async def write(self, points: Sequence[Point]) -> None:
        if self.away:
            raise SeriesUnavailable("away")
        self.points += points


def lane(clock: FakeClock) -> tuple[LiveLane, Store]:
    store = Store()
    series: SeriesStore = store  # type: ignore[assignment]  # the part that is used
    return LiveLane(series, clock=clock), store


def preview(seen: list[Observation], edge: str = "edge-1") -> bytes:
    batch = Batch(edge=edge, epoch="epoch0001", first_seq=9, observations=seen, sent_at=NOON)
    return codec.encode(batch)


LEVEL = WeightSettled(
    device="scale-1", read_point="shelf", event_time=NOON, plate=2, gross_mg=1_500_000
)
TOPIC = "tp/v1/site/edge-1/up/live"


async def test_a_preview_is_charted_and_told_while_it_is_fresh() -> None:
    clock = FakeClock(wall_us=round(NOON.timestamp() * 1e6) + 300_000)
    live, store = lane(clock)
    live.take(TOPIC, preview([LEVEL]))
    (told,) = live.heard()
    assert told["device"] == "scale-1"
    assert told["kind"] == "weight_settled"
    assert told["lag_ms"] == 300
    task = asyncio.create_task(live.run())
    await until(lambda: bool(store.points))
    assert store.points[0].fields == {"gross_g": 1500.0}
    assert store.points[0].time_us == round(NOON.timestamp() * 1e6)
    store.away = True
    live.take(TOPIC, preview([LEVEL]))
    await until(lambda: live.counters["dropped"] == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    clock.wall_us += 60_000_000
    assert live.heard() == []


async def test_what_is_broken_or_under_another_name_is_counted_and_forgotten() -> None:
    live, _ = lane(FakeClock())
    live.take(TOPIC, b"{broken")
    live.take(TOPIC, preview([LEVEL], edge="edge-2"))
    assert live.counters["foreign"] == 2
    assert live.heard() == []


async def test_what_nobody_writes_away_is_bounded() -> None:
    live, _ = lane(FakeClock())
    for _ in range(25):
        live.take(TOPIC, preview([LEVEL] * 1_000))
    assert live.counters["dropped"] == 5_000


async def test_devices_without_end_take_bounded_memory() -> None:
    live, _ = lane(FakeClock(wall_us=round(NOON.timestamp() * 1e6)))
    for first in range(0, 8_000, 1_000):
        names = (f"scale-{number}" for number in range(first, first + 1_000))
        live.take(TOPIC, preview([msgspec.structs.replace(LEVEL, device=name) for name in names]))
    heard = [told["device"] for told in live.heard()]
    assert len(heard) == 5_000
    assert heard[-1] == "scale-7999"
