"""What the embedded broker allows: every memory it has is bounded by one of these."""

from __future__ import annotations

from typing import NamedTuple


class BrokerLimits(NamedTuple):
    """Generous for a site of one box, harmless for the box.

    ``queue_messages`` and ``queue_bytes`` are per session, ``subscriptions`` too. A client
    that asks for no keepalive, or a longer one, is given ``keepalive_s``.
    """

    connections: int = 1_000
    sessions: int = 1_000
    subscriptions: int = 100
    packet_bytes: int = 8 * 1024 * 1024 + 65_536
    queue_messages: int = 2_000
    queue_bytes: int = 64 * 1024 * 1024
    retained_messages: int = 10_000
    retained_bytes: int = 64 * 1024 * 1024
    receive_maximum: int = 1_000
    session_expiry_s: int = 14 * 86_400
    keepalive_s: int = 600
    connect_timeout_s: float = 10.0


class Credentials(NamedTuple):
    """What a client says of itself in CONNECT."""

    client_id: str
    username: str | None
    password: bytes | None
