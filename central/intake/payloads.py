"""What edges send, as the contract has it."""

from __future__ import annotations

from gateway import codec, topics
from gateway.contract import Batch, ContractError, Presence

__all__ = ["decode"]


def decode(topic: str, payload: bytes) -> Batch | Presence | ContractError:
    """What arrived on a topic, or why it is none of it: given, not raised."""
    address = topics.parse(topic)
    try:
        if address is None:
            return ContractError("a topic that is not of the table")
        told: Batch | Presence = (
            codec.decode_presence(payload) if address.leaf == "up/status" else codec.decode(payload)
        )
    except ContractError as error:
        return error
    if told.edge != address.edge:
        return ContractError(f"came on {address.edge}'s topic, but says it is from {told.edge}")
    return told
