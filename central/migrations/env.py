"""Runs the migrations on the connection that ``central.database.store`` hands over.

The caller's transaction spans all of it, so that an upgrade happens as a whole or not at all
(both engines roll DDL back).
"""

from __future__ import annotations

from alembic import context

from central.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
