"""An MQTT 5 client with an asyncio face: it stays connected, and never loses silently.

``publish`` returns when the broker has acknowledged, and raises otherwise; what to do then is
the caller's (an edge's journal is its queue). Messages from the broker wait until they are
acknowledged by hand, and come again after a reconnection if they were not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import structlog
from paho.mqtt.client import MQTTMessage

from gateway.mqtt_connection import Connection
from gateway.mqtt_settings import (
    ConnectionRefused,
    Incoming,
    MqttSettings,
    NotConnected,
    PublishRefused,
    SubscribeRefused,
    Will,
)

__all__ = [
    "ConnectionRefused",
    "Incoming",
    "MqttClient",
    "MqttSettings",
    "NotConnected",
    "PublishRefused",
    "SubscribeRefused",
    "Will",
]

FAREWELL_TIMEOUT_S = 2.0
SPARE_PLACES = 1_000
"""Places for QoS 0 messages, which no receive maximum holds back."""
_log = structlog.get_logger("gateway.mqtt")


class MqttClient:
    """One broker, one identity. Start ``run`` as a task; everything else waits for it.

    ``on_connected`` is awaited after every (re)connection, once the subscriptions stand: the
    place to publish a presence. It may publish, but must not await ``connected``. What it
    raises ends ``run`` with that error, except ``NotConnected`` and ``PublishRefused``, which
    end the connection. ``jitter`` returns a number in [0, 1).
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        will: Will | None = None,
        on_connected: Callable[[], Awaitable[None]] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._will = will
        self._on_connected = on_connected
        self._jitter = jitter
        self._subscriptions: dict[str, int] = {}
        self._connection: Connection | None = None
        self._ready = asyncio.Event()
        self._waiting: deque[tuple[Connection, Incoming]] = deque()
        self._arrival = asyncio.Event()
        self.generation = 0
        """How often a connection was made; a message belongs to the generation it came by."""
        self.last_error = ""
        """Why there is no connection, or what was refused last; empty while all is well."""
        self.dropped = 0
        """QoS 0 messages dropped because nobody read them in time."""

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._ready.is_set()

    async def connected(self) -> None:
        """Wait until connected, subscribed and announced."""
        await self._ready.wait()

    async def run(self) -> None:
        """Connect and reconnect for ever; cancel to say goodbye and end."""
        attempt = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._connect_and_stay()
            except (ConnectionRefused, SubscribeRefused, PublishRefused, NotConnected) as error:
                self._unwell(str(error))
            except ssl.SSLError as error:
                where = self._settings.address
                self._unwell(
                    f"no TLS with the broker at {where}: {error}; check tls_ca against its "
                    "certificate, our own certificate, and that the port speaks TLS"
                )
            except OSError as error:
                where = self._settings.address
                self._unwell(f"cannot reach the broker at {where}: {error}; is it running there?")
            # Only a connection that held proves that hurrying does no harm.
            held_s = asyncio.get_running_loop().time() - began
            attempt = 0 if held_s > self._settings.keepalive_s else attempt
            await asyncio.sleep(self._delay_s(attempt))
            attempt += 1

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        """Send a message and wait for the broker's acknowledgement (QoS 0: for the socket).

        True when somebody was subscribed, False when the broker said that nobody was (not
        every broker says so). Raises ``PublishRefused`` when the broker said no, and
        ``NotConnected`` when there was no connection or it ended before the answer: the
        message may then have arrived or not.
        """
        if qos not in {0, 1}:
            raise ValueError(f"QoS {qos} is not used here: 0 or 1")
        if self._connection is None:
            raise NotConnected(self.last_error or "not connected yet")
        return await self._connection.publish(topic, payload, qos, retain)

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """Subscribe now (if connected) and after every reconnection.

        Raises ``SubscribeRefused`` when the broker says no now; a refusal after a
        reconnection ends that connection and stands in ``last_error``.
        """
        self._subscriptions[topic_filter] = qos
        if self._connection is None:
            return
        try:
            await self._connection.subscribe(topic_filter, qos)
        except NotConnected:
            return  # the next connection subscribes
        except SubscribeRefused as error:
            del self._subscriptions[topic_filter]
            self.last_error = str(error)
            raise

    async def messages(self) -> AsyncIterator[Incoming]:
        """Messages in the order of their arrival, for one reader, until cancelled."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()[1]
            self._arrival.clear()
            await self._arrival.wait()

    async def _connect_and_stay(self) -> None:
        connection = Connection(self._settings, self._will, self._arrived)
        try:
            await connection.open()
            self.generation += 1
            self._forget_what_comes_again(connection)
            self._connection = connection
            for topic_filter, qos in list(self._subscriptions.items()):
                await connection.subscribe(topic_filter, qos)
            if self._on_connected is not None:
                await self._on_connected()
            self.last_error = ""
            self._ready.set()
            _log.info("connected", broker=self._settings.address, generation=self.generation)
            self._unwell(await asyncio.shield(connection.lost))
        finally:
            self._ready.clear()
            self._connection = None
            await connection.farewell(FAREWELL_TIMEOUT_S)

    def _arrived(self, source: Connection, message: MQTTMessage) -> None:
        limit = self._settings.receive_maximum
        if message.qos == 0 and len(self._waiting) >= limit + SPARE_PLACES:
            self.dropped += 1
            return
        if len(self._waiting) >= 4 * limit + SPARE_PLACES:
            # Lost sessions and a reader that stands still: unread, it stays with the broker.
            why = f"{len(self._waiting)} messages wait unread: what reads them is stuck"
            asyncio.get_running_loop().call_soon(source.close, why)
            return
        ack = _once(partial(source.ack, message.mid)) if message.qos else _nothing
        incoming = Incoming(message.topic, bytes(message.payload), message.qos, message.retain, ack)
        self._waiting.append((source, incoming))
        self._arrival.set()

    def _forget_what_comes_again(self, connection: Connection) -> None:
        """A resumed session delivers again what was not acknowledged; a lost one does not."""
        if connection.session_present:
            kept = [entry for entry in self._waiting if entry[0] is connection or entry[1].qos == 0]
            self._waiting = deque(kept)

    def _delay_s(self, attempt: int) -> float:
        """Full jitter: between nothing and a limit that doubles with each failure."""
        settings = self._settings
        ceiling = min(settings.retry_limit_s, settings.retry_base_s * 2.0 ** min(attempt, 30))
        return ceiling * self._jitter()

    def _unwell(self, why: str) -> None:
        if why != self.last_error:
            _log.warning("not connected", broker=self._settings.address, why=why)
        self.last_error = why


def _once(ack: Callable[[], None]) -> Callable[[], None]:
    remaining = [ack]

    def call() -> None:
        with contextlib.suppress(IndexError):
            remaining.pop()()

    return call


def _nothing() -> None:
    """QoS 0 wants no acknowledgement."""
