"""One edge's desk, reached over the broker: the same interface as at the edge itself.

An ask that nobody hears fails at once where the broker says so, else after ``ANSWER_S``. While
somebody follows it, it is asked again now and then: that renews its lease, brings back a last
word that got lost, and shows an edge that fell silent.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Protocol

from gateway import console_codec, topics
from gateway.clock import Clock, SystemClock
from gateway.console import CANCEL, Ask, Told, Trouble
from gateway.errands import Errands
from gateway.mqtt_settings import NotConnected, PublishRefused

__all__ = ["ANSWER_S", "Before", "Publish", "RemoteDesk"]

ANSWER_S = 8.0
_AWAY = "Is it switched on, and on the network? What it hears meanwhile is kept and comes later."


Before = Callable[["RemoteDesk", Ask], Awaitable[Ask]]
"""Makes of an ask the one that goes to the edge."""


class Publish(Protocol):
    """A link's ``publish``."""

    async def __call__(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        """Say whether somebody was subscribed. Raises ``NotConnected``, ``PublishRefused``."""
        ...


class RemoteDesk:
    """See the module. ``counters`` are those of all desks: ``asked``, ``answered``,
    ``unanswered``. ``ended`` is told every last word, also of asks that others wait for.
    ``before`` names what is done here before an operation is asked for.
    """

    def __init__(
        self,
        site: str,
        edge: str,
        publish: Publish,
        *,
        counters: Counter[str],
        ended: Callable[[Told], None] = lambda _: None,
        before: Mapping[str, Before] | None = None,
        clock: Clock | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.site, self.edge = site, edge
        self._publish = publish
        self._ended = ended
        self._before = before or {}
        self._clock = clock or SystemClock()
        self._answer_s = answer_s
        self._errands = Errands(remembered=64)
        self._following: Counter[str] = Counter()
        self._heard: dict[str, asyncio.Event] = {}
        self._minding: dict[str, asyncio.Task[None]] = {}
        self._saying: set[asyncio.Task[Trouble | None]] = set()
        self.counters = counters

    # ---- screens.console.port.Desk -------------------------------------------------------------
    def start(self, ask: Ask) -> None:
        """Have it done; an id that is known goes on."""
        if ask.id in self._errands:
            return
        self.counters["asked"] += 1
        self._errands.tell(Told(id=ask.id, state="running"))
        self._heard[ask.id] = asyncio.Event()
        task = asyncio.create_task(self._mind(ask), name=f"ask {self.edge} {ask.op}")
        self._minding[ask.id] = task
        task.add_done_callback(lambda _: self._forget(ask.id))

    async def follow(self, ask_id: str) -> AsyncIterator[Told]:
        """The newest word about an ask, then what is newer, up to the last one."""
        self._following[ask_id] += 1
        try:
            async with aclosing(self._errands.follow(ask_id)) as words:
                async for told in words:
                    yield told
        finally:
            self._following[ask_id] -= 1
            if not self._following[ask_id]:
                del self._following[ask_id]

    def newest(self, ask_id: str) -> Told | None:
        """The newest word about an ask; ``None`` of one that is not known."""
        return self._errands.newest(ask_id)

    def minds(self, ask_id: str) -> bool:
        """Whether somebody here still waits for the last word about it."""
        return ask_id in self._minding

    def renew(self, ask_id: str) -> None:
        """Who follows is who wants it: nothing more is to be said."""

    def cancel(self, ask_id: str) -> None:
        """Tell the edge to end it; its last word tells when what it changed is put back."""
        if ask_id in self._minding:
            task = asyncio.create_task(self._say(Ask(id=ask_id, op=CANCEL)), name="cancel an ask")
            self._saying.add(task)
            task.add_done_callback(self._saying.discard)

    # ---- what the edge tells -----------------------------------------------------------------
    def arrived(self, payload: bytes) -> None:
        """A word of the edge. Raises ``BadWord``."""
        told = console_codec.decode_told(payload)
        if told.id not in self._minding:  # another worker's, or of an ask that was given up
            if told.is_final:
                self._ended(told)
            return
        self.counters["answered"] += 1
        known = self._errands.newest(told.id)
        if told.is_final or told.progress is not None or known is None:
            self._tell(told)
        self._heard[told.id].set()

    async def close(self) -> None:
        """Mind nothing any more."""
        tasks = [*self._minding.values(), *self._saying]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- one ask -----------------------------------------------------------------------------
    async def _mind(self, ask: Ask) -> None:
        """Ask, and ask again while somebody follows, until there is a last word."""
        if ask.op in self._before:
            ask = await self._before[ask.op](self, ask)
        while True:
            self._heard[ask.id].clear()
            trouble = await self._ask(ask)
            if trouble is not None:
                self.counters["unanswered"] += 1
                self._tell(Told(id=ask.id, state="failed", error=trouble))
            if self._is_over(ask.id) or not await self._goes_on(ask):
                return

    async def _ask(self, ask: Ask) -> Trouble | None:
        """Ask once; why there was no answer."""
        trouble = await self._say(ask)
        if trouble is not None:
            return trouble
        try:
            async with asyncio.timeout(self._answer_s):
                await self._heard[ask.id].wait()
        except TimeoutError:
            return Trouble(
                code="edge-silent", text=f"The edge {self.edge} does not answer.", hint=_AWAY
            )
        return None

    async def _goes_on(self, ask: Ask) -> bool:
        """Wait until it is time to ask again; false when it is over, or nobody follows."""
        unwatched_since_s: float | None = None
        again_s = self._clock.steady_s() + ask.lease_s / 3
        async with aclosing(self._errands.follow(ask.id)) as words:
            news = asyncio.create_task(_end(words))
            try:
                while True:
                    await asyncio.wait({news}, timeout=0.5)
                    now_s = self._clock.steady_s()
                    if news.done():
                        return False
                    if self._following[ask.id]:
                        unwatched_since_s = None
                        if now_s >= again_s:
                            return True
                        continue
                    unwatched_since_s = unwatched_since_s or now_s
                    if now_s - unwatched_since_s > ask.lease_s:
                        await self._say(Ask(id=ask.id, op=CANCEL))
                        self._tell(Told(id=ask.id, state="cancelled"))
                        return False
            finally:
                news.cancel()
                await asyncio.gather(news, return_exceptions=True)

    async def _say(self, ask: Ask) -> Trouble | None:
        topic = topics.asked(self.site, self.edge, ask.op, ask.id)
        try:
            heard = await self._publish(topic, console_codec.encode(ask), qos=1)
        except NotConnected as error:
            return Trouble(
                code="no-broker",
                text=f"Central is not connected to the broker: {error}.",
                hint="Look at the broker; central connects again by itself.",
            )
        except PublishRefused as error:
            return Trouble(
                code="refused",
                text=f"The broker does not let central ask: {error}.",
                hint="Central needs to write tp/v1/+/+/down/#: see deploy/mosquitto.",
            )
        if heard is False:
            text = f"The edge {self.edge} is not connected to the broker."
            return Trouble(code="edge-away", text=text, hint=_AWAY)
        return None

    def _tell(self, told: Told) -> None:
        self._errands.tell(told)
        if told.is_final:
            self._ended(told)

    def _is_over(self, ask_id: str) -> bool:
        told = self._errands.newest(ask_id)
        return told is None or told.is_final

    def _forget(self, ask_id: str) -> None:
        self._minding.pop(ask_id, None)
        self._heard.pop(ask_id, None)


async def _end(words: AsyncIterator[Told]) -> None:
    """Read up to the last word."""
    async for _ in words:
        continue
