"""The central database's tables, as SQLAlchemy Core knows them. Alembic owns their history.

Works alike on SQLite and PostgreSQL. Times are integer microseconds since 1970 UTC
(``*_us``): the same on both engines, exact and sortable. JSON columns hold msgspec-encoded text.
"""

from __future__ import annotations

from central.schema.access import (
    access_grant,
    account,
    api_key,
    login_session,
    one_time,
    refresh_token,
)
from central.schema.alerts import (
    alert,
    alert_channel,
    alert_event,
    alert_message,
    alert_notice,
    alert_rule,
    alert_told,
)
from central.schema.announced import document, document_note, witness
from central.schema.attachments import attachment
from central.schema.audit import audit, audit_block
from central.schema.counts import (
    count_decision,
    count_entry,
    count_result,
    count_schedule,
    count_task,
)
from central.schema.devices import device, edge_presence
from central.schema.epcis import epcis_capture, epcis_event, epcis_query, epcis_thing
from central.schema.erp import erp_message, erp_order
from central.schema.events import dead_letter, delivery, domain_event, subscription
from central.schema.ground import ID, metadata
from central.schema.judging import (
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
from central.schema.labels import label_job, label_number
from central.schema.lots import lot, serial_place
from central.schema.orders import carton, outbound_line, outbound_order, pick, pick_task, shipment
from central.schema.places import (
    enclosure,
    location,
    place_total,
    plate_plan,
    read_point,
    shelf_layout,
    warehouse,
)
from central.schema.presence import presence, presence_event
from central.schema.receiving import (
    goods_told,
    inbound_discrepancy,
    inbound_order,
    receipt,
    receipt_piece,
    receipt_take,
    receiving_session,
)
from central.schema.reservations import arrival, reservation, reservation_part, reserved
from central.schema.returns import customer_return, return_inspection
from central.schema.stock import (
    balance,
    block,
    edge_stream,
    item,
    item_substitute,
    movement,
    observation,
    pack,
    quarantine,
    quarantine_gone,
    tag_binding,
    tag_place,
)

__all__ = [
    "ID",
    "access_grant",
    "account",
    "alert",
    "alert_channel",
    "alert_event",
    "alert_message",
    "alert_notice",
    "alert_rule",
    "alert_told",
    "api_key",
    "arrival",
    "attachment",
    "audit",
    "audit_block",
    "balance",
    "block",
    "carton",
    "count_decision",
    "count_entry",
    "count_result",
    "count_schedule",
    "count_task",
    "cursor",
    "customer_return",
    "dead_letter",
    "delivery",
    "device",
    "document",
    "document_note",
    "domain_event",
    "edge_presence",
    "edge_stream",
    "enclosure",
    "epcis_capture",
    "epcis_event",
    "epcis_query",
    "epcis_thing",
    "erp_message",
    "erp_order",
    "goods_told",
    "inbound_discrepancy",
    "inbound_order",
    "item",
    "item_substitute",
    "label",
    "label_job",
    "label_number",
    "left_alone",
    "location",
    "login_session",
    "lot",
    "memory",
    "metadata",
    "movement",
    "observation",
    "one_time",
    "outbound_line",
    "outbound_order",
    "pack",
    "partition",
    "pick",
    "pick_task",
    "place_total",
    "plate_plan",
    "portal_pass",
    "presence",
    "presence_event",
    "quarantine",
    "quarantine_gone",
    "read_point",
    "receipt",
    "receipt_piece",
    "receipt_take",
    "receiving_session",
    "refresh_token",
    "reservation",
    "reservation_part",
    "reserved",
    "return_inspection",
    "review",
    "serial_place",
    "shelf_layout",
    "shipment",
    "stretch",
    "subscription",
    "tag_binding",
    "tag_place",
    "trace",
    "warehouse",
    "witness",
    "worker",
]
