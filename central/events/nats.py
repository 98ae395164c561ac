"""An event to NATS: subject ``NAME.TOPIC.KIND``, acknowledged by a JetStream stream.

The stream has to be there (``nats stream add``); it drops what it has by the event's id, which
comes as ``Nats-Msg-Id``. Without JetStream the server is all that is asked, and it keeps nothing.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.errors import Error
from nats.js.errors import APIError, NoStreamResponseError

from central.events.model import Letter, NotTaken

__all__ = ["Nats"]


class Nats:
    """One server; connects when there is something to tell."""

    def __init__(
        self, url: str, name: str, *, ca_file: Path | None, jetstream: bool, timeout_s: float
    ) -> None:
        self._url = url
        self._name = name
        self._tls = ssl.create_default_context(cafile=ca_file) if url[:3] == "tls" else None
        self._jetstream = jetstream
        self._timeout_s = timeout_s
        self._client: Client | None = None

    async def send(self, letter: Letter) -> None:
        """Raises ``NotTaken``."""
        try:
            client = self._client or await self._open()
            await self._publish(client, letter)
        except NoStreamResponseError as error:
            raise NotTaken(f"no stream of NATS keeps {self._name}.>", reached=False) from error
        except APIError as error:
            raise NotTaken(f"NATS refuses: {error}") from error
        except (Error, OSError) as error:
            await self.close()
            raise NotTaken(f"no connection to NATS: {error!r}", reached=False) from error

    async def _publish(self, client: Client, letter: Letter) -> None:
        subject = f"{self._name}.{letter.topic}.{letter.kind}"
        headers = {"Nats-Msg-Id": letter.id, "Content-Type": "application/cloudevents+json"}
        if self._jetstream:
            stream = client.jetstream(timeout=self._timeout_s)
            await stream.publish(subject, letter.body, headers=headers)
        else:
            await client.publish(subject, letter.body, headers=headers)
            await client.flush(timeout=round(self._timeout_s))

    async def _open(self) -> Client:
        self._client = await nats.connect(
            self._url,
            name="tallyport",
            tls=self._tls,
            connect_timeout=round(self._timeout_s),
            allow_reconnect=False,
            error_cb=_told_elsewhere,
        )
        return self._client

    async def close(self) -> None:
        """End the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _told_elsewhere(_: Exception) -> None:
    """What goes wrong is raised where something is sent."""
