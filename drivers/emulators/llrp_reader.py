"""An LLRP 1.0.1 reader on TCP, emulated: what it should read is handed to ``report``.

It behaves like a reader towards any client: capabilities with a power table and RF modes,
configuration, the whole life of ROSpecs (Immediate, Null and GPI triggers), keepalives,
one client at a time, events, Impinj's phase, RSSI and Doppler. Reads that no client can
take are held, 66,000 messages at most as Zebra's FX readers do, and delivered when a client
is inventorying again. ``faults`` makes it misbehave as readers and networks do; words for that
are in ``drivers.emulators.llrp_fault_words``.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from drivers.emulators import llrp_encode as encode
from drivers.emulators.llrp_faults import Faults
from drivers.emulators.llrp_model import ReaderModel
from drivers.emulators.llrp_rospec import INACTIVE, Rospec
from drivers.emulators.llrp_session import Session
from drivers.llrp.frames import (
    CLOSE_CONNECTION,
    ENABLE_EVENTS_AND_REPORTS,
    GET_REPORT,
    KEEPALIVE_ACK,
    Frame,
)
from drivers.readings import TagRead

HELD_MESSAGES_MAX = 66_000
_GPI_EVENT, _ANTENNA_EVENT = 1, 8
_ITS_OWN_CALL, _ANOTHER_CLIENT, _ATTEMPTED = 1, 2, 4
"""Statuses of a ConnectionAttemptEvent: who holds the reader, and that somebody tried to."""
_RECEIVED_MAX = 1_000
_MESSAGES_PER_WRITE = 64


@dataclass(slots=True)
class Taken:
    """A client that had the reader: since when (microseconds since 1970), and the tag reads that
    were written to it.
    """

    since_us: int
    reads: int = 0


class EmulatedReader:
    """A reader at ``host``:``port`` (0 picks a free one; ``start`` returns it), or one that
    ``dials`` a host and port itself, again after ``redial_s``; with ``tls`` it speaks TLS.

    ``delivered`` counts tag reads written to a client (``delivered_of`` by EPC), ``dropped``
    those that fell out of the full hold queue, ``unheard`` those at an antenna or a time that
    the client's ROSpec does not read. ``tags_per_report`` holds where the ROSpec asks for no
    number. ``facts``, if given, is what the reader is, whatever the other arguments say.
    ``booted_us`` is when it was switched on, on the monotonic clock.
    ``model`` is the reader's state, ``received`` the client's last 1,000 messages.
    """

    def __init__(
        self,
        *,
        antennas: int = 2,
        vendor_pen: int = encode.IMPINJ_PEN,
        model: int = 2_001_002,
        firmware: str = "5.14.0",
        host: str = "127.0.0.1",
        port: int = 0,
        gpis: int = 4,
        gpos: int = 4,
        rf_modes: Sequence[encode.RfMode] = encode.RF_MODES,
        power_dbm: tuple[float, float, float] = (10.0, 30.0, 0.25),
        tags_per_report: int = 32,
        held_messages_max: int = HELD_MESSAGES_MAX,
        facts: encode.ReaderFacts | None = None,
        has_utc_clock: bool = True,
        identity: str = "001625FFFF005452",
        tls: ssl.SSLContext | None = None,
        dials: tuple[str, int] | None = None,
        redial_s: float = 1.0,
    ) -> None:
        low, high, step = power_dbm
        facts = facts or encode.ReaderFacts(
            antennas=antennas,
            vendor_pen=vendor_pen,
            model=model,
            firmware=firmware,
            gpis=gpis,
            gpos=gpos,
            rf_modes=tuple(rf_modes),
            power_min_dbm=low,
            power_max_dbm=high,
            power_step_db=step,
            has_utc_clock=has_utc_clock,
            identity=bytes.fromhex(identity),
        )
        self.model = ReaderModel(facts)
        self.host, self.port = host, port
        self.faults = Faults()
        self.received: deque[Frame] = deque(maxlen=_RECEIVED_MAX)
        self.calls = self.connections = self.delivered = self.dropped = self.unheard = 0
        self.delivered_of: Counter[str] = Counter()
        self.taken: list[Taken] = []
        self._tags_per_report = tags_per_report
        self._held: deque[list[TagRead] | bytes] = deque()
        self._held_messages_max = held_messages_max
        self._tls = tls
        self._dials, self._redial_s = dials, redial_s
        self._calling: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None
        self._sessions: set[Session] = set()
        self._client: Session | None = None
        self._changed = asyncio.Condition()
        self._delivering = asyncio.Lock()
        self._message_id = 0
        self.booted_us = time.monotonic_ns() // 1_000

    async def start(self) -> int:
        """Listen, or dial out; returns the port."""
        if self._dials is not None:
            self._calling = asyncio.create_task(self._call(*self._dials))
            return self._dials[1]
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self._tls)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Close everything; ROSpecs and held reads stay, as after a network failure."""
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.gather(self._calling, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.abort()
        await self.wait_until(lambda: not self._sessions)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def power_cycle(self) -> None:
        """Restart: connection, ROSpecs, settings and held reads (counted) are gone."""
        self.model.restart()
        self.dropped += sum(len(held) for held in self._held if isinstance(held, list))
        self._held.clear()
        self.booted_us = time.monotonic_ns() // 1_000
        self.drop()

    def clock_us(self) -> int:
        """The reader's own clock: UTC, or the time since it was switched on."""
        if self.model.facts.has_utc_clock:
            return time.time_ns() // 1_000 + self.faults.clock_shift_us
        return time.monotonic_ns() // 1_000 - self.booted_us

    def _event(self, event: bytes) -> bytes:
        return encode.event(self.clock_us(), event, uptime=not self.model.facts.has_utc_clock)

    @property
    def connected(self) -> bool:
        """Whether a client holds the reader."""
        return self._client is not None

    @property
    def inventorying(self) -> bool:
        """Whether a client is connected, wants reports, and a ROSpec is active."""
        client = self._client
        return client is not None and not client.holding and self.model.active is not None

    @property
    def held(self) -> int:
        """Messages waiting for a client."""
        return len(self._held)

    async def wait_inventorying(self) -> None:
        """Return as soon as ``inventorying``."""
        await self.wait_until(lambda: self.inventorying)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as ``condition`` holds; looked at after each message and change."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def report(self, reads: Sequence[TagRead]) -> None:
        """Read these tags: write them to the client, or hold them until one can take them.

        Waits until everything that could be written is out of this process. While a ROSpec
        waits for its GPI edge the field is off, and the reads are ``unheard``.
        """
        spec = self.model.active
        waiting = (
            spec.state == INACTIVE and spec.gpi_start for spec in self.model.rospecs.values()
        )
        if spec is None and any(waiting):
            self.unheard += len(reads)
            return
        size = (spec.tags_per_report if spec else 0) or self._tags_per_report
        for start in range(0, len(reads), size):
            self._hold(list(reads[start : start + size]))
        await self._deliver()

    async def gpi(self, port: int, state: bool) -> None:
        """Drive an input: sends its event where the client enabled it, pulls GPI triggers."""
        settings = self.model.settings
        if settings.gpi_state[port] == state:
            return
        self.model.drive_gpi(port, state=state)
        if settings.gpi_enabled[port] and settings.events[_GPI_EVENT]:
            self._hold(self._event(encode.gpi_event(port, state=state)))
        await self._notify()
        await self._deliver()

    async def antenna(self, port: int, connected: bool) -> None:
        """Plug or pull an antenna's cable."""
        self.model.settings.antenna_connected[port] = connected
        if self.model.settings.events[_ANTENNA_EVENT]:
            self._hold(self._event(encode.antenna_event(port, state=connected)))
        await self._deliver()

    async def send_raw(self, data: bytes) -> None:
        """Write any bytes to the client; ``ConnectionError`` when there is none."""
        if self._client is None:
            raise ConnectionError("No client is connected to the emulated reader")
        await self._client.write(data)

    def drop(self) -> None:
        """Cut the client's connection as a network does: at once, in the middle of anything."""
        if self._client is not None:
            self._client.abort()

    def _hold(self, held: list[TagRead] | bytes) -> None:
        while len(self._held) >= self._held_messages_max:
            oldest = self._held.popleft()
            self.dropped += len(oldest) if isinstance(oldest, list) else 0
        self._held.append(held)

    async def _deliver(self) -> None:
        async with self._delivering:
            while (client := self._client) and not client.holding and not self._mute():
                batch = self._due()
                if not batch:
                    return
                messages, heard = self._encoded(batch)
                try:
                    await client.write(messages)
                except ConnectionError:
                    self._held.extendleft(reversed(batch))
                    return
                except asyncio.CancelledError:
                    self._held.extendleft(reversed(batch))
                    raise
                self.delivered += len(heard)
                self.taken[-1].reads += len(heard)
                self.delivered_of.update(read.epc for read in heard)

    def _mute(self) -> bool:
        return self.faults.silent or self.faults.stalled

    def _due(self) -> list[list[TagRead] | bytes]:
        """The oldest held messages that can go now: events always, reads with a ROSpec."""
        due: list[list[TagRead] | bytes] = []
        active = self.model.active is not None
        while self._held and len(due) < _MESSAGES_PER_WRITE:
            if not active and not isinstance(self._held[0], bytes):
                break
            due.append(self._held.popleft())
        return due

    def _encoded(self, batch: list[list[TagRead] | bytes]) -> tuple[bytes, list[TagRead]]:
        spec = self.model.active
        messages: list[bytes] = []
        all_heard: list[TagRead] = []
        for held in batch:
            if isinstance(held, bytes):
                messages.append(held)
            else:
                assert spec is not None
                heard = [read for read in held if spec.hears(read)]
                self.unheard += len(held) - len(heard)
                all_heard += heard
                messages += self._reports(heard, spec)
        return b"".join(messages), all_heard

    def _reports(self, heard: list[TagRead], spec: Rospec) -> list[bytes]:
        if not heard:
            return []
        self._message_id = (self._message_id + 1) & 0xFFFFFFFF
        utc = self.model.facts.has_utc_clock
        uptime_us = None if utc else self.clock_us() - time.time_ns() // 1_000
        worn = [self.faults.worn(read, uptime_us) for read in heard]
        return [encode.tag_report(worn, spec.content, self._message_id)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(reader, writer, self.faults, self.model.settings)
        self._sessions.add(session)
        self.connections += 1
        try:
            if self.faults.busy or self._client is not None:
                held_by = _ITS_OWN_CALL if self._dials else _ANOTHER_CLIENT
                await session.write(self._event(encode.connection_attempt(held_by)))
                if self._client is not None:
                    await self._client.write(self._event(encode.connection_attempt(_ATTEMPTED)))
                return
            self._client = session
            self.taken.append(Taken(time.time_ns() // 1_000))
            session.holding = self.model.settings.hold_upon_reconnect
            await session.write(self._event(encode.connection_attempt(0)))
            session.keep_alive()
            async for frame in session.frames():
                self.received.append(frame)
                await self._answer(session, frame)
                await self._notify()
                await self._deliver()
        except ConnectionError:
            pass  # the client went away: what it did not take is held
        finally:
            if self._client is session:
                self._client = None
            try:
                await session.close()
            finally:  # also where it is told to stop meanwhile, and waits for the last to go
                self._sessions.discard(session)
                await self._notify()

    async def _call(self, host: str, port: int) -> None:
        """Dial out, and again whenever the connection ends (reader-initiated connections)."""
        while True:
            self.calls += 1
            with suppress(OSError):
                await self._serve(*await asyncio.open_connection(host, port, ssl=self._tls))
            await asyncio.sleep(self._redial_s)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _answer(self, session: Session, frame: Frame) -> None:
        if frame.kind in self.faults.ignore:
            return
        if frame.kind == KEEPALIVE_ACK:
            session.acknowledged()
        elif frame.kind in (GET_REPORT, ENABLE_EVENTS_AND_REPORTS):
            session.release()
        else:
            answer = self.model.answer(frame, self.faults.refuse.get(frame.kind))
            await session.write(self.faults.before.pop(frame.kind, b"") + answer)
            session.keep_alive()
            if frame.kind == CLOSE_CONNECTION:
                session.end()
