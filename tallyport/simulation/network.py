"""A broker and its network in the simulation: an MQTT 5 broker at its worst behaviour.

It acknowledges before it delivers, forgets everything when it crashes (or comes back with its
sessions), drops silently above its queue limit, delivers again what was delivered, and swaps
what stands in line. Connections break, fall silent in one direction or both, and lose what was
under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from random import Random

from gateway import topic_filters
from gateway.link import OnConnected
from gateway.mqtt_settings import Incoming, MqttSettings, NotConnected, PublishRefused, Will
from tallyport.simulation.loop import later

KEEPALIVE_S = (10.0, 20.0)
"""Within this a silent connection is noticed; later than the 8 to 12 s as shipped: harder."""
_RECEIVE_MAXIMUM = 20
Message = tuple[str, bytes, int, bool]
"""Topic, payload, qos, retained."""


class _Session:
    """What a broker remembers of a client."""

    def __init__(self) -> None:
        self.filters: list[str] = []
        self.queue: deque[Message] = deque()
        self.unacked: dict[int, Message] = {}
        self.link: SimLink | None = None
        self.last_id = 0


class SimBroker:
    """See the module. ``queue_limit``, ``doubles``, ``swaps`` and ``denies`` are its faults."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Message] = {}
        self._past: deque[tuple[_Session, Message]] = deque(maxlen=50)
        self._locked_out: list[asyncio.Event] = []
        self.up = True
        self.queue_limit = 1_000
        self.doubles = 0.0
        self.swaps = 0.0
        self.denies: set[str] = set()
        self.dropped = 0
        self.most_queued = 0

    # ---- faults ------------------------------------------------------------------------
    def crash(self, *, forgets: bool) -> None:
        """Down; what it had acknowledged and not delivered is gone with its state."""
        self.up = False
        for session in self._sessions.values():
            if session.link is not None:
                session.link.broken("the broker is gone")
            session.link = None
        if forgets:
            self._sessions.clear()
            self._retained.clear()

    def restart(self) -> None:
        """Up again."""
        self.up = True
        waiting, self._locked_out = self._locked_out, []
        for one in waiting:
            one.set()

    async def back(self) -> None:
        """Wait until it is up."""
        while not self.up:
            again = asyncio.Event()
            self._locked_out.append(again)
            await again.wait()

    def replay(self) -> None:
        """Somebody sends an old message again, long after."""
        if self._past:
            session, message = self._chance.choice(list(self._past))
            if session in self._sessions.values():
                session.queue.append(message)
                self._pump(session)

    # ---- connections -------------------------------------------------------------------
    def connect(self, client_id: str, link: SimLink, *, clean: bool) -> _Session:
        """A client connects; one of the same name is thrown out."""
        session = self._sessions.get(client_id)
        if session is not None and session.link is not None:
            session.link.broken("another client uses the same client id")
        if session is None or clean:
            session = self._sessions[client_id] = _Session()
        session.queue.extendleft(reversed(list(session.unacked.values())))
        session.unacked.clear()
        session.link = link
        return session

    def gone(self, session: _Session, link: SimLink, will: Will | None) -> None:
        """A client vanished: its will is published."""
        if session.link is link:
            session.link = None
            if will is not None:
                self.accept((will.topic, will.payload, will.qos, will.retain))

    def subscribe(self, session: _Session, topic_filter: str) -> None:
        """Subscribe, and get what is retained."""
        if topic_filter not in session.filters:
            session.filters.append(topic_filter)
        for topic, message in self._retained.items():
            if topic_filters.matches(topic_filter, topic):
                session.queue.append(message)
        self._pump(session)

    def accept(self, message: Message) -> None:
        """Take a message for whoever is subscribed."""
        topic, payload, qos, retained = message
        if retained:
            self._retained[topic] = message
        for session in list(self._sessions.values()):
            if not any(topic_filters.matches(one, topic) for one in session.filters):
                continue
            if len(session.queue) >= self.queue_limit:
                self.dropped += 1
                continue
            copies = 2 if self._chance.random() < self.doubles else 1
            session.queue.extend([(topic, payload, qos, False)] * copies)
            if len(session.queue) > 1 and self._chance.random() < self.swaps:
                session.queue.rotate(self._chance.choice((-1, 1)))
            self.most_queued = max(self.most_queued, len(session.queue))
            self._past.append((session, (topic, payload, qos, False)))
            self._pump(session)

    def acked(self, session: _Session, message_id: int) -> None:
        """The client has taken it."""
        session.unacked.pop(message_id, None)
        self._pump(session)

    def _pump(self, session: _Session) -> None:
        while session.link and session.queue and len(session.unacked) < _RECEIVE_MAXIMUM:
            message = session.queue.popleft()
            session.last_id += 1
            session.unacked[session.last_id] = message
            session.link.deliver(session.last_id, message)


