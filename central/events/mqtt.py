"""An event to central's own broker; topics: ``gateway.topics``."""

from __future__ import annotations

from central.events.model import Letter, NotTaken
from gateway import topics
from gateway.link import Link
from gateway.mqtt_settings import NotConnected, PublishRefused

__all__ = ["Mqtt"]


class Mqtt:
    """QoS 1: the broker has it when ``send`` returns."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def send(self, letter: Letter) -> None:
        """Raises ``NotTaken``."""
        try:
            await self._link.publish(topics.event(letter.topic, letter.kind), letter.body)
        except NotConnected as error:
            raise NotTaken(f"no connection to the broker: {error}", reached=False) from error
        except PublishRefused as error:
            raise NotTaken(f"the broker refuses: {error}") from error

    async def close(self) -> None:
        """The connection is central's."""
