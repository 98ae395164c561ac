"""Edges' answers to technicians, which come by the same connection as their observations."""

from __future__ import annotations

from typing import Protocol

from gateway import topics
from gateway.mqtt_settings import Incoming

__all__ = ["Consoles", "NoConsoles", "is_answer"]


class Consoles(Protocol):
    """Who asks edges for things."""

    def heard_of(self, site: str, edge: str) -> None:
        """An edge shows."""
        ...

    def arrived(self, topic: str, payload: bytes) -> None:
        """An edge's answer."""
        ...


class NoConsoles:
    """Of a central that asks edges for nothing."""

    def heard_of(self, site: str, edge: str) -> None:
        """Nobody wants to know."""

    def arrived(self, topic: str, payload: bytes) -> None:
        """Nobody asked."""


def is_answer(consoles: Consoles, address: topics.Address | None, message: Incoming) -> bool:
    """Whether a message is for technicians, and then it is handed on; what edge shows by another
    is told to them too.
    """
    if address is not None:
        consoles.heard_of(address.site, address.edge)
        return False
    if topics.parse_command(message.topic) is None:
        return False
    consoles.arrived(message.topic, message.payload)
    message.ack()
    return True
