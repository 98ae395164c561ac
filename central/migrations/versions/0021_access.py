"""Who may do what: accounts, grants, sessions, tokens, keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("one_time", "api_key", "refresh_token", "login_session", "access_grant", "account")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("full_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("email", sa.Text(), nullable=False, server_default=""),
        sa.Column("password", sa.Text()),
        sa.Column("external", sa.Text(), unique=True),
        sa.Column("status", sa.Text(), nullable=False, server_default="active"),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "access_grant",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), sa.ForeignKey("location.code")),
        sa.Column("source", sa.Text(), nullable=False, server_default="people"),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_access_grant_subject", "access_grant", ["subject"])
    _add_what_lets_in()


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)


def _add_what_lets_in() -> None:
    op.create_table(
        "login_session",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("hash", sa.Text(), nullable=False, unique=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), nullable=False, index=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, server_default=""),
        sa.Column("agent", sa.Text(), nullable=False, server_default=""),
    )
    op.create_table(
        "refresh_token",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("family", sa.Text(), nullable=False, index=True),
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name"), nullable=False, index=True),
        sa.Column("scopes", sa.Text()),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("used_us", sa.BigInteger()),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("before_until_us", sa.BigInteger()),
        sa.Column("scopes", sa.Text()),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_us", sa.BigInteger()),
        sa.Column("used_us", sa.BigInteger()),
        sa.Column("revoked_us", sa.BigInteger()),
    )
    op.create_table(
        "one_time",
        sa.Column("hash", sa.Text(), primary_key=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), sa.ForeignKey("account.name")),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
    )
