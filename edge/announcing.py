"""The edge's presence: retained at the broker, so that central knows who is there and why not."""

from __future__ import annotations

import asyncio
import contextlib
from importlib.metadata import PackageNotFoundError, version

from edge.fold.moments import moment
from edge.walltime import WallTime
from gateway import codec, topics
from gateway.contract import Presence
from gateway.link import Link
from gateway.mqtt_settings import NotConnected, PublishRefused, Will

__all__ = ["Announcer", "own_version"]

_FAREWELL_S = 2.0


class Announcer:
    """``will`` is what the broker says for us when we vanish; ``since_now`` begins a new state."""

    def __init__(self, site: str, edge: str, time: WallTime) -> None:
        self._topic = topics.status(site, edge)
        self._edge = edge
        self._time = time
        self._since_us = time.now_us()
        self.will = Will(
            self._topic, self._presence("offline", "the connection was lost"), retain=True
        )

    def since_now(self) -> None:
        """What is told next holds since now."""
        self._since_us = self._time.now_us()

    async def tell(self, link: Link, state: str, reason: str) -> None:
        """Raises ``NotConnected`` and ``PublishRefused``."""
        await link.publish(self._topic, self._presence(state, reason), retain=True)

    async def try_to_tell(self, link: Link, state: str, reason: str) -> None:
        """Say where we stand, if anybody can hear it now."""
        if not link.is_connected:
            return
        with contextlib.suppress(NotConnected, PublishRefused, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self.tell(link, state, reason)

    def _presence(self, state: str, reason: str) -> bytes:
        return codec.encode_presence(
            Presence(
                edge=self._edge,
                state=state,
                since=moment(self._since_us),
                version=own_version(),
                reason=reason,
            )
        )


def own_version() -> str:
    """Of this software; empty where it runs uninstalled."""
    try:
        return version("tallyport")
    except PackageNotFoundError:
        return ""