class SimLink:
    """A ``Link`` to a ``SimBroker`` over one simulated connection after another."""

    def __init__(
        self,
        broker: SimBroker,
        chance: Random,
        settings: MqttSettings,
        *,
        will: Will | None = None,
        on_connected: OnConnected | None = None,
    ) -> None:
        self._broker = broker
        self._chance = chance
        self._settings = settings
        self._will = will
        self._on_connected = on_connected
        self._filters: list[str] = []
        self._waiting: deque[Incoming] = deque()
        self._arrival = asyncio.Event()
        self._session: _Session | None = None
        self._lost: asyncio.Future[str] | None = None
        self._acks: set[asyncio.Future[bool]] = set()
        self._clear_at = [0.0, 0.0]
        self._held: tuple[list[Callable[[], None]], list[Callable[[], None]]] = ([], [])
        self._ready = False
        self._once_ready = asyncio.Event()
        self._healed = asyncio.Event()
        self.delay_s = 0.02
        self.up_works = self.down_works = True
        self.last_error = "not connected yet"

    @property
    def is_connected(self) -> bool:
        """See ``Link``."""
        return self._ready

    # ---- faults ------------------------------------------------------------------------
    def cut(self, *, up: bool = True, down: bool = True) -> None:
        """Silence in one direction or both; both ends notice after a while."""
        self.up_works, self.down_works = self.up_works and not up, self.down_works and not down
        self._watch()

    def heal(self) -> None:
        """The network works again: what was sent meanwhile comes after all, if the connection
        has not been given up (TCP sends again).
        """
        self.up_works = self.down_works = True
        self._healed.set()
        for direction, held in enumerate(self._held):
            late, held[:] = held[:], []
            for arrive in late:
                self._travel(direction, arrive)

    def broken(self, why: str) -> None:
        """The connection ends here and now; the broker knows."""
        if self._session is not None and self._session.link is self:
            self._session.link = None
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(why)

    def reset(self) -> None:
        """A TCP reset: what is under way is lost."""
        session = self._session
        self.broken("connection reset")
        if session is not None and self._broker.up:
            self._broker.gone(session, self, self._will)

    def vanish(self) -> None:
        """The process died: its socket closes."""
        if self._session is not None and self._session.link is self:
            self._broker.gone(self._session, self, self._will)

    def _watch(self) -> None:
        """A connection that is silent for too long is given up."""
        lost = self._lost
        if lost is None or lost.done() or (self.up_works and self.down_works):
            return

        def give_up() -> None:
            if self._lost is lost and not (self.up_works and self.down_works):
                self.reset()

        later(self._chance.uniform(*KEEPALIVE_S), give_up)

    # ---- the link ----------------------------------------------------------------------
    async def run(self) -> None:
        """See ``Link``. Tries that must fail are not made: the next one after them is."""
        try:
            while True:
                await asyncio.sleep(self._chance.uniform(0.0, self._settings.retry_limit_s))
                if self._broker.up and self.up_works and self.down_works:
                    await self._stay()
                    continue
                self.last_error = "cannot reach the broker"
                await self._broker.back()
                while not (self.up_works and self.down_works):
                    self._healed.clear()
                    await self._healed.wait()
        finally:
            self._ready = False
            self.reset()

    async def _stay(self) -> None:
        lost = self._lost = asyncio.get_running_loop().create_future()
        self._acks = set()
        for held in self._held:
            held.clear()
        lost.add_done_callback(self._fail_what_waits)
        self._session = self._broker.connect(
            self._settings.client_id, self, clean=self._settings.clean_start
        )
        for topic_filter in self._filters:
            self._broker.subscribe(self._session, topic_filter)
        self._watch()
        try:
            if self._on_connected is not None:
                await self._on_connected()
            self._ready, self.last_error = True, ""
            self._once_ready.set()
            self.last_error = await lost
        except NotConnected:
            pass
        finally:
            self._ready = False

    def _fail_what_waits(self, lost: asyncio.Future[str]) -> None:
        self._ready = False
        why = "closed by us" if lost.cancelled() else lost.result()
        for waiting in list(self._acks):
            if not waiting.done():
                waiting.set_exception(NotConnected(why))

    async def connected(self) -> None:
        """See ``Link``."""
        while not self._ready:
            self._once_ready.clear()
            await self._once_ready.wait()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        """See ``Link``."""
        lost = self._lost
        if lost is None or lost.done():
            raise NotConnected(self.last_error)
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._acks.add(waiting)
        waiting.add_done_callback(self._acks.discard)
        message = (topic, payload, qos, retain)
        self._travel(0, lambda: self._at_the_broker(message, waiting, lost))
        later(self._settings.ack_timeout_s, lambda: self._unanswered(waiting, lost))
        return await waiting

    def _at_the_broker(
        self, message: Message, waiting: asyncio.Future[bool], lost: asyncio.Future[str]
    ) -> None:
        if lost.done() or not self._broker.up:
            return
        refused = message[0] in self._broker.denies
        if not refused:
            self._broker.accept(message)
        self._travel(1, lambda: self._answered(message[0], waiting, lost, refused=refused))

    @staticmethod
    def _answered(
        topic: str, waiting: asyncio.Future[bool], lost: asyncio.Future[str], *, refused: bool
    ) -> None:
        if waiting.done() or lost.done():
            return
        if refused:
            waiting.set_exception(PublishRefused(topic, 0x87, "Not authorized"))
        else:
            waiting.set_result(True)

    def _unanswered(self, waiting: asyncio.Future[bool], lost: asyncio.Future[str]) -> None:
        if not waiting.done() and not lost.done():
            self.reset()

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """See ``Link``; everything is delivered as if asked for with QoS 1."""
        del qos
        if topic_filter not in self._filters:
            self._filters.append(topic_filter)
        if self._session is not None and self._lost is not None and not self._lost.done():
            self._broker.subscribe(self._session, topic_filter)

    async def messages(self) -> AsyncIterator[Incoming]:
        """See ``Link``."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._arrival.clear()
            await self._arrival.wait()

    def deliver(self, message_id: int, message: Message) -> None:
        """The broker sends a message down."""
        lost, session = self._lost, self._session
        topic, payload, qos, retained = message

        def acked() -> None:
            if lost is not None and not lost.done() and session is not None and self._broker.up:
                self._broker.acked(session, message_id)

        def ack() -> None:
            self._travel(0, acked)

        def arrived() -> None:
            if lost is not None and not lost.done():
                self._waiting.append(Incoming(topic, payload, qos, retained, ack))
                self._arrival.set()

        self._travel(1, arrived)

    def _travel(self, direction: int, arrive: Callable[[], None]) -> None:
        """Within a connection nothing overtakes (TCP)."""
        if not (self.up_works, self.down_works)[direction]:
            self._held[direction].append(arrive)
            return
        now = asyncio.get_running_loop().time()
        takes = self._chance.expovariate(1 / self.delay_s)
        at = max(now + takes, self._clear_at[direction] + 1e-6)
        self._clear_at[direction] = at
        later(at - now, arrive)
