"""One client's connection to the embedded broker: what it says, and what it is told."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, SupportsInt

import mqtt5
import structlog
from mqtt5 import DisconnectReasonCode as Reason

from gateway.broker_limits import BrokerLimits
from gateway.broker_session import Message, Session, Subscription
from gateway.broker_wire import UNACCEPTABLE_VERSION_311, OldProtocol, PacketStream, Refusal
from gateway.topic_filters import is_filter, is_topic

LINGER_S = 2.0
_log = structlog.get_logger("gateway.broker")
_FORWARDED = (
    "payload_format_indicator",
    "content_type",
    "response_topic",
    "correlation_data",
    "user_properties",
)


class Exchange(Protocol):
    """What a connection asks of the broker behind it."""

    limits: BrokerLimits

    def admit(self, client: BrokerClient) -> bool:
        """Whether there is room for another connection."""
        ...

    def enter(self, client: BrokerClient, packet: Any) -> tuple[Session, bool]:  # noqa: ANN401
        """The session for a CONNECT, and whether it was there before. Raises ``Refusal``."""
        ...

    def left(self, client: BrokerClient) -> None:
        """A connection ended; may be told twice."""
        ...

    def allows(self, identity: str, action: str, topic: str) -> bool:
        """Whether the site's rules let ``identity`` do ``action``."""
        ...

    def publish(self, message: Message, publisher: BrokerClient | None) -> int:
        """Hand a message to everybody who wants it; the PUBACK's reason code."""
        ...

    def offer_retained(self, session: Session, subscription: Subscription) -> bool:
        """Queue what a new subscription gets at once; False when that does not fit."""
        ...

    def count_dropped(self, session: Session, why: str) -> None:
        """A client misses a message."""
        ...


