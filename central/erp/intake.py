"""Who sent a message, which one it is, and that it is kept before anything is made of it."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from central.erp import messages
from central.erp.config import Orders
from central.erp.fields import Wrong
from central.erp.formats import document_of
from central.erp.mapping import message_id
from central.erp.messages import Arrived, Came

__all__ = ["ORDERS", "keep", "key_of"]

ORDERS = "purchase-orders"
"""What an inbound message is."""


def key_of(raw: bytes, reading: Orders, said: str | None) -> str:
    """The id by which a repeat is known: what the message itself says, what came with it, or the
    digest of its bytes.
    """
    if reading.message_id is not None:
        try:
            found = message_id(document_of(raw, reading), reading)
        except Wrong:  # what is wrong with it is found, and told, when it is applied
            found = None
        if found is not None:
            return found
    return said or hashlib.sha256(raw).hexdigest()


def keep(conn: Connection, name: str, key: str, came: tuple[bytes, str], at_us: int) -> Arrived:
    """Keep bytes that came by a way, under the message's id. Raises ``OtherContent``."""
    raw, origin = came
    return messages.take_in(conn, Came(name, key, ORDERS, origin, raw), at_us)
