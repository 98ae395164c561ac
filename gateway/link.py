"""The connection to a broker, as edge and central use it.

``gateway.mqtt.MqttClient`` is the real one; a simulation hands over a link that loses,
doubles and delays on purpose.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from gateway.mqtt_settings import Incoming, MqttSettings, Will

OnConnected = Callable[[], Awaitable[None]]
"""Awaited after every (re)connection, once the subscriptions stand."""


class Link(Protocol):
    """One broker, one identity; ``run`` stays connected until it is cancelled."""

    last_error: str

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent now."""
        ...

    async def run(self) -> None:
        """Connect and reconnect for ever."""
        ...

    async def connected(self) -> None:
        """Wait until connected and subscribed."""
        ...

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        """Send, and wait for the broker's acknowledgement, which is no delivery. Raises
        ``NotConnected`` and ``PublishRefused``.
        """
        ...

    async def subscribe(self, topic_filter: str, *, qos: int = 1) -> None:
        """Subscribe now and after every reconnection. Raises ``SubscribeRefused``."""
        ...

    def messages(self) -> AsyncIterator[Incoming]:
        """Messages in the order of their arrival; each comes again until it is acknowledged."""
        ...


class MakeLink(Protocol):
    """How an agent gets its link: ``MqttClient`` itself, or a simulation's."""

    def __call__(self, settings: MqttSettings, *, will: Will, on_connected: OnConnected) -> Link:
        """A link that ``run`` will connect."""
        ...
