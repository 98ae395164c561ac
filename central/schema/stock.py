"""Items, places, movements and what follows from them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from central.schema.ground import ID, metadata

_Id = ID

# ---- the catalogue ----------------------------------------------------------------------
item = Table(
    "item",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False, server_default=""),
    Column("unit", Text, nullable=False, server_default="each"),
    Column("unit_mg", BigInteger),
    Column("unit_cv", Float),
    Column("price_micros", BigInteger),
    Column("currency", Text, nullable=False, server_default=""),
    Column("attributes", Text, nullable=False, server_default="{}"),
    Column("length_mm", BigInteger),
    Column("width_mm", BigInteger),
    Column("height_mm", BigInteger),
    Column("parent", Text),  # an item's SKU; items are never deleted
    Column("family", Boolean, nullable=False, server_default=false()),
    Column("tracking", Text, nullable=False, server_default="none"),
    Column("status", Text, nullable=False, server_default="active"),
    Column("created_us", BigInteger, nullable=False),
    Index("ix_item_category", "category", "sku"),
    Index("ix_item_parent", "parent", "sku"),
)
# What may be given in place of an item, the first one first; days are ISO 8601.
item_substitute = Table(
    "item_substitute",
    metadata,
    Column("sku", Text, ForeignKey("item.sku"), primary_key=True),
    Column("substitute", Text, ForeignKey("item.sku"), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("from_on", Text),
    Column("until_on", Text),
)
# What judging knows, effective from a place in the observation log on, so that a replay
# judges each observation with the context of its time. The newest row of a key wins.
pack = Table(
    "pack",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("valid_from_log", BigInteger, nullable=False),
    Column("gtin", Text, nullable=False, index=True),
    Column("sku", Text, ForeignKey("item.sku"), nullable=False),
    Column("quantity", BigInteger, nullable=False, server_default="1"),
    Index("ix_pack_sku", "sku"),
)
tag_binding = Table(
    "tag_binding",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("valid_from_log", BigInteger, nullable=False, index=True),
    Column("epc", Text, nullable=False),
    Column("sku", Text, ForeignKey("item.sku")),  # NULL: bound to nothing any more
    Column("quantity", BigInteger, nullable=False, server_default="1"),
    Column("lot", Text, nullable=False, server_default=""),
    Column("serial", Text, nullable=False, server_default=""),
    Index("ix_tag_binding_epc", "epc", "id"),
    Index("ix_tag_binding_sku", "sku", "epc"),
)

# ---- the observation log --------------------------------------------------------------
observation = Table(
    "observation",
    metadata,
    Column("log_id", _Id, primary_key=True, autoincrement=True),
    Column("edge", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("record_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("edge", "epoch", "seq", name="uq_observation_id"),
    Index("ix_observation_device_time", "device", "event_us"),
)
edge_stream = Table(
    "edge_stream",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("upto_seq", BigInteger, nullable=False),
    Column("committed_seq", BigInteger, nullable=False, server_default="0"),
    Column("lost", BigInteger, nullable=False, server_default="0"),
    Column("fenced", Boolean, nullable=False, server_default="0"),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("received_us", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("last_us", BigInteger, nullable=False, server_default="0"),
    Column("times", BigInteger, nullable=False, server_default="1"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("digest", Text, nullable=False, server_default=""),
    Index("ix_quarantine_digest", "digest", unique=True),
    Index("ix_quarantine_last", "last_us", "id", "bytes", "times"),
)
quarantine_gone = Table(
    "quarantine_gone",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("gone", BigInteger, nullable=False),
)

# ---- the ledger -----------------------------------------------------------------------
_NAMED = text("corrects IS NOT NULL")
_HEARD = text("log_id > 0")
movement = Table(
    "movement",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("sku", Text, ForeignKey("item.sku"), nullable=False),
    Column("lot", Text, nullable=False, server_default=""),
    Column("quantity", BigInteger, nullable=False),
    Column("source", Text, ForeignKey("location.code"), nullable=False),
    Column("destination", Text, ForeignKey("location.code"), nullable=False),
    Column("biz_step", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("record_us", BigInteger, nullable=False),
    Column("causes", Text, nullable=False),
    Column("epcs", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("corrects", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("log_id", BigInteger, nullable=False, server_default="0"),
    Column("source_status", Text, nullable=False, server_default="available"),
    Column("destination_status", Text, nullable=False, server_default="available"),
    Column("serials", Text, nullable=False, server_default="[]"),
    Column("reference", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False, server_default=""),
    CheckConstraint("quantity > 0", name="ck_movement_quantity"),
    CheckConstraint(
        "source <> destination OR source_status <> destination_status", name="ck_movement_ends"
    ),
    Index("ix_movement_sku_seq", "sku", "seq"),
    Index(
        "ix_movement_sensed",
        "sku",
        "event_us",
        sqlite_where=text("origin IN ('portal', 'shelf', 'scan', 'zone', 'review')"),
        postgresql_where=text("origin IN ('portal', 'shelf', 'scan', 'zone', 'review')"),
    ),
    Index("ix_movement_log", "log_id", sqlite_where=_HEARD, postgresql_where=_HEARD),
    Index("ix_movement_corrects", "corrects", sqlite_where=_NAMED, postgresql_where=_NAMED),
)
balance = Table(
    "balance",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("status", Text, primary_key=True, server_default="available"),
    Column("on_hand", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Index("ix_balance_location", "location", "sku", "lot", "status"),
)
tag_place = Table(
    "tag_place",
    metadata,
    Column("epc", Text, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="available"),
    Column("last_seq", BigInteger, nullable=False),
    Index("ix_tag_place_location", "location", "sku"),
)
block = Table(
    "block",
    metadata,
    Column("no", _Id, primary_key=True, autoincrement=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("last_witness", BigInteger, nullable=False, server_default="0"),
    Column("format", Integer, nullable=False, server_default="1"),
)
