"""One connection of paho's MQTT 5 client, driven by the event loop: no thread stays behind.

A connection lives once: paho's own reconnecting, queueing
and resending (which would duplicate what the caller sends again) are never used. Only the
blocking connect and TLS handshake run in an executor thread.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway import tls_alerts
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

MISC_PERIOD_S = 1.0
"""How often keepalives are looked after."""
PUBLISH_OVERHEAD_BYTES = 16
"""Fixed header, lengths, packet identifier and empty properties of a PUBLISH, rounded up."""
Arrived = Callable[["Connection", paho.MQTTMessage], None]


class _Paho(paho.Client):
    alert: ssl.SSLError | None = None
    """With what TLS ended the connection; paho itself keeps only that it ended."""

    def _sock_recv(self, bufsize: int) -> bytes:
        try:
            return super()._sock_recv(bufsize)
        except ssl.SSLError as error:
            self.alert = error
            raise

    def drop(self) -> None:
        """Close the socket now, without a farewell."""
        self._sock_close()

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """Shake hands as paho does, but close the socket when that fails."""
        assert self._ssl_context is not None
        wrapped = self._ssl_context.wrap_socket(
            tcp_sock, server_hostname=self._host, do_handshake_on_connect=False
        )
        try:
            wrapped.settimeout(self._connect_timeout)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped


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
        self._misc: asyncio.TimerHandle | None = None
        self._paho = self._new_paho(will)

    def _new_paho(self, will: Will | None) -> _Paho:
        settings = self._settings
        client = _Paho(
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
            # A thread cannot be cancelled: it ends by itself within the connect timeout.
            await asyncio.wait({connecting})
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

    def _watch(self) -> None:
        sock: Any = self._paho.socket()
        if sock is None:
            raise ConnectionRefused("the broker closed the connection at once: look at its log")
        self._paho.on_socket_register_write = self._on_register_write
        self._paho.on_socket_unregister_write = self._on_unregister_write
        self._paho.on_socket_close = self._on_socket_close
        self._loop.add_reader(sock, self._drive, self._read)
        self._loop.add_writer(sock, self._drive, self._paho.loop_write)
        self._misc = self._loop.call_later(MISC_PERIOD_S, self._look_after)

    # --- the event loop's side

    def _drive(self, step: Callable[[], MQTTErrorCode | None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - paho raises whatever broken bytes provoke
            self.close(f"{type(error).__name__} while talking to the broker: {error}")

    def _read(self) -> None:
        self._paho.loop_read()
        # Bytes that TLS has already decrypted do not make the socket readable again.
        sock: Any = self._paho.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            self._paho.loop_read()
            sock = self._paho.socket()

    def _look_after(self) -> None:
        self._drive(self._paho.loop_misc)
        if not self.lost.done():
            self._misc = self._loop.call_later(MISC_PERIOD_S, self._look_after)

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
        waiting = self._acks.pop(mid, None)
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
        timer = self._loop.call_later(self._settings.ack_timeout_s, self._unanswered, waiting)
        waiting.add_done_callback(lambda _: timer.cancel())
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
        code = await waiting
        if code >= 0x80:
            raise SubscribeRefused(topic_filter, code, self._reasons[code])

    def ack(self, mid: int) -> None:
        """Acknowledge a QoS 1 message of this connection; nothing once it has ended."""
        if not self.lost.done():
            self._paho.ack(mid, 1)

    async def farewell(self, timeout_s: float) -> None:
        """Say DISCONNECT (the broker drops the will), then close."""
        if not self.lost.done():
            self._paho.disconnect()
            await asyncio.wait({self.lost}, timeout=timeout_s)
        self.close("closed by us")

    def close(self, why: str) -> None:
        """End the connection now; without a farewell the broker publishes the will."""
        self._paho.drop()
        self._end(why)

    def _unanswered(self, waiting: asyncio.Future[int]) -> None:
        """A broker that answers pings and not this is of no use: begin anew."""
        if not waiting.done():
            limit_s = self._settings.ack_timeout_s
            self.close(
                f"{self._settings.address} has not acknowledged a message for {limit_s:.0f} s"
            )

    def _release(self, waiting: asyncio.Future[int]) -> None:
        _retrieved(waiting)
        self._window.release()

    def _end(self, why: str) -> None:
        if self._misc is not None:
            self._misc.cancel()
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
