"""The tables of EPCIS events that others told us. Part of ``central.schema``."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from central.schema.ground import ID, metadata

__all__ = ["epcis_capture", "epcis_event", "epcis_query", "epcis_thing"]

epcis_event = Table(
    "epcis_event",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("record_us", BigInteger, nullable=False),
    Column("biz_step", Text, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("biz_location", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("movements", Text, nullable=False),
    Column("why", Text, nullable=False),
    # Of the declaration that another event is wrong, which stands under a name of its own.
    Column("declared_us", BigInteger),
    Column("error_reason", Text, nullable=False, server_default=""),
    *(
        Index(f"ix_epcis_event_{name}", name, "id")
        for name in ("biz_step", "disposition", "read_point", "biz_location")
    ),
)
# What an event is about, by canonical identifiers: epc, any, class; ``corrective`` are the ids of
# events that are right instead of one that was declared wrong, ``field`` the names (without their
# namespaces) of fields that users added, ``value`` the same with what they say.
epcis_thing = Table(
    "epcis_thing",
    metadata,
    Column("uri", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("event", ID, ForeignKey("epcis_event.id"), primary_key=True),
    Index("ix_epcis_thing_event", "event"),
)
epcis_capture = Table(
    "epcis_capture",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("behaviour", Text, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("events", Text, nullable=False),
    Column("errors", Text, nullable=False),
    Index("ix_epcis_capture_at", "at_us", "id"),
)
# Questions that stand under a name: as they were asked, and as they are understood.
epcis_query = Table(
    "epcis_query",
    metadata,
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
)
