"""Bugs that can be planted, to see that the checker has teeth."""

from __future__ import annotations

import contextlib

from gateway import codec, topics
from gateway.contract import ContractError, Watermark
from gateway.mqtt_settings import Incoming
from tallyport.simulation.network import Message, SimLink
from tallyport.simulation.plan import SITE


class TrimsOnPuback(SimLink):
    """A planted bug: the broker's acknowledgement is taken for central's."""

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        """As the honest one, and then the lie."""
        answer = await super().publish(topic, payload, qos=qos, retain=retain)
        if topic.endswith("up/observations"):
            self.whisper(_all_of(topic, payload))
        return answer

    def whisper(self, message: Incoming) -> None:
        """Say something to ourselves as if the broker had sent it."""
        self._waiting.append(message)
        self._arrival.set()


class AcksEarly(SimLink):
    """A planted bug: central confirms what it has received, not what it has committed."""

    def deliver(self, message_id: int, message: Message) -> None:
        """As the honest one, and the lie before it."""
        topic, payload, _, _ = message
        if topic.endswith("up/observations"):
            with contextlib.suppress(ContractError):
                lie = _all_of(topic, payload)
                self._broker.accept((lie.topic, lie.payload, 1, True))
        super().deliver(message_id, message)


def _all_of(topic: str, payload: bytes) -> Incoming:
    """The watermark that confirms all of a batch."""
    batch = codec.decode(payload)
    mark = Watermark(
        edge=batch.edge,
        epoch=batch.epoch,
        upto_seq=batch.first_seq + len(batch.observations) - 1,
    )
    down = topics.watermark(SITE, batch.edge)
    return Incoming(down, codec.encode_watermark(mark), 1, False, lambda: None)
