"""The MQTT broker as devices behind one see it: topics heard, topics told, and no more.

Drivers know no MQTT library. Whoever runs them says once how a broker is reached (``provide``):
the edge does, with the client that also carries its uplink.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.errors import DeviceRefused

Topic = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^+#\x00\r\n]+$")]
"""A topic that can be published to: no wildcards."""


class BrokerSettings(BaseModel):
    """Where the broker is, and who we are there. TLS is used as soon as ``tls_ca`` is given.

    Without ``client_id`` every connection makes up its own: two that share one throw each other
    out. A silent broker is noticed within one and a half ``keepalive_s``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    username: str | None = None
    password: Annotated[str | None, Field(repr=False)] = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_id: Annotated[str, Field(max_length=128)] = ""
    keepalive_s: Annotated[int, Field(ge=1, le=3_600)] = 8

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: give both or neither")
        if self.tls_cert is not None and self.tls_ca is None:
            raise ValueError("tls_cert needs tls_ca, the authority that signed the broker")
        return self

    @property
    def where(self) -> str:
        """The broker as people write it."""
        return f"{self.host}:{self.port}"


class Told(NamedTuple):
    """A message; ``retained`` ones were published before we listened."""

    topic: str
    payload: bytes
    retained: bool = False


class BrokerLink(Protocol):
    """One connection to a broker. ``dropped`` counts QoS 0 messages that came too fast."""

    dropped: int

    async def next(self, timeout_s: float | None = None) -> Told | None:
        """The next message, ``None`` when none came within the timeout.

        Raises ``DeviceUnavailable`` when the connection is lost.
        """
        ...

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send with QoS 1 and wait for the broker's yes. Raises ``DeviceUnavailable``."""
        ...

    def vanish(self) -> None:
        """Hang up without a good-bye, so that the broker publishes the will."""
        ...


class Connect(Protocol):
    """How a broker is reached; ``topics`` are heard with QoS 1, ``will`` is retained.

    Entering raises ``DeviceUnavailable`` with a hint.
    """

    def __call__(
        self, settings: BrokerSettings, *, topics: Sequence[str] = (), will: Told | None = None
    ) -> AbstractAsyncContextManager[BrokerLink]:
        """Connect, and say good-bye at the end."""
        ...


_provided: list[Connect] = []


def provide(connect: Connect) -> None:
    """Say how brokers are reached in this process. The last word counts."""
    _provided[:] = [connect]


def connected(
    settings: BrokerSettings, *, topics: Sequence[str] = (), will: Told | None = None
) -> AbstractAsyncContextManager[BrokerLink]:
    """A connection to the broker, ended whatever happens. See ``Connect``."""
    if not _provided:
        raise DeviceRefused(
            "Nobody said how a broker is reached.",
            hint="Run the device in an edge, or call drivers.transports.broker.provide first.",
        )
    return _provided[0](settings, topics=topics, will=will)