class BrokerClient(asyncio.Protocol):
    """A TCP connection, from accept to close. All state that outlives it is the session's."""

    def __init__(self, broker: Exchange) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._stream = PacketStream(broker.limits.packet_bytes)
        self._choked = False
        self._deadline: asyncio.TimerHandle | None = None
        self._silence_s = broker.limits.connect_timeout_s
        self._heard_at = self._loop.time()
        self._receive_maximum = 0xFFFF
        self._largest_packet: int | None = None
        self.closed = self._loop.create_future()
        self.identity = ""
        self.session: Session | None = None
        self.will: Message | None = None
        self.will_delay_s = 0

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected: CONNECT must follow soon."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._watch_silence()
        if not self._broker.admit(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes arrived: take every whole packet out of them."""
        self._heard_at = self._loop.time()
        self._stream.feed(data)
        try:
            while not self._transport.is_closing() and (packet := self._stream.next()) is not None:
                self._take(packet)
        except OldProtocol as refusal:
            _log.warning("client refused", why=str(refusal))
            self._transport.write(UNACCEPTABLE_VERSION_311)
            self._transport.close()
        except Refusal as refusal:
            self.refuse(refusal.code, str(refusal))
        except Exception:  # noqa: BLE001 - one client's packet must not take the others down
            _log.exception("client failed", client=self.identity)
            self.refuse(Reason.UNSPECIFIED_ERROR, "the broker failed at a packet of this client")

    def pause_writing(self) -> None:
        """The client reads too slowly: it is neither sent to nor listened to meanwhile."""
        self._choked = True
        self._heard_at = self._loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._choked = False
        self._transport.resume_reading()
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended, politely or not."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._broker.left(self)
        self.closed.set_result(None)

    def _watch_silence(self) -> None:
        """One timer per connection, moved on only when it fires."""
        left_s = self._heard_at + self._silence_s - self._loop.time()
        if left_s > 0:
            self._deadline = self._loop.call_later(left_s, self._watch_silence)
        else:
            self.refuse(Reason.KEEP_ALIVE_TIMEOUT, f"nothing heard for {self._silence_s:g} s")

    # --- the broker's side

    def pump(self) -> None:
        """Send what waits, as far as the client's receive maximum and its socket allow."""
        session = self.session
        while session is not None and not self._choked and not self._transport.is_closing():
            now = self._loop.time()
            delivery = session.next(self._receive_maximum, now)
            if delivery is None:
                return
            message = delivery.message
            expiry_s = None
            if message.expires_at is not None:
                expiry_s = max(0, int(message.expires_at - now))
            packet = mqtt5.PublishPacket(
                message.topic,
                message.payload,
                qos=mqtt5.QoS(message.qos),
                retain=message.retain,
                packet_id=delivery.packet_id,
                duplicate=delivery.again,
                message_expiry_interval=expiry_s,
                **message.properties,
            ).write()
            if self._largest_packet is not None and len(packet) > self._largest_packet:
                self._broker.count_dropped(session, "larger than the client takes")
                session.discard(delivery)
                continue
            self._transport.write(packet)

    def refuse(self, code: SupportsInt, why: str) -> None:
        """End the connection and say why: CONNACK before it stands, DISCONNECT after."""
        if self._transport.is_closing():
            return
        code = int(code)
        _log.warning("client refused", client=self.identity or None, code=hex(code), why=why)
        farewell = _disconnect_bytes(code) if self.session is not None else _connack_bytes(code)
        self._transport.write(farewell)
        self._transport.close()
        if self._deadline is not None:
            self._deadline.cancel()
        # Whoever does not read to the end is not waited for.
        self._deadline = self._loop.call_later(LINGER_S, self._transport.abort)

    def abort(self) -> None:
        """Close without waiting for the client to read the rest."""
        self._transport.abort()

    # --- what the client says

    def _take(self, packet: Any) -> None:  # noqa: ANN401 - the codec's packets share no base
        if self.session is None:
            if not isinstance(packet, mqtt5.ConnectPacket):
                raise Refusal(Reason.PROTOCOL_ERROR, "the first packet must be CONNECT")
            self._connect(packet)
        elif isinstance(packet, mqtt5.PublishPacket):
            self._publish(packet)
        elif isinstance(packet, mqtt5.PubAckPacket):
            self.session.acknowledge(packet.packet_id)
            self.pump()
        elif isinstance(packet, mqtt5.PingReqPacket):
            self._transport.write(mqtt5.PingRespPacket().write())
        elif isinstance(packet, mqtt5.SubscribePacket):
            self._subscribe(self.session, packet)
        elif isinstance(packet, mqtt5.UnsubscribePacket):
            self._unsubscribe(self.session, packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._disconnect(self.session, packet)
        else:
            raise Refusal(Reason.PROTOCOL_ERROR, f"{type(packet).__name__} has no place here")

    def _connect(self, packet: Any) -> None:  # noqa: ANN401
        limits = self._broker.limits
        if packet.receive_max == 0 or packet.max_packet_size == 0:
            raise Refusal(Reason.PROTOCOL_ERROR, "a limit of 0 in CONNECT")
        if packet.will is not None:
            self._check_publish(packet.will)
        self._receive_maximum = packet.receive_max
        self._largest_packet = packet.max_packet_size
        keepalive_s = packet.keep_alive
        if not 0 < keepalive_s <= limits.keepalive_s:
            keepalive_s = limits.keepalive_s
        session, present = self._broker.enter(self, packet)
        self._silence_s = keepalive_s * 1.5  # §3.1.2.10
        if self._deadline is not None:
            self._deadline.cancel()
        self._watch_silence()
        if packet.will is not None:
            self.will = self._message(packet.will)
            self.will_delay_s = packet.will.will_delay_interval
        connack = mqtt5.ConnAckPacket(
            session_present=present,
            assigned_client_id=None if packet.client_id else session.client_id,
            server_keep_alive=None if keepalive_s == packet.keep_alive else keepalive_s,
            session_expiry_interval=session.expiry_s,
            receive_max=limits.receive_maximum,
            max_qos=mqtt5.QoS.AT_LEAST_ONCE,
            max_packet_size=limits.packet_bytes,
            subscription_id_available=False,
            shared_subscription_available=False,
        )
        self._transport.write(connack.write())
        self.session = session
        session.resume(self._receive_maximum)
        self.pump()

    def _publish(self, packet: Any) -> None:  # noqa: ANN401
        if packet.topic_alias is not None:
            raise Refusal(Reason.TOPIC_ALIAS_INVALID, "topic aliases were not offered")
        self._check_publish(packet)
        verdict = self._broker.publish(self._message(packet), self)
        if packet.packet_id is not None:
            code = mqtt5.PubAckReasonCode(verdict)
            self._transport.write(mqtt5.PubAckPacket(packet.packet_id, reason_code=code).write())

    def _check_publish(self, packet: Any) -> None:  # noqa: ANN401
        if int(packet.qos) > 1:
            raise Refusal(Reason.QOS_NOT_SUPPORTED, "QoS 2 is not spoken here")
        if not is_topic(packet.topic):
            raise Refusal(Reason.TOPIC_NAME_INVALID, f"{packet.topic[:80]!r} is no topic")

    def _message(self, packet: Any) -> Message:  # noqa: ANN401 - a PUBLISH or a will
        lives_s = packet.message_expiry_interval
        return Message(
            packet.topic,
            bytes(packet.payload or b""),
            int(packet.qos),
            packet.retain,
            None if lives_s is None else self._loop.time() + lives_s,
            {name: value for name in _FORWARDED if (value := getattr(packet, name))},
        )

    def _subscribe(self, session: Session, packet: Any) -> None:  # noqa: ANN401
        if not packet.topic_filters:
            raise Refusal(Reason.PROTOCOL_ERROR, "a SUBSCRIBE without topic filters")
        if packet.subscription_id is not None:
            raise Refusal(Reason.SUBSCRIPTION_IDS_NOT_SUPPORTED, "subscription identifiers")
        codes = [self._subscribe_one(session, wanted) for wanted in packet.topic_filters]
        reasons = [mqtt5.SubAckReasonCode(code) for code in codes]
        self._transport.write(mqtt5.SubAckPacket(packet.packet_id, reasons).write())
        self.pump()

    def _subscribe_one(self, session: Session, wanted: Any) -> int:  # noqa: ANN401
        code = mqtt5.SubAckReasonCode
        topic_filter = wanted.pattern
        known = topic_filter in session.subscriptions
        if topic_filter.startswith("$share/"):
            return int(code.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
        if not is_filter(topic_filter):
            return int(code.TOPIC_FILTER_INVALID)
        if not self._broker.allows(self.identity, "subscribe", topic_filter):
            return int(code.NOT_AUTHORIZED)
        if not known and len(session.subscriptions) >= self._broker.limits.subscriptions:
            return int(code.QUOTA_EXCEEDED)
        qos = min(int(wanted.max_qos), 1)
        subscription = Subscription(topic_filter, qos, wanted.no_local, wanted.retain_as_published)
        never = wanted.retain_handling == mqtt5.RetainHandling.SEND_NEVER
        only_new = wanted.retain_handling == mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS
        if not (never or (only_new and known)) and not self._broker.offer_retained(
            session, subscription
        ):
            return int(code.QUOTA_EXCEEDED)
        session.subscriptions[topic_filter] = subscription
        return qos

    def _unsubscribe(self, session: Session, packet: Any) -> None:  # noqa: ANN401
        code = mqtt5.UnsubAckReasonCode
        codes = [
            code.NO_SUBSCRIPTION_EXISTED
            if session.subscriptions.pop(pattern, None) is None
            else code.SUCCESS
            for pattern in packet.patterns
        ]
        self._transport.write(mqtt5.UnsubAckPacket(packet.packet_id, codes).write())

    def _disconnect(self, session: Session, packet: Any) -> None:  # noqa: ANN401
        if packet.reason_code == Reason.NORMAL_DISCONNECTION:
            self.will = None
        if packet.session_expiry_interval is not None:
            if session.expiry_s == 0 and packet.session_expiry_interval:
                raise Refusal(Reason.PROTOCOL_ERROR, "a session of no duration cannot be extended")
            limit_s = self._broker.limits.session_expiry_s
            session.expiry_s = min(packet.session_expiry_interval, limit_s)
        self._transport.close()


def _disconnect_bytes(code: int) -> bytes:
    return bytes(mqtt5.DisconnectPacket(reason_code=Reason(code)).write())


def _connack_bytes(code: int) -> bytes:
    """A refusal before the connection stands; nothing where CONNACK has no word for it."""
    try:
        reason = mqtt5.ConnAckReasonCode(code)
    except ValueError:
        return b""
    return bytes(mqtt5.ConnAckPacket(reason_code=reason).write())
