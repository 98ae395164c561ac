"""The tables of places: the tree of locations, and what read points and plates mean there.

What judging knows (read points, plate plans, what lies within what, and the packs of the catalogue)
is effective from a place in the observation log on, see ``central.judging.effective``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    false,
)

from central.schema.ground import ID, metadata

__all__ = [
    "enclosure", "location", "place_total", "plate_plan", "read_point", "shelf_layout", "warehouse",
]  # fmt: skip

location = Table(
    "location",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="internal"),
    Column("parent", Text, ForeignKey("location.code"), index=True),
    Column("created_us", BigInteger, nullable=False),
    Column("type", Text, nullable=False, server_default=""),
    Column("rules", Text, nullable=False, server_default="{}"),
    Column("status", Text, nullable=False, server_default="active"),
    Column("version", BigInteger, nullable=False, server_default="1"),
)
# What encloses a place, as judging knows it; NULL: nothing any more.
enclosure = Table(
    "enclosure",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("valid_from_log", BigInteger, nullable=False, index=True),
    Column("code", Text, ForeignKey("location.code"), nullable=False),
    Column("parent", Text, ForeignKey("location.code")),
    Index("ix_enclosure_code", "code", "id"),
)
# What a place with a capacity holds, with all below it; NULL: more than a number here can say.
place_total = Table(
    "place_total",
    metadata,
    Column("place", Text, ForeignKey("location.code"), primary_key=True),
    Column("units", BigInteger),
    Column("mass_mg", BigInteger),
    Column("volume_mm3", BigInteger),
)
# A warehouse is a location without a parent, and this beside it.
warehouse = Table(
    "warehouse",
    metadata,
    Column("code", Text, ForeignKey("location.code"), primary_key=True),
    Column("address", Text, nullable=False, server_default=""),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
)
read_point = Table(
    "read_point",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("valid_from_log", BigInteger, nullable=False),
    Column("code", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("location", Text, ForeignKey("location.code"), nullable=False),
    Column("inbound_from", Text, ForeignKey("location.code"), nullable=False),
    Column("outbound_to", Text, ForeignKey("location.code"), nullable=False),
    Column("fuse_s", Integer, nullable=False, server_default="600"),
    Column("inferred", Text, nullable=False, server_default="review"),
    Column("gone_after_s", Float, nullable=False, server_default="60"),
    Column("one_way", Text, nullable=False, server_default=""),
    Column("moves_stock", Boolean, nullable=False, server_default=false()),
)
# In force at a time is the row with the greatest (valid_from_us, id) not behind that time.
plate_plan = Table(
    "plate_plan",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("valid_from_log", BigInteger, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("plate", Integer, nullable=False),
    Column("sku", Text, ForeignKey("item.sku"), nullable=False),
    Column("unit_mg", BigInteger, nullable=False),
    Column("unit_cv", Float, nullable=False, server_default="0.01"),
    Column("valid_from_us", BigInteger, nullable=False, server_default="0"),
    Column("said_us", BigInteger, nullable=False, server_default="0"),
)
# Where each plate of a shelf lies: JSON of ``central.catalogue.geometry.Layout``.
shelf_layout = Table(
    "shelf_layout",
    metadata,
    Column("read_point", Text, primary_key=True),
    Column("body", Text, nullable=False),
)
