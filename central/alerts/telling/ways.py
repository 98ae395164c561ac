"""What every way of telling has in common."""

from __future__ import annotations

from typing import Protocol

from central.alerts.model import Channel
from central.alerts.telling.words import Message

__all__ = ["NotTaken", "Way"]


class NotTaken(Exception):
    """The other side did not take a message; the text is for people and names no secret.
    ``final``: it will not take it later either.
    """

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Way(Protocol):
    """A way to tell."""

    async def send(self, channel: Channel, secret: str, message: Message) -> str:
        """Returns once the other side has it, with what was wrong all the same (mostly nothing).
        Raises ``NotTaken``.
        """
        ...
