"""Brokers for devices behind one: ``transports.broker`` over the MQTT 5 client of ``gateway``.

A connection lives once, as a driver does: its end is the driver's end, and the supervisor
connects anew. No session is kept: what a node said while nobody listened is an old state.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from paho.mqtt.client import MQTTMessage

from drivers import registry
from drivers.driver import Driver, Tap
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.transports import broker
from drivers.transports.broker import BrokerSettings, Told
from edge.config import DeviceConfig
from gateway.mqtt_connection import Connection
from gateway.mqtt_settings import (
    ConnectionRefused,
    MqttSettings,
    NotConnected,
    PublishRefused,
    SubscribeRefused,
    Will,
)

_FAREWELL_S = 2.0
_QOS_0_MAX = 200


def provide() -> None:
    """Let the drivers of this process reach brokers."""
    broker.provide(connect)


def build_driver(device: DeviceConfig, *, tap: Tap | None = None) -> Driver:
    """One connection's driver for a device, handed what it needs.

    Raises ``DeviceRefused`` where the driver cannot be loaded.
    """
    provide()
    try:
        made = registry.load(device.driver)
    except ImportError as error:
        raise DeviceRefused(
            str(error),
            hint="Install or mend that package, then start the agent again. The other devices are "
            "heard all the same.",
        ) from error
    driver: Driver = made(device.options, tap=tap)
    return driver


@asynccontextmanager
async def connect(
    settings: BrokerSettings, *, topics: Sequence[str] = (), will: Told | None = None
) -> AsyncIterator[Link]:
    """See ``drivers.transports.broker.Connect``."""
    link = Link(settings, will)
    try:
        await link.open(topics)
        yield link
    finally:
        await link.connection.farewell(_FAREWELL_S)


class Link:
    """One connection (``drivers.transports.broker.BrokerLink``)."""

    def __init__(self, settings: BrokerSettings, will: Told | None) -> None:
        self.dropped = 0
        self._where = settings.where
        self._waiting: deque[MQTTMessage] = deque()
        self._news = asyncio.Event()
        last_will = None if will is None else Will(will.topic, will.payload, qos=1, retain=True)
        self.connection = Connection(_mqtt(settings), last_will, self._arrived)
        self.connection.lost.add_done_callback(lambda _: self._news.set())

    async def open(self, topics: Sequence[str]) -> None:
        """Connect and subscribe. Raises ``DeviceUnavailable``."""
        try:
            await self.connection.open()
            for topic in topics:
                await self.connection.subscribe(topic, 1)
        except (ConnectionRefused, SubscribeRefused, NotConnected) as error:
            raise DeviceUnavailable(
                f"The broker at {self._where} said no: {error}.",
                hint="Check the broker's settings here, and its log.",
            ) from error
        except ssl.SSLError as error:
            raise DeviceUnavailable(
                f"There is no TLS with the broker at {self._where}: {error}.",
                hint="Check tls_ca against its certificate, our own, and that the port speaks TLS.",
            ) from error
        except OSError as error:
            raise DeviceUnavailable(
                f"The broker at {self._where} cannot be reached: {error}.",
                hint="Does it run there, are host and port right, and is the network up?",
            ) from error

    async def next(self, timeout_s: float | None = None) -> Told | None:
        """See ``drivers.transports.broker.BrokerLink``."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._waiting:
                    if self.connection.lost.done():
                        raise self._lost(self.connection.lost.result())
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        message = self._waiting.popleft()
        # Only now: who does not read lets the broker wait, within the receive maximum.
        if message.qos:
            self.connection.ack(message.mid)
        return Told(message.topic, bytes(message.payload), message.retain)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """See ``drivers.transports.broker.BrokerLink``."""
        try:
            await self.connection.publish(topic, payload, 1, retain)
        except PublishRefused as error:
            raise DeviceUnavailable(
                f"The broker at {self._where} did not take a message: {error}.",
                hint="May this user publish to that topic? Look at the broker's access list.",
            ) from error
        except NotConnected as error:
            raise self._lost(str(error)) from error

    def vanish(self) -> None:
        """See ``drivers.transports.broker.BrokerLink``."""
        self.connection.close("vanished")

    def _arrived(self, _connection: Connection, message: MQTTMessage) -> None:
        if message.qos == 0 and len(self._waiting) >= _QOS_0_MAX:
            self.dropped += 1
            return
        self._waiting.append(message)
        self._news.set()

    def _lost(self, why: str) -> DeviceUnavailable:
        return DeviceUnavailable(
            f"The broker at {self._where} was lost: {why}.",
            hint="Does it run, and is the network up? It is called again shortly.",
        )


def _mqtt(settings: BrokerSettings) -> MqttSettings:
    own = settings.client_id or f"tallyport-{secrets.token_hex(8)}"
    return MqttSettings(
        **settings.model_dump(include=set(BrokerSettings.model_fields) - {"client_id"}),
        client_id=own,
        clean_start=True,
        session_expiry_s=0,
    )
