"""What edges tell ahead of the books: seen on screens and charts, never stored, never judged.

An edge with a backlog previews what it observes now (see ``edge.live``). The same observations
come again in their order, and only then do they count. Here they move the figures that people
look at: when a device was last heard, and the measurements that follow from one observation
alone, which the durable copy writes again under the same time.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict

import structlog

from central.insight.points import microseconds, observed_points
from central.insight.series import Point, SeriesRefused, SeriesStore, SeriesUnavailable
from gateway import codec, topics
from gateway.clock import Clock, SystemClock
from gateway.contract import Batch, ContractError

_log = structlog.get_logger("central.intake.live_lane")
_MOST_DEVICES = 5_000
_MOST_POINTS = 20_000
_PACE_S = 0.25
_FRESH_US = 10_000_000
"""An edge that has previewed nothing for so long has caught up, or is gone."""


class LiveLane:
    """``take`` is handed every preview; ``run`` writes what can be charted.

    ``counters``: ``batches``, ``observations``, ``foreign`` (unreadable, or under another's
    name), ``points``, ``dropped`` (the series store does not keep up).
    """

    def __init__(self, store: SeriesStore, *, clock: Clock | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._heard: OrderedDict[tuple[str, str], tuple[str, int, int]] = OrderedDict()
        self._points: list[Point] = []
        self._some = asyncio.Event()
        self.counters: Counter[str] = Counter()

    def take(self, topic: str, payload: bytes) -> None:
        """A preview arrived; one that makes no sense is counted and forgotten."""
        address = topics.parse(topic)
        try:
            batch = codec.decode(payload)
        except ContractError:
            self.counters["foreign"] += 1
            return
        if address is None or batch.edge != address.edge:
            self.counters["foreign"] += 1
            return
        self._see(batch)

    def _see(self, batch: Batch) -> None:
        now_us = self._clock.now_us()
        self.counters.update(batches=1, observations=len(batch.observations))
        for seen in batch.observations:
            key = (batch.edge, seen.device)
            self._heard[key] = (
                str(seen.__struct_config__.tag),
                microseconds(seen.event_time),
                now_us,
            )
            self._heard.move_to_end(key)
            self._points += observed_points(batch.edge, seen)
        while len(self._heard) > _MOST_DEVICES:
            self._heard.popitem(last=False)
        if len(self._points) > _MOST_POINTS:
            self.counters["dropped"] += len(self._points) - _MOST_POINTS
            del self._points[:-_MOST_POINTS]
        self._some.set()

    def heard(self) -> list[dict[str, object]]:
        """The newest preview of every device whose edge is behind now.

        ``lag_ms`` is the time from the event to its arrival here, by both sides' clocks.
        """
        since = self._clock.now_us() - _FRESH_US
        return [
            {
                "edge": edge,
                "device": device,
                "kind": kind,
                "event_us": event_us,
                "lag_ms": (arrived_us - event_us) // 1_000,
            }
            for (edge, device), (kind, event_us, arrived_us) in self._heard.items()
            if arrived_us >= since
        ]

    async def run(self) -> None:
        """Write points until cancelled; a store that fails costs only these previews."""
        while True:
            await self._some.wait()
            self._some.clear()
            points, self._points = self._points, []
            try:
                await self._store.write(points)
                self.counters["points"] += len(points)
            except (SeriesUnavailable, SeriesRefused) as error:
                self.counters["dropped"] += len(points)
                _log.warning("previews_not_charted", why=str(error))
            await asyncio.sleep(_PACE_S)
