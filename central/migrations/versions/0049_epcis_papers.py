"""EPCIS events are found by the unit and the papers that they name; other events by their kind."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from central.epcis.identifiers import canonical

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_PREFIXES = ("https://ref.gs1.org/cbv/BTT-", "urn:epcglobal:cbv:btt:")
_NAMING = sa.text("SELECT id, body FROM epcis_event")
_ADD = sa.text("INSERT INTO epcis_thing (uri, kind, event) VALUES (:uri, :kind, :event)")
_REMOVE = sa.text("DELETE FROM epcis_thing WHERE kind = 'parent' OR kind LIKE 'paper:%'")


def upgrade() -> None:
    op.create_index("ix_domain_event_kind", "domain_event", ["kind", "seq"])
    conn = op.get_bind()
    for row in conn.execute(_NAMING).all():
        event = json.loads(row.body)
        found = {(_kind(paper), paper["bizTransaction"]) for paper in _papers(event)}
        if parent := event.get("parentID"):
            found.add(("parent", parent))
        named = sorted({(kind, canonical(uri)) for kind, uri in found})
        values = [{"uri": uri, "kind": kind, "event": row.id} for kind, uri in named]
        if values:
            conn.execute(_ADD, values)


def downgrade() -> None:
    op.get_bind().execute(_REMOVE)
    op.drop_index("ix_domain_event_kind", "domain_event")


def _papers(event: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    return event.get("bizTransactionList") or []


def _kind(paper: dict[str, str]) -> str:
    said = paper.get("type") or ""
    for prefix in _PREFIXES:
        said = said.removeprefix(prefix)
    return f"paper:{said}"
