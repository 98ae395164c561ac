"""What files may belong to: each asked for where it is kept."""

from __future__ import annotations

from sqlalchemy import Connection

from central.attachments.model import Kind
from central.catalogue.errors import NotFound
from central.catalogue.items import get_item
from central.orders import store as outbound
from central.receiving import orders as inbound
from central.reviews import store as reviews
from central.stock import queries

__all__ = ["check"]


def check(conn: Connection, kind: Kind, subject: str) -> None:
    """Whether it is there, and within reach of whoever asks. Raises ``NotFound``, ``NoSuchOrder``,
    ``NoSuchReview``, ``OutOfReach``.
    """
    match kind:
        case "items":
            get_item(conn, subject)
        case "orders":
            outbound.get(conn, subject)
        case "inbound-orders":
            inbound.get_order(conn, subject)
        case "movements":
            if queries.movement_by_id(conn, subject) is None:
                raise NotFound(f"no movement on the ledger has the id {subject}")
        case "reviews":
            reviews.get(conn, subject)
