"""Receive: batches from edges become the observation log, each observation exactly once.

An edge's stream is ``(edge, epoch)`` and its sequence numbers are dense. Central takes what
continues the stream, drops what it has, refuses what would leave a gap, and moves the
watermark in the transaction that stores the observations; only after that commit are the
messages acknowledged and the watermark published. A payload that is not of the contract goes
to quarantine with its bytes, and is acknowledged: it would never get better.

Of several workers each hears every edge and takes those of its own partitions. What nobody took
while a partition changed hands is asked for again by the watermark that its new owner tells.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from central.database.leases import Alone, Gained, Holder
from central.database.store import Database, blames_the_row, passes_by
from central.database.tide import Tide
from central.intake import observations, pieces, presence, quarantine
from central.intake.answers import Consoles, NoConsoles, is_answer
from central.intake.observations import Arrived
from central.intake.partitions import partition_of
from central.intake.payloads import decode
from central.intake.streams import Decision, Stream, admit, advance, begin, load, standing
from central.intake.watermarks import publish
from gateway import codec, topics
from gateway.clock import Clock, SystemClock
from gateway.contract import Batch, ContractError, Presence, Watermark
from gateway.link import Link
from gateway.mqtt_settings import Incoming

__all__ = ["Ingest", "Outcome"]

_log = structlog.get_logger("central.intake.ingest")
_TOGETHER = 50
"""At most so many messages share one transaction: bounds its length and our memory."""
_MOST_UNASKED = 1_000
"""So many messages may wait before such as need no acknowledgement are dropped."""
_RETRY_S = 1.0
_TELL_EVERY_S = 60.0


Preview = Callable[[str, bytes], None]
"""Takes what an edge tells ahead of the books: topic and payload."""


class Outcome(NamedTuple):
    """What became of some messages: watermarks to publish, by topic and epoch, and counters."""

    watermarks: dict[tuple[str, str], Watermark]
    counted: Counter[str]


class Ingest:
    """See the module. ``counters``: ``messages``, ``observations``, ``repeated``, ``gaps``,
    ``lost``, ``forgotten``, ``fenced``, ``quarantined``, ``quarantine_gone``,
    ``elsewhere`` (another worker's), ``dropped``, ``previews_failed``, ``retries``.
    """

    def __init__(
        self,
        database: Database,
        tide: Tide,
        *,
        clock: Clock | None = None,
        preview: Preview | None = None,
        holder: Holder | None = None,
        quarantined: quarantine.Limits | None = None,
        consoles: Consoles | None = None,
    ) -> None:
        self._database = database
        self._quarantined = quarantined or quarantine.Limits()
        self._holder = holder or Alone()
        self._tide = tide
        self._clock = clock or SystemClock()
        self._preview = preview
        self._consoles = consoles or NoConsoles()
        self._told_at_s = -_TELL_EVERY_S
        self.counters: Counter[str] = Counter()

    async def run(self, client: Link) -> None:
        """Take messages until cancelled. A database that is away, full or not as it should be is
        tried again for ever, with the messages unacknowledged meanwhile; only an observation that
        it will never take for its own sake goes to quarantine.
        """
        await client.subscribe(topics.ALL_OBSERVATIONS)
        if self._preview is not None:
            await client.subscribe(topics.ALL_LIVE, qos=0)
        await client.subscribe(topics.ALL_ANSWERS)
        waiting: asyncio.Queue[Incoming | Gained] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(client, waiting))
            group.create_task(self._follow_gains(waiting))
            while True:
                messages: list[Incoming] = []
                gained = await _some(waiting, messages)
                if messages:
                    outcome = await self._take(messages)
                    await publish(client, outcome.watermarks, self.counters)
                for message in messages:
                    message.ack()
                if gained is not None:
                    await self._say_where_we_stand(client, gained)

    async def _follow_gains(self, waiting: asyncio.Queue[Incoming | Gained]) -> None:
        """In the queue of messages: what is told of a stream never overtakes its commits."""
        async for gained in self._holder.gains():
            waiting.put_nowait(gained)

    async def _say_where_we_stand(self, client: Link, gained: Gained) -> None:
        """After a restore every edge must know at once that central went back, and after another
        worker's death that what was on the way is to be sent again. A new subscription lets the
        broker tell once more who is present.
        """
        await client.connected()
        await client.subscribe(topics.ALL_STATUS)
        found = await self._standing()
        marks = {
            (topics.watermark(site, mark.edge), mark.epoch): msgspec.structs.replace(
                mark, again=gained.after_another
            )
            for site, mark in found
            if partition_of(mark.edge) in gained.partitions
        }
        await publish(client, marks, self.counters)

    async def _standing(self) -> list[tuple[str, Watermark]]:
        while True:
            try:
                return await self._database.read(standing)
            except DBAPIError as error:
                if not passes_by(error):
                    raise
                await self._wait_out(error)

    async def _pump(self, client: Link, waiting: asyncio.Queue[Incoming | Gained]) -> None:
        """Bounded by the client's receive maximum: nothing more comes while nothing is acked.
        What is only a preview passes by the queue, and what is another worker's passes by us.
        """
        async for message in client.messages():
            address = topics.parse(message.topic)
            if is_answer(self._consoles, address, message):
                continue
            if self._preview is not None and address is not None and address.leaf == "up/live":
                self._show(self._preview, message)
            elif message.qos == 0 and waiting.qsize() >= _MOST_UNASKED:
                self.counters["dropped"] += 1  # edges use QoS 1, which the broker holds back
            elif _partition(message.topic) in self._holder.held:
                waiting.put_nowait(message)
            else:
                self.counters["elsewhere"] += 1
                message.ack()

    def _show(self, preview: Preview, message: Incoming) -> None:
        try:
            preview(message.topic, message.payload)
        except Exception:  # noqa: BLE001 (told and counted: a picture must not stop the books)
            self.counters["previews_failed"] += 1
            _log.exception("preview_failed", topic=message.topic)

    async def _take(self, messages: Sequence[Incoming]) -> Outcome:
        while True:
            try:
                return await self.receive([(m.topic, m.payload) for m in messages])
            except DBAPIError as error:
                if blames_the_row(error):
                    return await self._take_apart(messages, error)
                await self._wait_out(error)

    async def _take_apart(self, messages: Sequence[Incoming], error: DBAPIError) -> Outcome:
        """One of some messages cannot be stored, ever: it goes aside, and the others in."""
        if len(messages) == 1:
            return await self._take_piece(messages[0].topic, messages[0].payload, error)
        told = Outcome({}, Counter())
        for message in messages:
            told.watermarks.update((await self._take([message])).watermarks)
        return told

    async def _take_piece(self, topic: str, payload: bytes, error: DBAPIError) -> Outcome:
        """Of a batch that cannot be stored, halve by halve, all goes in but the observation that
        is at fault: its stream goes on without it, and counts it as lost.
        """
        reason = f"the database refuses it: {error.orig}"
        batch = decode(topic, payload)
        if not isinstance(batch, Batch) or not batch.observations:
            return await self._set_aside(topic, payload, reason)
        told = Outcome({}, Counter())
        if len(batch.observations) > 1:
            smaller = pieces.halves(batch)
        else:
            told = await self._set_aside(topic, payload, reason)
            smaller = [pieces.without(batch)]
        for piece in smaller:
            one = Incoming(topic, codec.encode(piece), 1, False, _nothing)
            told.watermarks.update((await self._take([one])).watermarks)
        return told

    async def _set_aside(self, topic: str, payload: bytes, reason: str) -> Outcome:
        now_us = self._clock.now_us()

        def keep(conn: Connection) -> int:
            quarantine.set_aside(conn, topic, payload, reason, now_us)
            return quarantine.bound(conn, self._quarantined)

        while True:
            try:
                gone = await self._database.write(keep)
            except DBAPIError as error:
                if not passes_by(error):
                    raise
                await self._wait_out(error)
            else:
                self.counters.update(messages=1, quarantined=1, quarantine_gone=gone)
                return Outcome({}, Counter())

    async def _wait_out(self, error: DBAPIError) -> None:
        """Say so when it begins and once a minute, not at every try."""
        self.counters["retries"] += 1
        now_s = self._clock.steady_s()
        if now_s >= self._told_at_s + _TELL_EVERY_S:
            self._told_at_s = now_s
            hint = "disk full?" if passes_by(error) else "its tables, or the rights of our role?"
            _log.error("ingest_waits_for_the_database", why=str(error.orig), hint=hint)
        await asyncio.sleep(_RETRY_S)

    async def receive(self, messages: Sequence[tuple[str, bytes]]) -> Outcome:
        """Commit some messages (topic and payload) in one transaction; raises the tide."""
        record_us = self._clock.now_us()
        decoded = [(topic, payload, decode(topic, payload)) for topic, payload in messages]
        outcome = await self._database.write(
            lambda conn: _commit(conn, decoded, record_us, self._holder, self._quarantined)
        )
        self.counters.update(outcome.counted)
        self._tide.rise()
        return outcome


async def _some(
    waiting: asyncio.Queue[Incoming | Gained], messages: list[Incoming]
) -> Gained | None:
    """Wait for something; put messages into ``messages``, up to what was gained, if anything."""
    one = await waiting.get()
    while not isinstance(one, Gained):
        messages.append(one)
        if len(messages) == _TOGETHER or waiting.empty():
            return None
        one = waiting.get_nowait()
    return one


def _partition(topic: str) -> int:
    """An edge's, or for what is nobody's the topic's own: somebody must set it aside."""
    address = topics.parse(topic)
    return partition_of(topic if address is None else address.edge)


def _nothing() -> None:
    """A piece has nothing to acknowledge: its message has."""


def _commit(
    conn: Connection,
    decoded: Sequence[tuple[str, bytes, Batch | Presence | ContractError]],
    record_us: int,
    holder: Holder,
    quarantined: quarantine.Limits,
) -> Outcome:
    ours = {one.no for one in holder.mine(conn)}
    counted: Counter[str] = Counter(messages=len(decoded))
    watermarks: dict[tuple[str, str], Watermark] = {}
    arrived: list[Arrived] = []
    streams: dict[tuple[str, str], Stream] = {}
    for topic, payload, told in decoded:
        if _partition(topic) not in ours:
            counted["elsewhere"] += 1  # lost to another worker since we heard it
        elif isinstance(told, ContractError):
            quarantine.set_aside(conn, topic, payload, str(told), record_us)
            counted["quarantined"] += 1
        elif isinstance(told, Presence):
            presence.keep(conn, told)
        else:
            mark = _admit(conn, topic, told, streams, arrived, counted, record_us)
            address = topics.parse(topic)
            assert address is not None
            watermarks[topics.watermark(address.site, told.edge), told.epoch] = mark
    observations.append(conn, arrived, record_us)
    counted["observations"] += len(arrived)
    if counted["quarantined"]:
        counted["quarantine_gone"] = quarantine.bound(conn, quarantined)
    return Outcome(watermarks, counted)


def _admit(  # noqa: PLR0917 (one step of _commit)
    conn: Connection,
    topic: str,
    batch: Batch,
    streams: dict[tuple[str, str], Stream],
    arrived: list[Arrived],
    counted: Counter[str],
    record_us: int,
) -> Watermark:
    key = (batch.edge, batch.epoch)
    stream = streams.get(key) or load(conn, batch)
    admission = admit(stream, batch)
    if admission.decision is Decision.TAKE:
        first = batch.first_seq + admission.skip
        arrived += [
            Arrived(edge=batch.edge, epoch=batch.epoch, seq=seq, observation=observation)
            for seq, observation in enumerate(batch.observations[admission.skip :], start=first)
        ]
        counted["repeated"] += admission.skip
        if not stream.known:
            _begin(conn, topic, batch, streams, counted, record_us)
    elif admission.decision is Decision.REPEAT:
        counted["repeated"] += len(batch.observations)
    else:
        counted["gaps" if admission.decision is Decision.GAP else "fenced"] += 1
        _log.warning(
            "batch_refused", why=admission.decision.value, edge=batch.edge,
            expected=stream.upto_seq + 1, first_seq=batch.first_seq,
        )  # fmt: skip
    counted["lost"] += admission.lost
    if admission.lost:
        _log.error(
            "observations_lost", edge=batch.edge, epoch=batch.epoch, count=admission.lost,
            before=batch.first_seq,
        )  # fmt: skip
    announces_more = stream.known and batch.committed_seq > stream.committed_seq
    if admission.decision is Decision.TAKE or announces_more:
        stream = advance(conn, stream, batch, admission, record_us)
    streams[key] = stream
    return Watermark(
        edge=batch.edge, epoch=batch.epoch, upto_seq=stream.upto_seq, fenced=stream.fenced
    )


def _begin(  # noqa: PLR0917 (one step of _admit)
    conn: Connection,
    topic: str,
    batch: Batch,
    streams: dict[tuple[str, str], Stream],
    counted: Counter[str],
    record_us: int,
) -> None:
    """Begin the stream of a new epoch, and tell what that says of its elders."""
    address = topics.parse(topic)
    assert address is not None
    for known in [known for known in streams if known[0] == batch.edge]:
        del streams[known]  # fenced now
    begun = begin(conn, address.site, batch, record_us)
    counted.update(lost=begun.missing, forgotten=begun.forgotten)
    tell = _log.warning if begun.anew else _log.info
    tell("journal_seen_first", edge=batch.edge, epoch=batch.epoch, anew=begun.anew)
    if begun.missing:
        _log.error(
            "observations_missing", edge=batch.edge, count=begun.missing, after=batch.after_epoch,
            hint="an earlier start of this edge had announced them: look at its card",
        )  # fmt: skip
    if begun.forgotten:
        _log.error(
            "card_forgot", edge=batch.edge, count=begun.forgotten, after=batch.after_epoch,
            hint="central has them, its disk does not: it lies about syncs, or is a copy",
        )  # fmt: skip
