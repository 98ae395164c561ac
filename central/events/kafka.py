"""An event to a topic of Kafka, keyed by its subject: those of one SKU stay in order.

All replicas in sync acknowledge, and the producer is idempotent: a retry of its own adds nothing.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, NodeNotReadyError

from central.events.model import Letter, NotTaken

__all__ = ["Kafka"]

_NOBODY = (KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError)


class Kafka:
    """One topic; connects when there is something to tell."""

    def __init__(self, url: str, topic: str, *, ca_file: Path | None, timeout_s: float) -> None:
        self._settings = _settings(url, ca_file)
        self._topic = topic
        self._timeout_ms = round(timeout_s * 1_000)
        self._producer: AIOKafkaProducer | None = None

    async def send(self, letter: Letter) -> None:
        """Raises ``NotTaken``."""
        headers = [
            ("content-type", b"application/cloudevents+json"),
            ("ce_id", letter.id.encode()),
            ("kind", letter.kind.encode()),
        ]
        try:
            producer = self._producer or await self._open()
            await producer.send_and_wait(
                self._topic, letter.body, key=letter.subject.encode(), headers=headers
            )
        except _NOBODY as error:
            await self.close()
            raise NotTaken(f"no connection to Kafka: {error!r}", reached=False) from error
        except KafkaError as error:
            raise NotTaken(f"Kafka refuses: {error!r}") from error

    async def _open(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            client_id="tallyport",
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=self._timeout_ms,
            **self._settings,
        )
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            raise
        self._producer = producer
        return producer

    async def close(self) -> None:
        """End the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


def _settings(url: str, ca_file: Path | None) -> dict[str, Any]:
    """What the client is told of ``kafka(+ssl)://user:password@host:port,host:port``."""
    scheme, _, rest = url.partition("://")
    login, _, hosts = rest.rpartition("@")
    encrypted = scheme.endswith("+ssl")
    settings: dict[str, Any] = {"bootstrap_servers": hosts.rstrip("/").split(",")}
    settings["security_protocol"] = ("SASL_" if login else "") + (
        "SSL" if encrypted else "PLAINTEXT"
    )
    if encrypted:
        settings["ssl_context"] = ssl.create_default_context(cafile=ca_file)
    if login:
        user, _, password = login.partition(":")
        settings |= {
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": unquote(user),
            "sasl_plain_password": unquote(password),
        }
    return settings
