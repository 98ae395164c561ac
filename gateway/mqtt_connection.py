"""One connection of paho's MQTT 5 client, driven by the event loop: no thread stays behind.

A connection lives once: paho's own reconnecting, queueing
and resending (which would duplicate what the caller sends again) are never used. Only the
blocking connect and TLS handshake run in an executor thread.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway import tls_alerts
from gateway.mqtt_paho import MendedPaho
from gateway.mqtt_settings import (
    NO_MATCHING_SUBSCRIBERS,
    PACKET_TOO_LARGE,
    UNSPECIFIED_ERROR,
    ConnectionRefused,
    MqttSettings,
    NotConnected,
    PublishRefused,
    SubscribeRefused,
    Will,
    advice,
)

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

QUESTIONS_PER_KEEPALIVE = 2
SILENT_QUESTIONS = 3
"""At the third question in a row with nothing heard since the first, the link counts as dead:
after one and a half keepalives at most, which is when the broker gives us up, too."""
PUBLISH_OVERHEAD_BYTES = 16
"""Fixed header, lengths, packet identifier and empty properties of a PUBLISH, rounded up."""
Arrived = Callable[["Connection", paho.MQTTMessage], None]


class Connection:
    """From CONNECT to the end of the socket. Lives in one event loop.

    ``lost`` is done when the connection has ended; its result is the reason, for people.
    """

    def __init__(self, settings: MqttSettings, will: Will | None, arrived: Arrived) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._arrived = arrived
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.session_present = False
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._accepted.add_done_callback(_retrieved)
        self._acks: dict[int, asyncio.Future[int]] = {}
        self._subacks: dict[int, asyncio.Future[int]] = {}
        self._reasons: dict[int, str] = {}
        self._window = asyncio.Semaphore(settings.window)
        self._largest_packet: int | None = None
        self._keepalive_s = settings.keepalive_s
        self._unheard = 0
        self._given_up = threading.Event()
        self._asking: asyncio.TimerHandle | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._paho = self._new_paho(will)

    def _new_paho(self, will: Will | None) -> MendedPaho:
        settings = self._settings
        client = MendedPaho(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = settings.connect_timeout_s
        client.max_inflight_messages_set(0)  # the window is ours
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        return client

    async def open(self) -> None:
        """Connect and wait for the broker's yes. Raises ``ConnectionRefused``, ``OSError``."""
        connecting = asyncio.ensure_future(asyncio.to_thread(self._connect_blocking))
        try:
            await asyncio.shield(connecting)
            self._watch()
            await self._answered()
        except BaseException:
            self._given_up.set()
            try:
                # A thread cannot be cancelled: it ends by itself within the connect timeout.
                await asyncio.wait({connecting})
            finally:  # cancelled once more, the thread itself closes what it gets
                connecting.add_done_callback(_retrieved)
                self.close("gave up connecting")
            raise

    async def _answered(self) -> None:
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await self._accepted
        except TimeoutError as error:
            raise ConnectionRefused(
                f"{self._settings.address} takes connections but does not answer as an MQTT "
                "broker: check the port, and whether it expects TLS"
            ) from error

    def _connect_blocking(self) -> None:
        settings = self._settings
        context = settings.tls_context()
        if context is not None:
            self._paho.tls_set_context(context)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = settings.receive_maximum
        properties.SessionExpiryInterval = settings.session_expiry_s
        # Registered before the socket opens, lest paho writes from this thread.
        self._paho.on_socket_register_write = _write_later
        self._paho.connect(
            settings.host,
            settings.port,
            settings.keepalive_s,
            clean_start=settings.clean_start,
            properties=properties,
        )
        if self._given_up.is_set():
            self._paho.drop()

    def _watch(self) -> None:
        sock: Any = self._paho.socket()
        if sock is None:
            raise ConnectionRefused("the broker closed the connection at once: look at its log")
        self._paho.on_socket_register_write = self._on_register_write
        self._paho.on_socket_unregister_write = self._on_unregister_write
        self._paho.on_socket_close = self._on_socket_close
        self._loop.add_reader(sock, self._drive, self._read)
        self._loop.add_writer(sock, self._drive, self._paho.loop_write)

    # --- the event loop's side

    def _drive(self, step: Callable[[], MQTTErrorCode | None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - paho raises whatever broken bytes provoke
            self.close(f"{type(error).__name__} while talking to the broker: {error}")

    def _read(self) -> None:
        self._unheard = 0
        self._paho.loop_read()
        # Bytes that TLS has already decrypted do not make the socket readable again.
        sock: Any = self._paho.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            self._paho.loop_read()
            sock = self._paho.socket()

    def _ask(self) -> None:
        """Ask whether the broker is there, however much is under way: what only one side sends
        proves nothing. Counting instead of timing forgives a process that was itself held up.
        """
        self._unheard += 1
        if self._unheard >= SILENT_QUESTIONS:
            self.close(f"{self._settings.address} fell silent: it, or the way to it, is dead")
            return
        self._drive(self._paho.ask)
        self._ask_later()

    def _ask_later(self) -> None:
        if not self.lost.done():
            period_s = self._keepalive_s / QUESTIONS_PER_KEEPALIVE
            self._asking = self._loop.call_later(period_s, self._ask)

    def _on_register_write(self, _client: object, _userdata: object, sock: SocketLike) -> None:
        self._loop.add_writer(sock, self._drive, self._paho.loop_write)

    def _on_unregister_write(self, _client: object, _userdata: object, sock: SocketLike) -> None:
        self._loop.remove_writer(sock)

    def _on_socket_close(self, _client: object, _userdata: object, sock: SocketLike) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    # --- paho's side

    def _on_connect(
        self,
        _client: object,
        _userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self._accepted.done():
            return
        if reason.is_failure:
            text = f"{self._settings.address} refused the connection: {reason} - "
            self._accepted.set_exception(ConnectionRefused(text + advice(reason.value)))
            return
        self.session_present = bool(flags.session_present)
        theirs = getattr(properties, "ReceiveMaximum", self._settings.window)
        self._window = asyncio.Semaphore(min(self._settings.window, theirs))
        self._largest_packet = getattr(properties, "MaximumPacketSize", None)
        demanded_s = getattr(properties, "ServerKeepAlive", 0)
        self._keepalive_s = min(self._keepalive_s, demanded_s or self._keepalive_s)
        self._ask_later()
        self._accepted.set_result(None)

    def _on_disconnect(
        self,
        _client: object,
        _userdata: object,
        flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            said = f"{self._settings.address} ended the connection: {reason} - "
            self._end(said + advice(reason.value))
        elif self._paho.alert is not None:
            meant = tls_alerts.meaning(self._paho.alert)
            self._end(f"{self._settings.address} refused us in TLS: {meant}")
        else:
            how = "without a word" if reason.value == UNSPECIFIED_ERROR else str(reason)
            self._end(f"the connection to {self._settings.address} ended: {how}")

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        self._arrived(self, message)

    def _on_publish(
        self, _client: object, _userdata: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        was_oldest = mid == next(iter(self._acks), None)
        waiting = self._acks.pop(mid, None)
        if was_oldest:
            self._expect_ack()
        if waiting is not None and not waiting.done():
            self._reasons[reason.value] = str(reason)
            waiting.set_result(reason.value)

    def _on_subscribe(
        self,
        _client: object,
        _userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        waiting = self._subacks.pop(mid, None)
        if waiting is not None and not waiting.done():
            self._reasons[reasons[0].value] = str(reasons[0])
            waiting.set_result(reasons[0].value)

    # --- what the client does with it

    async def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> bool:
        """Send, and wait until the broker has acknowledged. See ``MqttClient.publish``."""
        size = len(topic.encode()) + len(payload) + PUBLISH_OVERHEAD_BYTES
        if self._largest_packet is not None and size > self._largest_packet:
            raise PublishRefused(topic, PACKET_TOO_LARGE, "Packet too large")
        await self._window.acquire()
        if self.lost.done():
            self._window.release()
            raise NotConnected(self.lost.result())
        waiting: asyncio.Future[int] = self._loop.create_future()
        # A cancelled caller frees no place: the message is still under way.
        waiting.add_done_callback(self._release)
        try:
            info = self._paho.publish(topic, payload, qos, retain)
        except ValueError:  # a topic with wildcards
            waiting.cancel()
            raise
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            waiting.cancel()
            raise NotConnected(f"paho would not send: {paho.error_string(info.rc)}")
        self._acks[info.mid] = waiting
        if self._overdue is None:
            self._expect_ack()
        code = await asyncio.shield(waiting)
        if code >= 0x80:
            raise PublishRefused(topic, code, self._reasons[code])
        return code != NO_MATCHING_SUBSCRIBERS

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """Subscribe and wait for the answer. Raises ``SubscribeRefused``, ``NotConnected``."""
        if self.lost.done():
            raise NotConnected(self.lost.result())
        rc, mid = self._paho.subscribe(topic_filter, options=SubscribeOptions(qos=qos))
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise NotConnected(f"paho would not subscribe: {paho.error_string(rc)}")
        waiting: asyncio.Future[int] = self._loop.create_future()
        waiting.add_done_callback(_retrieved)
        self._subacks[mid] = waiting
        limit_s = self._settings.ack_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                code = await waiting
        except TimeoutError:
            self.close(f"{self._settings.address} left a subscription unanswered for {limit_s} s")
            raise NotConnected(self.lost.result()) from None
        if code >= 0x80:
            raise SubscribeRefused(topic_filter, code, self._reasons[code])

    def ack(self, mid: int) -> None:
        """Acknowledge a QoS 1 message of this connection; nothing once it has ended."""
        if not self.lost.done():
            self._paho.ack(mid, 1)

    async def farewell(self, timeout_s: float) -> None:
        """Say DISCONNECT (the broker drops the will), then close."""
        try:
            if not self.lost.done():
                self._paho.disconnect()
                await asyncio.wait({self.lost}, timeout=timeout_s)
        finally:  # also when cancelled: who leaves in haste leaves nothing open
            self.close("closed by us")

    def close(self, why: str) -> None:
        """End the connection now; without a farewell the broker publishes the will."""
        self._paho.drop()
        self._end(why)

    def _expect_ack(self) -> None:
        """Wait for the oldest message's acknowledgement, from now on: on a slow line the ones
        before it took their time, and brokers acknowledge in order.
        """
        if self._overdue is not None:
            self._overdue.cancel()
        limit_s = self._settings.ack_timeout_s
        self._overdue = self._loop.call_later(limit_s, self._unanswered) if self._acks else None

    def _unanswered(self) -> None:
        """A broker that answers pings and not this is of no use: begin anew."""
        limit_s = self._settings.ack_timeout_s
        self.close(f"{self._settings.address} has not acknowledged a message for {limit_s:.0f} s")

    def _release(self, waiting: asyncio.Future[int]) -> None:
        _retrieved(waiting)
        self._window.release()

    def _end(self, why: str) -> None:
        for timer in (self._asking, self._overdue):
            if timer is not None:
                timer.cancel()
        if not self.lost.done():
            self.lost.set_result(why)
        if not self._accepted.done():
            self._accepted.set_exception(ConnectionRefused(why))
        for waiting in (*self._acks.values(), *self._subacks.values()):
            if not waiting.done():
                waiting.set_exception(NotConnected(why))
        self._acks.clear()
        self._subacks.clear()


def _write_later(_client: object, _userdata: object, _sock: object) -> None:
    """The event loop writes CONNECT once the thread has handed over the socket."""


def _retrieved(future: asyncio.Future[Any]) -> None:
    """Take note of an error whose waiter was cancelled: asyncio would complain otherwise."""
    if not future.cancelled():
        future.exception()
