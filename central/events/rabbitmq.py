"""An event to RabbitMQ: a durable topic exchange, confirmed by the broker.

The routing key is ``TOPIC.KIND``; bind a queue before you subscribe, an exchange keeps nothing.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange
from aio_pika.exceptions import AMQPError, DeliveryError

from central.events.model import Letter, NotTaken

__all__ = ["RabbitMq"]


class RabbitMq:
    """One exchange; connects when there is something to tell."""

    def __init__(self, url: str, exchange: str, *, ca_file: Path | None, timeout_s: float) -> None:
        self._url = url
        self._name = exchange
        self._tls = ssl.create_default_context(cafile=ca_file) if url[:5] == "amqps" else None
        self._timeout_s = timeout_s
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None

    async def send(self, letter: Letter) -> None:
        """Raises ``NotTaken``."""
        message = aio_pika.Message(
            letter.body,
            content_type="application/cloudevents+json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=letter.id,
            type=letter.kind,
        )
        try:
            exchange = self._exchange or await self._open()
            await exchange.publish(
                message, f"{letter.topic}.{letter.kind}", mandatory=False, timeout=self._timeout_s
            )
        except DeliveryError as error:
            raise NotTaken(f"RabbitMQ refuses: {error}") from error
        except (AMQPError, OSError, RuntimeError) as error:  # RuntimeError: closed meanwhile
            await self.close()
            raise NotTaken(f"no connection to RabbitMQ: {error!r}", reached=False) from error

    async def _open(self) -> AbstractExchange:
        self._connection = await aio_pika.connect(
            self._url, ssl_context=self._tls, timeout=self._timeout_s
        )
        channel = await self._connection.channel(publisher_confirms=True)
        self._exchange = await channel.declare_exchange(
            self._name, aio_pika.ExchangeType.TOPIC, durable=True
        )
        return self._exchange

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection, self._exchange = self._connection, None, None
        if connection is not None:
            await connection.close()
