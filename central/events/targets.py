"""From where a subscription wants to be told to whoever can tell there."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

from central.config import BrokerSection, EventsSection
from central.events.model import Letter, NotTaken, Secret, Subscription
from central.events.mqtt import Mqtt
from central.events.webhook import Webhook
from gateway.clock import Clock
from gateway.link import Link

__all__ = ["Keys", "Sends", "target_of"]

Keys = Callable[[], Sequence[Secret]]
"""The keys that sign what is sent, as they are then."""


class Sends(Protocol):
    """One target."""

    async def send(self, letter: Letter) -> None:
        """Return when the target has the event; raises ``NotTaken``."""
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...


def target_of(
    subscription: Subscription,
    settings: EventsSection,
    link: Link,
    *,
    keys: Keys,
    clock: Clock,
) -> Sends:
    """Raises ``NotTaken`` for a broker that the settings do not name, or whose library is not
    installed.
    """
    target = subscription.target
    if target.kind == "mqtt":
        return Mqtt(link)
    if target.kind == "webhook":
        return Webhook(
            target.url,
            keys,
            clock=clock,
            allowed=settings.webhook_networks,
            timeout_s=settings.webhook_timeout_s,
            tls=ssl.create_default_context(cafile=settings.webhook_ca_file),
        )
    broker = settings.brokers.get(target.broker)
    if broker is None:
        raise NotTaken(f"the settings name no broker {target.broker}", reached=False)
    try:
        return _broker(broker, settings.webhook_timeout_s)
    except ModuleNotFoundError as error:
        raise NotTaken(
            f"{error.name} is not installed: pip install 'tallyport[events]'", reached=False
        ) from error


def _broker(broker: BrokerSection, timeout_s: float) -> Sends:
    """Each library is imported where its broker is wanted: they are extras."""
    url = broker.url.get_secret_value()
    if broker.scheme.startswith("amqp"):
        from central.events.rabbitmq import RabbitMq  # noqa: PLC0415

        return RabbitMq(url, broker.name, ca_file=broker.ca_file, timeout_s=timeout_s)
    if broker.scheme.startswith("kafka"):
        from central.events.kafka import Kafka  # noqa: PLC0415

        return Kafka(url, broker.name, ca_file=broker.ca_file, timeout_s=timeout_s)
    from central.events.nats import Nats  # noqa: PLC0415

    return Nats(
        url, broker.name, ca_file=broker.ca_file, jetstream=broker.jetstream, timeout_s=timeout_s
    )
