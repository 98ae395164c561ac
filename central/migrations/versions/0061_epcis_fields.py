"""EPCIS events of others are found by the fields that users added to them."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from central.epcis.fields import keys_of

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_AT_ONCE = 500
_BEHIND = sa.text("SELECT id, body FROM epcis_event WHERE id > :after ORDER BY id LIMIT :most")
_ADD = sa.text("INSERT INTO epcis_thing (uri, kind, event) VALUES (:uri, 'field', :event)")
_REMOVE = sa.text("DELETE FROM epcis_thing WHERE kind = 'field'")


def upgrade() -> None:
    conn, after = op.get_bind(), 0
    while rows := conn.execute(_BEHIND, {"after": after, "most": _AT_ONCE}).all():
        for row in rows:
            after, keys = row.id, keys_of(json.loads(row.body))
            if keys:
                conn.execute(_ADD, [{"uri": key, "event": row.id} for key in sorted(keys)])


def downgrade() -> None:
    op.get_bind().execute(_REMOVE)
