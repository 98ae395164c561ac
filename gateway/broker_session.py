"""What the embedded broker remembers of a client: subscriptions, and messages not yet acknowledged.

Pure: no sockets, no clock. Bounded in messages and bytes: what does not fit is refused, and
whoever published it is told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.topic_filters import matches

MESSAGE_OVERHEAD_BYTES = 200
"""What a queued message costs besides its topic and payload, roughly."""


class Message(NamedTuple):
    """A message on its way; ``expires_at`` is on the broker's monotonic clock, in seconds.

    ``properties`` are those that MQTT 5 has a server forward unchanged.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool = False
    expires_at: float | None = None
    properties: dict[str, Any] = {}  # noqa: RUF012 - never written to

    @property
    def size(self) -> int:
        """Bytes that holding it costs."""
        return len(self.topic) + len(self.payload) + MESSAGE_OVERHEAD_BYTES


class Subscription(NamedTuple):
    """One topic filter of a session, with MQTT 5's options."""

    topic_filter: str
    qos: int
    no_local: bool
    retain_as_published: bool


class Delivery(NamedTuple):
    """A message to send now; ``packet_id`` is ``None`` at QoS 0."""

    message: Message
    packet_id: int | None
    again: bool


class Session:
    """One client id. ``identity`` owns it: nobody else may take it over."""

    def __init__(
        self, client_id: str, identity: str, *, queue_messages: int, queue_bytes: int
    ) -> None:
        self.client_id = client_id
        self.identity = identity
        self.expiry_s = 0
        self.subscriptions: dict[str, Subscription] = {}
        self._queue_messages = queue_messages
        self._queue_bytes = queue_bytes
        self._waiting: deque[Message] = deque()
        self._inflight: dict[int, Message] = {}
        self._unsent_again: deque[int] = deque()
        self._held_bytes = 0
        self._last_packet_id = 0

    @property
    def depth(self) -> int:
        """Messages queued or under way."""
        return len(self._waiting) + len(self._inflight)

    def wants(self, topic: str, *, published_here: bool) -> Subscription | None:
        """The subscription by which a message is delivered: the one of the highest QoS."""
        best: Subscription | None = None
        for subscription in self.subscriptions.values():
            if published_here and subscription.no_local:
                continue
            if (best is None or subscription.qos > best.qos) and matches(
                subscription.topic_filter, topic
            ):
                best = subscription
        return best

    def offer(self, message: Message, *, spare_places: int = 0) -> bool:
        """Take a message for delivery; False when there is no room for it."""
        if (
            self.depth >= self._queue_messages + spare_places
            or self._held_bytes + message.size > self._queue_bytes
        ):
            return False
        self._waiting.append(message)
        self._held_bytes += message.size
        return True

    def next(self, receive_maximum: int, now: float) -> Delivery | None:
        """The next message that the client may be sent, unacknowledged ones first."""
        if self._unsent_again:
            packet_id = self._unsent_again.popleft()
            return Delivery(self._inflight[packet_id], packet_id, again=True)
        while self._waiting:
            message = self._waiting[0]
            expired = message.expires_at is not None and message.expires_at <= now
            if not expired and message.qos and len(self._inflight) >= receive_maximum:
                return None
            self._waiting.popleft()
            if expired or not message.qos:
                self._held_bytes -= message.size
            if expired:
                continue
            if not message.qos:
                return Delivery(message, None, again=False)
            packet_id = self._free_packet_id()
            self._inflight[packet_id] = message
            return Delivery(message, packet_id, again=False)
        return None

    def discard(self, delivery: Delivery) -> None:
        """Give up a delivery that the client said it cannot take (§3.1.2.11.4)."""
        if delivery.packet_id is not None:
            self.acknowledge(delivery.packet_id)

    def acknowledge(self, packet_id: int) -> bool:
        """The client has it; False when nothing of this number is under way."""
        message = self._inflight.pop(packet_id, None)
        if message is None:
            return False
        self._held_bytes -= message.size
        return True

    def resume(self, receive_maximum: int) -> None:
        """A new connection: what was not acknowledged is sent again, in its order (§4.4)."""
        surplus = list(self._inflight)[receive_maximum:]
        self._waiting.extendleft(self._inflight.pop(packet_id) for packet_id in reversed(surplus))
        self._unsent_again = deque(self._inflight)

    def _free_packet_id(self) -> int:
        for packet_id in self._packet_ids():
            if packet_id not in self._inflight:
                self._last_packet_id = packet_id
                return packet_id
        raise AssertionError("more messages under way than there are packet identifiers")

    def _packet_ids(self) -> Iterator[int]:
        for step in range(1, 0x10000):
            yield (self._last_packet_id + step - 1) % 0xFFFF + 1
