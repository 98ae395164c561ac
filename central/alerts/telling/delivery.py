"""Delivery: notices become messages, and messages go out, each channel by itself and in order.

At least once: a message is written down before it is sent and marked afterwards. What is not taken
is tried later, twice as late each time, and at last given up: a dead letter, which somebody can
look at and send again. A channel that does not answer holds up no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy import Connection

from central.alerts import channels
from central.alerts.model import Channel, ChannelKind, Kind
from central.alerts.telling import outbox
from central.alerts.telling.outbox import Posted
from central.alerts.telling.ways import NotTaken, Way
from central.alerts.telling.words import Message, Told
from central.catalogue.errors import NotFound
from central.database.enduring import follow
from central.database.store import Database
from central.database.tide import Tide
from gateway.clock import Clock, SystemClock

__all__ = ["Delivery", "trial"]

_log = structlog.get_logger(__name__)
_PACE_S = 0.5
_LONGEST_S = 30.0
_LONGEST_SEND_S = 60.0


class Delivery:
    """See the module. ``counters``: ``messages`` (made), ``sent``, ``refused``, ``dead``,
    ``failed``.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        ways: Mapping[ChannelKind, Way],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._database = database
        self._tide = tide
        self._ways = ways
        self._clock = clock or SystemClock()
        self.counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Deliver until cancelled."""
        await follow(
            "alert messages", self.step, tide=self._tide, counters=self.counters, pace_s=_PACE_S
        )

    async def step(self) -> float:
        """Send what is due; answers how many seconds may pass until more is."""
        now_us = self._clock.now_us()
        due_us = await self._database.read(outbox.next_us)
        if due_us is not None and due_us <= now_us:
            made = await self._database.write(lambda c: outbox.pack(c, now_us))
            self.counters["messages"] += made
            waiting = await self._database.read(lambda c: outbox.due(c, now_us))
            by_channel: dict[str, list[Posted]] = defaultdict(list)
            for one in waiting:
                by_channel[one.message.channel].append(one)
            async with asyncio.TaskGroup() as group:
                for messages in by_channel.values():
                    group.create_task(self._send_all(messages))
            due_us = await self._database.read(outbox.next_us)
        if due_us is None:
            return _LONGEST_S
        return min(max((due_us - self._clock.now_us()) / 1e6, 1.0), _LONGEST_S)

    async def _send_all(self, messages: Sequence[Posted]) -> None:
        """One channel's, one after another, up to the first that has to wait."""
        for one in messages:
            if not await self._send(one):
                return

    async def _send(self, one: Posted) -> bool:
        code = one.message.channel
        try:
            channel, secret = await self._database.read(lambda c: _opened(c, code))
            note = await _by(self._ways, channel, secret, one.message)
        except NotFound as gone:
            return await self._refused(one, NotTaken(str(gone), final=True))
        except NotTaken as refusal:
            return await self._refused(one, refusal)
        self.counters["sent"] += 1
        now_us = self._clock.now_us()
        await self._database.write(lambda c: outbox.sent(c, one.message.id, note, now_us))
        return True

    async def _refused(self, one: Posted, refusal: NotTaken) -> bool:
        now_us, why = self._clock.now_us(), str(refusal)
        dead = await self._database.write(
            lambda c: outbox.failed(c, one, why, now_us, final=refusal.final)
        )
        self.counters["dead" if dead else "refused"] += 1
        _log.warning("alert_not_taken", channel=one.message.channel, why=why, given_up=dead)
        return dead


async def trial(ways: Mapping[ChannelKind, Way], channel: Channel, secret: str, now_us: int) -> str:
    """Send a message that says that it is a trial. Returns and raises as ``Way.send``."""
    told = Told(
        event=0, what="raised", at_us=now_us, alert=0, kind=Kind.LOW, severity="info", value=0,
        says=f"a trial of channel {channel.code}: nothing is wrong", limit=None, rule="none",
    )  # fmt: skip
    message = Message(
        id=f"trial-{now_us}-{channel.code}", channel=channel.code, made_us=now_us, told=(told,)
    )
    return await _by(ways, channel, secret, message)


async def _by(
    ways: Mapping[ChannelKind, Way], channel: Channel, secret: str, message: Message
) -> str:
    way = ways.get(channel.kind)
    if way is None:
        raise NotTaken(f"this central has no way to tell by {channel.kind}")
    try:
        async with asyncio.timeout(_LONGEST_SEND_S):
            return await way.send(channel, secret, message)
    except TimeoutError as error:
        raise NotTaken(f"no end of it within {_LONGEST_SEND_S:g} s") from error


def _opened(conn: Connection, code: str) -> tuple[Channel, str]:
    return channels.get(conn, code), channels.secret_of(conn, code)
