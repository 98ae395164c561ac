"""EPCIS events of others are found by the fields that users added to them."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from central.epcis.extending import keys_of

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_BEHIND = sa.text("SELECT id, body FROM epcis_event WHERE id > :after ORDER BY id LIMIT :most")
_ADD = sa.text("INSERT INTO epcis_thing (uri, kind, event) VALUES (:uri, :kind, :event)")
_REMOVE = sa.text("DELETE FROM epcis_thing WHERE kind IN ('field', 'value')")


def upgrade() -> None:
    conn, after = op.get_bind(), 0
    while rows := conn.execute(_BEHIND, {"after": after, "most": _AT_ONCE}).all():
        for row in rows:
            after, keys = row.id, sorted(keys_of(json.loads(row.body)))
            if keys:
                named = [{"kind": kind, "uri": uri, "event": row.id} for kind, uri in keys]
                conn.execute(_ADD, named)


def downgrade() -> None:
    op.get_bind().execute(_REMOVE)
