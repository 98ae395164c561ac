"""A small MQTT 5 broker of our own, for the demo and for sites of one box.

QoS 0 and 1, retained messages, wills, sessions that outlive connections, everything bounded.
What it does not do it refuses in MQTT 5's own words: QoS 2, shared subscriptions, topic
aliases, older versions. A publisher is never lied to: PUBACK follows once every subscriber's
queue has taken the message, and says 0x97 when one could not. Everything is kept in memory:
after a crash the edges' journals are what remains, as with any broker.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog
from mqtt5 import ConnAckReasonCode as Connack
from mqtt5 import DisconnectReasonCode as Reason
from mqtt5 import PubAckReasonCode as Puback

from gateway.broker_client import BrokerClient
from gateway.broker_limits import BrokerLimits, Credentials
from gateway.broker_session import Message, Session, Subscription
from gateway.broker_wire import Refusal
from gateway.topic_filters import matches

__all__ = ["Authenticate", "Authorise", "BrokerLimits", "Credentials", "EmbeddedBroker"]

Authenticate = Callable[[Credentials], str | None]
"""Who this is (an identity for ``Authorise``), or ``None`` to refuse."""
Authorise = Callable[[str, str, str], bool]
"""Whether an identity may ``publish`` to a topic or ``subscribe`` to a topic filter."""
STOP_TIMEOUT_S = 2.0
_log = structlog.get_logger("gateway.broker")


class EmbeddedBroker:
    """Lives in one event loop. Without ``authenticate`` a client is who it says it is: its
    user name, else its client id. Listens on the loopback unless told otherwise.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limits: BrokerLimits | None = None,
        authenticate: Authenticate | None = None,
        authorise: Authorise | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self.port = port
        self.limits = limits or BrokerLimits()
        self._authenticate = authenticate
        self._authorise = authorise
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[BrokerClient] = set()
        self._clients: dict[str, BrokerClient] = {}
        self._sessions: dict[str, Session] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._late_wills: dict[str, tuple[asyncio.TimerHandle, Message]] = {}
        self._retained: dict[str, Message] = {}
        self._retained_bytes = 0
        self.counters: Counter[str] = Counter()
        """``published``, ``refused``, ``dropped``: they only grow."""

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: BrokerClient(self), self._host, self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Tell every client that the broker goes, close, and forget everything."""
        if self._server is None:
            return
        self._server.close()
        clients = list(self._connections)
        for client in clients:
            client.will = None  # nobody is left to read it
            client.refuse(Reason.SERVER_SHUTTING_DOWN, "the broker stops")
        if clients:
            await asyncio.wait({client.closed for client in clients}, timeout=STOP_TIMEOUT_S)
            for client in clients:
                client.abort()
            await asyncio.wait({client.closed for client in clients})
        for timer in (*self._ends.values(), *(timer for timer, _ in self._late_wills.values())):
            timer.cancel()
        self._ends.clear()
        self._late_wills.clear()
        self._sessions.clear()
        await self._server.wait_closed()
        self._server = None

    # --- coming and going

    def admit(self, client: BrokerClient) -> bool:
        """Whether there is room for another connection."""
        self._connections.add(client)
        return len(self._connections) <= self.limits.connections

    def enter(self, client: BrokerClient, packet: Any) -> tuple[Session, bool]:  # noqa: ANN401
        """Give a client its session, and whether it was there before. Raises ``Refusal``."""
        client_id = packet.client_id or f"auto-{secrets.token_hex(8)}"
        identity = self._identify(packet, client_id)
        session = self._sessions.get(client_id)
        if session is not None and session.identity != identity:
            raise Refusal(Connack.CLIENT_ID_NOT_VALID, f"{client_id!r} belongs to somebody else")
        if session is None and len(self._sessions) >= self.limits.sessions:
            raise Refusal(Connack.QUOTA_EXCEEDED, f"already {len(self._sessions)} sessions")
        if packet.will is not None and not self.allows(identity, "publish", packet.will.topic):
            raise Refusal(Connack.NOT_AUTHORIZED, f"no will allowed on {packet.will.topic!r}")
        elder = self._clients.get(client_id)
        if elder is not None:
            elder.refuse(Reason.SESSION_TAKEN_OVER, f"{client_id!r} connected again")
            self.left(elder, keep_session=not packet.clean_start)
        if packet.clean_start:
            self._end_session(client_id)
        session = self._sessions.get(client_id)
        present = session is not None
        if session is None:
            session = Session(
                client_id,
                identity,
                queue_messages=self.limits.queue_messages,
                queue_bytes=self.limits.queue_bytes,
            )
            self._sessions[client_id] = session
        self._come_back(client_id)
        session.expiry_s = min(packet.session_expiry_interval, self.limits.session_expiry_s)
        client.identity = identity
        self._clients[client_id] = client
        return session, present

    def _identify(self, packet: Any, client_id: str) -> str:  # noqa: ANN401
        if packet.authentication_method is not None:
            raise Refusal(Connack.BAD_AUTHENTICATION_METHOD, "no enhanced authentication here")
        if self._authenticate is None:
            return str(packet.username or client_id)
        credentials = Credentials(client_id, packet.username, packet.password)
        identity = self._authenticate(credentials)
        if identity is None:
            raise Refusal(Connack.BAD_USER_NAME_OR_PASSWORD, f"{client_id!r} is not known")
        return identity

    def left(self, client: BrokerClient, *, keep_session: bool = False) -> None:
        """A connection ended; may be told twice. The will goes out unless it was withdrawn."""
        self._connections.discard(client)
        session, client.session = client.session, None
        if session is None:
            return
        client_id = session.client_id
        if self._clients.get(client_id) is client:
            del self._clients[client_id]
        will, client.will = client.will, None
        if will is not None:
            delay_s = min(client.will_delay_s, session.expiry_s)
            self._send_will(client_id, will, delay_s)
        loop = asyncio.get_running_loop()
        if session.expiry_s:
            self._ends[client_id] = loop.call_later(session.expiry_s, self._end_session, client_id)
        elif not keep_session:
            self._end_session(client_id)

    def _come_back(self, client_id: str) -> None:
        ends = self._ends.pop(client_id, None)
        if ends is not None:
            ends.cancel()
        late = self._late_wills.pop(client_id, None)
        if late is not None:
            late[0].cancel()

    def _end_session(self, client_id: str) -> None:
        self._sessions.pop(client_id, None)
        ends = self._ends.pop(client_id, None)
        if ends is not None:
            ends.cancel()
        if client_id in self._late_wills:  # §3.1.3.2.2: not later than the session's end
            self._send_late_will(client_id)

    def _send_will(self, client_id: str, will: Message, delay_s: int) -> None:
        if delay_s == 0:
            self.publish(will, None)
            return
        timer = asyncio.get_running_loop().call_later(delay_s, self._send_late_will, client_id)
        self._late_wills[client_id] = (timer, will)

    def _send_late_will(self, client_id: str) -> None:
        timer, will = self._late_wills.pop(client_id)
        timer.cancel()
        self.publish(will, None)

    # --- messages

    def allows(self, identity: str, action: str, topic: str) -> bool:
        """Whether the site's rules let ``identity`` do ``action``."""
        return self._authorise is None or self._authorise(identity, action, topic)

    def publish(self, message: Message, publisher: BrokerClient | None) -> int:
        """Hand a message to everybody who wants it; the PUBACK's reason code.

        Who has room gets it even when somebody else has not; the publisher is then told
        0x97 and sends it again, which subscribers that remember do not mind.
        """
        verdict = self._admission(message, publisher)
        if verdict is not None:
            self.counters["refused"] += 1
            return verdict
        self.counters["published"] += 1
        sender = publisher.session if publisher is not None else None
        wanted = refused = 0
        for session in list(self._sessions.values()):
            subscription = session.wants(message.topic, published_here=session is sender)
            if subscription is None:
                continue
            wanted += 1
            copy = message._replace(
                qos=min(message.qos, subscription.qos),
                retain=message.retain and subscription.retain_as_published,
            )
            refused += not self._deliver(session, copy)
        if refused:
            self.counters["refused"] += 1
            return int(Puback.QUOTA_EXCEEDED)
        return int(Puback.SUCCESS if wanted else Puback.NO_MATCHING_SUBSCRIBERS)

    def _admission(self, message: Message, publisher: BrokerClient | None) -> int | None:
        """Why a message goes nowhere, or ``None``. A will was admitted with its CONNECT."""
        if publisher is not None and not self.allows(publisher.identity, "publish", message.topic):
            return int(Puback.NOT_AUTHORIZED)
        if message.topic.startswith("$"):
            return int(Puback.NOT_AUTHORIZED)
        if message.retain and not self._retain(message):
            return int(Puback.QUOTA_EXCEEDED)
        return None

    def _deliver(self, session: Session, message: Message) -> bool:
        client = self._clients.get(session.client_id)
        if client is None and not message.qos:
            return True  # at most once, and it is not there
        if not session.offer(message):
            self.count_dropped(session, "its queue is full")
            return not message.qos
        if client is not None:
            client.pump()
        return True

    def count_dropped(self, session: Session, why: str) -> None:
        """Say once per power of two that a client misses messages."""
        self.counters["dropped"] += 1
        dropped = self.counters["dropped"]
        if dropped & (dropped - 1) == 0:
            _log.warning("not delivered", client=session.client_id, why=why, dropped=dropped)

    def _retain(self, message: Message) -> bool:
        """Keep the newest message of its topic; an empty one clears it. False when full."""
        before = self._retained.get(message.topic)
        grown = self._retained_bytes - (before.size if before is not None else 0)
        if not message.payload:
            self._retained.pop(message.topic, None)
            self._retained_bytes = grown
            return True
        grown += message.size
        is_full = before is None and len(self._retained) >= self.limits.retained_messages
        if is_full or grown > self.limits.retained_bytes:
            return False
        self._retained[message.topic] = message
        self._retained_bytes = grown
        return True

    def offer_retained(self, session: Session, subscription: Subscription) -> bool:
        """Queue what a new subscription gets at once; False when that does not fit."""
        found = [
            message._replace(qos=min(message.qos, subscription.qos), retain=True)
            for topic, message in self._retained.items()
            if matches(subscription.topic_filter, topic)
        ]
        spare = self.limits.retained_messages
        taken = sum(session.offer(message, spare_places=spare) for message in found)
        return taken == len(found)
