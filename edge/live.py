"""What happens now, told ahead of the books while a backlog drains.

The journal's stream is strictly in order, so after an outage the newest observation waits for
all that is older. Whoever looks at a screen cannot. While the oldest unconfirmed observation is
older than a second, what was just committed is also published once, QoS 0, as a preview:
central shows it and forgets it. Nothing of the lane counts, and losing it loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from edge import batches
from edge.chapters import Chapter, Stretch
from gateway import topics
from gateway.clock import Clock
from gateway.contract import MAX_BATCH
from gateway.mqtt_settings import NotConnected, PublishRefused

BEHIND_S = 1.0
_MOST_WAITING = 20
Publish = Callable[[str, bytes], Awaitable[object]]
"""Publish with QoS 0."""


class LiveLane:
    """``take`` is told of every commit; ``run`` publishes what is worth it.

    ``backlog`` says how many durable observations central has not confirmed. ``counters``:
    ``live_batches``, ``live_observations``, ``live_dropped`` (no connection, or too slow).
    """

    def __init__(
        self,
        publish: Publish,
        *,
        site: str,
        edge: str,
        backlog: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._publish = publish
        self._topic = topics.live(site, edge)
        self._edge = edge
        self._backlog = backlog
        self._clock = clock
        self._kept = backlog()
        self._mark = (clock.steady_s(), self._kept)
        self._waiting: deque[tuple[Chapter, Stretch]] = deque()
        self._some = asyncio.Event()
        self.counters = dict.fromkeys(("live_batches", "live_observations", "live_dropped"), 0)

    def take(self, bodies: Sequence[bytes], chapter: Chapter) -> None:
        """These were committed just now, as the newest of ``chapter``."""
        self._kept += len(bodies)
        if not self._is_behind():
            return
        first_seq = chapter.last_seq - len(bodies) + 1
        for start in range(0, len(bodies), MAX_BATCH):
            lot = list(bodies[start : start + MAX_BATCH])
            self._waiting.append((chapter, Stretch(first_seq + start, 0, lot)))
        while len(self._waiting) > _MOST_WAITING:
            self._drop(self._waiting.popleft()[1])
        self._some.set()

    def _is_behind(self) -> bool:
        """Whether what was durable a second ago is still not confirmed."""
        now_s = self._clock.steady_s()
        if self._kept - self._backlog() >= self._mark[1]:
            self._mark = (now_s, self._kept)
        return now_s - self._mark[0] > BEHIND_S

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                chapter, stretch = self._waiting.popleft()
                payload = batches.encode(
                    self._edge, chapter, stretch, now_us=self._clock.now_us(), compress=False
                )
                try:
                    await self._publish(self._topic, payload)
                except (NotConnected, PublishRefused):
                    self._drop(stretch)
                else:
                    self.counters["live_batches"] += 1
                    self.counters["live_observations"] += len(stretch.bodies)

    def _drop(self, stretch: Stretch) -> None:
        self.counters["live_dropped"] += len(stretch.bodies)
