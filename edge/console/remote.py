"""Central at the edge's desk: asks come over the broker, and what is told of them goes back.

Progress goes with QoS 0 and is lost without harm; the last word goes with QoS 1. A last word
that was lost with the connection is told again when central asks again, which it does until it
has heard one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol

import structlog

from gateway import console_codec, topics
from gateway.console import CANCEL, ENDS, Ask, Told, Trouble
from gateway.mqtt_settings import NotConnected, PublishRefused

_log = structlog.get_logger("edge.console.remote")


class Asked(Protocol):
    """The desk, as far as central reaches it."""

    def start(self, ask: Ask) -> None:
        """Run what is asked."""
        ...

    def follow(self, ask_id: str) -> AsyncIterator[Told]:
        """What is told of it."""
        ...

    def newest(self, ask_id: str) -> Told | None:
        """The newest word about it."""
        ...

    def cancel(self, ask_id: str) -> None:
        """End it."""
        ...


class Publish(Protocol):
    """A link's ``publish``."""

    async def __call__(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> object:
        """Send. Raises ``NotConnected`` and ``PublishRefused``."""
        ...


class Remote:
    """``take`` is handed what arrives below ``down/cmd``. ``counters``: ``asks_unreadable``."""

    def __init__(self, desk: Asked, publish: Publish, *, site: str, edge: str) -> None:
        self._desk = desk
        self._publish = publish
        self._site, self._edge = site, edge
        self._telling: dict[str, asyncio.Task[None]] = {}
        self.counters = {"asks_unreadable": 0}

    @property
    def topic_filter(self) -> str:
        """What to subscribe to."""
        return topics.asked(self._site, self._edge, "+", "+")

    def take(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        """An ask arrived. A retained one is nobody's who still waits: it is not carried out."""
        address = topics.parse_command(topic)
        if address is None or retained:
            self.counters["asks_unreadable"] += 1
            return
        try:
            ask = console_codec.decode_ask(payload, address)
        except console_codec.BadWord as error:
            self.counters["asks_unreadable"] += 1
            _log.warning("ask_unreadable", op=address.op, why=str(error))
            trouble = Trouble(
                code="unreadable",
                text=f"The edge cannot read this: {error}.",
                hint="Central and the edge may be of different versions: update the older one.",
            )
            told = Told(id=address.id, state="failed", error=trouble)
            self._begin(address.id, self._tell(address.op, told))
            return
        if ask.op == CANCEL:
            self._desk.cancel(ask.id)
            return
        if ask.op == ENDS:
            self._begin(ask.id, self._tell(ask.op, self._ends(ask)))
            return
        self._desk.start(ask)
        if not self._begin(ask.id, self._tell_all(ask)):
            self._again(ask)

    async def close(self) -> None:
        """Tell nothing more."""
        tasks = list(self._telling.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _again(self, ask: Ask) -> None:
        """Asked again while it runs: whoever asks wants to know whether we are there."""
        told = self._desk.newest(ask.id)
        if told is not None and not told.is_final:
            self._begin(f"{ask.id} again", self._tell(ask.op, told))

    def _ends(self, ask: Ask) -> Told:
        """What became of other asks."""
        ids = ask.arguments.get("ids")
        known = {one: self._desk.newest(str(one)) for one in (ids if isinstance(ids, list) else ())}
        words = {
            str(one): {"state": told.state} | ({"code": told.error.code} if told.error else {})
            for one, told in known.items()
            if told is not None
        }
        return Told(id=ask.id, state="done", result=words)

    def _begin(self, ask_id: str, work: Coroutine[Any, Any, None]) -> bool:
        """False where the same is being told already."""
        if ask_id in self._telling:
            work.close()
            return False
        task = asyncio.create_task(work, name=f"telling {ask_id}")
        self._telling[ask_id] = task
        task.add_done_callback(lambda _: self._telling.pop(ask_id, None))
        return True

    async def _tell_all(self, ask: Ask) -> None:
        async for told in self._desk.follow(ask.id):
            await self._tell(ask.op, told)

    async def _tell(self, op: str, told: Told) -> None:
        payload = console_codec.encode(told)
        if len(payload) > console_codec.MOST_BYTES:
            trouble = Trouble(code="too-large", text=f"The answer to {op} is too large to be sent.")
            payload = console_codec.encode(Told(id=told.id, state="failed", error=trouble))
        topic = topics.answered(self._site, self._edge, op, told.id)
        try:
            await self._publish(topic, payload, qos=1 if told.is_final else 0)
        except (NotConnected, PublishRefused) as error:
            if told.is_final:
                _log.warning("answer_not_sent", op=op, why=str(error))
