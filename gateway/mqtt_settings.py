"""How to reach a broker, and what it may answer: settings, messages and refusals of MQTT 5."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

NO_MATCHING_SUBSCRIBERS = 0x10
UNSPECIFIED_ERROR = 0x80
PACKET_TOO_LARGE = 0x95


class MqttSettings(BaseModel):
    """Where the broker is and who we are.

    TLS is used as soon as ``tls_ca`` (the authority that signed the broker's certificate) is
    given; ``tls_cert`` and ``tls_key`` identify us. Files are read at each connection, so that
    a renewed certificate needs no restart. ``receive_maximum`` bounds what the broker may send
    before we acknowledge; ``window`` what we send before it does (its own lower limit wins).
    A half-open connection is noticed within one and a half ``keepalive_s``, a broker that
    answers pings and acknowledges nothing after ``ack_timeout_s``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    client_id: Annotated[str, Field(min_length=1, max_length=128)]
    username: str | None = None
    password: Annotated[str | None, Field(repr=False)] = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    keepalive_s: Annotated[int, Field(ge=1, le=3600)] = 8
    connect_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    ack_timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    receive_maximum: Annotated[int, Field(ge=1, le=65535)] = 100
    window: Annotated[int, Field(ge=1, le=1000)] = 100
    session_expiry_s: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 3600
    clean_start: bool = False
    retry_base_s: Annotated[float, Field(gt=0)] = 1.0
    retry_limit_s: Annotated[float, Field(gt=0)] = 10.0

    @model_validator(mode="after")
    def _tls_is_whole(self) -> MqttSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: give both or neither")
        if self.tls_cert is not None and self.tls_ca is None:
            raise ValueError("tls_cert needs tls_ca, the authority that signed the broker")
        return self

    @property
    def address(self) -> str:
        """The broker as people write it."""
        return f"{self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """Read the certificates; ``None`` for plain TCP. Raises OSError (``ssl.SSLError`` too)."""
        if self.tls_ca is None:
            return None
        context = ssl.create_default_context(cafile=str(self.tls_ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.tls_cert is not None:
            context.load_cert_chain(self.tls_cert, self.tls_key)
        return context


class Will(NamedTuple):
    """What the broker publishes for us when we vanish without saying goodbye."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Incoming(NamedTuple):
    """A message from the broker; it counts as unread until ``ack`` is called.

    ``ack`` is harmless twice, at QoS 0, and after the connection it came by is gone: the
    broker then sends the message again.
    """

    topic: str
    payload: bytes
    qos: int
    retained: bool
    ack: Callable[[], None]


class NotConnected(Exception):
    """There is no connection, or it ended before the broker acknowledged: send again later."""


class PublishRefused(Exception):
    """The broker answered a publish with a failure: the message was NOT sent.

    ``code`` is MQTT 5's reason code (at least 0x80), ``reason`` its name.
    """

    def __init__(self, topic: str, code: int, reason: str) -> None:
        super().__init__(f"the broker refused a message to {topic}: {reason} ({code:#04x})")
        self.topic, self.code, self.reason = topic, code, reason


class SubscribeRefused(Exception):
    """The broker refused a subscription; ``code`` and ``reason`` as in ``PublishRefused``."""

    def __init__(self, topic_filter: str, code: int, reason: str) -> None:
        super().__init__(
            f"the broker refused the subscription to {topic_filter}: {reason} ({code:#04x}); "
            "check the access list for this client's identity"
        )
        self.topic_filter, self.code, self.reason = topic_filter, code, reason


class ConnectionRefused(Exception):
    """A connection could not be made or kept; the text says why and what to do."""


_ADVICE = {
    0x84: "the broker speaks no MQTT 5: use Mosquitto 2 or newer",
    0x85: "the client id is not allowed, or belongs to another identity: give this one its own",
    0x86: "user name or password are wrong: check the credentials, or enrol this device again",
    0x87: "the broker does not allow this client: check its user, certificate and access list",
    0x88: "the broker is not available: look at its log",
    0x89: "the broker is busy: it is asked again",
    0x8A: "this client is banned: ask who runs the broker",
    0x8B: "the broker is shutting down: it is asked again",
    0x8C: "the broker wants another way of signing in: it must allow user names or certificates",
    0x8D: "the broker heard nothing for too long: look at the network, or raise keepalive_s",
    0x8E: "another client uses the same client id: give each its own",
    0x93: "more messages were under way than the broker allows: lower window",
    0x95: "a packet was larger than the broker takes: send smaller batches, or raise its limit",
    0x97: "a quota of the broker is used up: raise its limits, or remove stale sessions",
    0x98: "the broker's administrator ended the session: ask who runs it",
    0x9A: "the broker keeps no retained messages: allow them",
    0x9B: "the broker does not take this quality of service: allow QoS 1",
    0x9F: "connections come too fast: it is asked again, more slowly",
}


def advice(code: int) -> str:
    """What a person can do about a CONNACK or DISCONNECT reason code."""
    return _ADVICE.get(code, "look at the broker's log")
