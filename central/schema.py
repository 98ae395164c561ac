"""The central database's tables, as SQLAlchemy Core knows them. Alembic owns their history.

Works alike on SQLite and PostgreSQL. Times are integer microseconds since 1970 UTC
(``*_us``): the same on both engines, exact and sortable. JSON columns hold msgspec-encoded text.
"""

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

from central.schema_access import (
    access_grant,
    account,
    api_key,
    login_session,
    one_time,
    refresh_token,
)
from central.schema_alerts import (
    alert,
    alert_channel,
    alert_event,
    alert_message,
    alert_notice,
    alert_rule,
    alert_told,
)
from central.schema_announced import document, document_note, witness
from central.schema_attachments import attachment
from central.schema_audit import audit, audit_block
from central.schema_counts import (
    count_decision,
    count_entry,
    count_result,
    count_schedule,
    count_task,
)
from central.schema_devices import device, edge_presence
from central.schema_epcis import epcis_capture, epcis_event, epcis_thing
from central.schema_erp import erp_message, erp_order
from central.schema_events import dead_letter, delivery, domain_event, subscription
from central.schema_ground import ID, metadata
from central.schema_judging import (
    cursor,
    label,
    left_alone,
    memory,
    partition,
    portal_pass,
    review,
    stretch,
    trace,
    worker,
)
from central.schema_labels import label_job, label_number
from central.schema_lots import lot, serial_place
from central.schema_orders import carton, outbound_line, outbound_order, pick, pick_task, shipment
from central.schema_places import location, place_total, plate_plan, read_point, warehouse
from central.schema_presence import presence, presence_event
from central.schema_receiving import (
    goods_told,
    inbound_discrepancy,
    inbound_order,
    receipt,
    receipt_piece,
    receipt_take,
    receiving_session,
)
from central.schema_reservations import arrival, reservation, reservation_part, reserved
from central.schema_returns import customer_return, return_inspection

__all__ = [  # of other modules; the tables below are everybody's, too
    "access_grant", "account", "alert", "alert_channel", "alert_event", "alert_message",
    "alert_notice", "alert_rule", "alert_told", "api_key", "arrival", "attachment", "audit",
    "audit_block", "carton", "count_decision", "count_entry", "count_result", "count_schedule",
    "count_task",
    "cursor", "customer_return", "dead_letter", "delivery", "device", "document", "document_note",
    "domain_event", "edge_presence", "epcis_capture", "epcis_event", "epcis_thing", "erp_message",
    "erp_order", "goods_told",
    "inbound_discrepancy",
    "inbound_order", "label", "label_job", "label_number", "left_alone", "location",
    "login_session", "lot", "memory",
    "metadata", "one_time", "outbound_line", "outbound_order", "partition", "pick", "pick_task",
    "place_total", "plate_plan", "portal_pass", "presence", "presence_event", "read_point",
    "receipt", "receipt_piece", "receipt_take", "receiving_session", "refresh_token",
    "reservation", "reservation_part", "reserved", "return_inspection", "review", "serial_place",
    "shipment", "stretch",
    "subscription", "trace", "warehouse", "witness", "worker",
]  # fmt: skip

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
    Index("ix_balance_location", "location", "sku"),
)
tag_place = Table(
    "tag_place",
    metadata,
    Column("epc", Text, primary_key=True),
    Column("sku", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="available"),
    Column("last_seq", BigInteger, nullable=False),
    Index("ix_tag_place_location", "location"),
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
