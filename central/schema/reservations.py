"""The tables of reservations. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from central.schema.ground import metadata

__all__ = ["arrival", "reservation", "reservation_part", "reserved"]

_WAITING = text("status = 'open' AND missing > 0")
_STANDING_IN = text("substituted_for <> ''")
_ENDING = text("status = 'open' AND expires_us IS NOT NULL")
# A claim on stock: ``held`` of its ``quantity`` are set aside for it, ``missing`` are waited for.
reservation = Table(
    "reservation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sku", Text, ForeignKey("item.sku"), nullable=False),
    Column("lot", Text, nullable=False, server_default=""),
    Column("within", Text, nullable=False, server_default=""),
    Column("quantity", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("fulfilled", BigInteger, nullable=False, server_default="0"),
    Column("missing", BigInteger, nullable=False, server_default="0"),
    Column("status", Text, nullable=False),
    Column("order_id", Text, nullable=False, server_default=""),
    Column("line", Text, nullable=False, server_default=""),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("reference", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False, server_default=""),
    Column("substituted_for", Text, nullable=False, server_default=""),
    Column("created_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    CheckConstraint(
        "held >= 0 AND fulfilled >= 0 AND missing >= 0 AND held + fulfilled + missing <= quantity",
        name="ck_reservation_units",
    ),
    Index("ix_reservation_sku", "sku", "status", "id"),
    Index("ix_reservation_order", "order_id", "line"),
    Index(
        "ix_reservation_standing_in", "substituted_for",
        sqlite_where=_STANDING_IN, postgresql_where=_STANDING_IN,
    ),
    Index(
        "ix_reservation_waiting", "sku", "priority", "created_us",
        sqlite_where=_WAITING, postgresql_where=_WAITING,
    ),
    Index(
        "ix_reservation_ending", "expires_us", sqlite_where=_ENDING, postgresql_where=_ENDING
    ),
)  # fmt: skip
# Where what a reservation holds lies.
reservation_part = Table(
    "reservation_part",
    metadata,
    Column("reservation", Text, ForeignKey("reservation.id"), primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("units", BigInteger, nullable=False),
    Index("ix_reservation_part_place", "sku", "lot", "location"),
)
# The sum of the parts at a place: a projection, see ``central.reservations.projection``.
reserved = Table(
    "reserved",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("units", BigInteger, nullable=False),
)
# Since when goods that lie at a place are in the house: what came first goes first.
arrival = Table(
    "arrival",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("since_us", BigInteger, nullable=False),
)
