"""What the technician's pages stand on: a desk that takes asks, wherever the edge is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

from starlette.requests import Request

from gateway.console import Ask, Told

__all__ = ["Consoles", "Desk", "NoSuchEdge"]


class NoSuchEdge(LookupError):
    """No edge of this name is known; the text is for people."""


class Desk(Protocol):
    """One edge's desk: its own, or the way to it."""

    def start(self, ask: Ask) -> None:
        """Have it done; asked again it goes on for another lease."""
        ...

    def follow(self, ask_id: str) -> AsyncIterator[Told]:
        """The newest word about an ask, then what is newer, up to the last one; nothing of one
        that is not known.
        """
        ...

    def newest(self, ask_id: str) -> Told | None:
        """The newest word about an ask; ``None`` of one that is not known."""
        ...

    def renew(self, ask_id: str) -> None:
        """Somebody still looks."""
        ...

    def cancel(self, ask_id: str) -> None:
        """End it; the last word tells when what it changed is put back."""
        ...


class Consoles(Protocol):
    """The desks, and what the pages need to know of where they are."""

    base: str
    """The path before every address: with ``{edge}`` in it where there are several edges."""

    plate_setup: str
    """Where the books can be told of a plate, with ``{point}`` and ``{plate}`` in it: the address
    of a part of a page; empty where the books are elsewhere.
    """

    def desk(self, edge: str) -> Desk:
        """The desk of an edge. Raises ``NoSuchEdge``."""
        ...

    def edge(self, request: Request) -> str:
        """Which edge a request is about."""
        ...

    def may_change(self, request: Request) -> bool:
        """Whether who asks may have something changed."""
        ...

    def who(self, request: Request) -> str:
        """Who asks, in words for those who look later who changed something."""
        ...

    async def asked(self, request: Request, edge: str, ask: Ask) -> None:
        """Somebody asks for what changes something: kept before it is done."""
        ...

    def render(self, request: Request, template: str, facts: Mapping[str, Any]) -> str:
        """A page's HTML."""
        ...
