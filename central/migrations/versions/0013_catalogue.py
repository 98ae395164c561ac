"""Items with prices in a currency, attributes, sizes and families; tags bound to items."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SIZES = ("length_mm", "width_mm", "height_mm")


def upgrade() -> None:
    op.add_column("item", sa.Column("price_micros", sa.BigInteger()))
    # What was kept in a currency's smallest unit was meant in hundredths.
    op.execute("UPDATE item SET price_micros = price_minor * 10000")
    op.drop_column("item", "price_minor")
    op.add_column("item", sa.Column("currency", sa.Text(), nullable=False, server_default=""))
    op.add_column("item", sa.Column("attributes", sa.Text(), nullable=False, server_default="{}"))
    for size in _SIZES:
        op.add_column("item", sa.Column(size, sa.BigInteger()))
    op.add_column("item", sa.Column("parent", sa.Text()))
    op.add_column(
        "item", sa.Column("family", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_item_category", "item", ["category", "sku"])
    op.create_index("ix_item_parent", "item", ["parent", "sku"])
    op.create_index("ix_pack_sku", "pack", ["sku"])
    op.create_table(
        "tag_binding",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("valid_from_log", sa.BigInteger(), nullable=False),
        sa.Column("epc", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), sa.ForeignKey("item.sku")),
        sa.Column("quantity", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("lot", sa.Text(), nullable=False, server_default=""),
        sa.Column("serial", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("ix_tag_binding_valid_from_log", "tag_binding", ["valid_from_log"])
    op.create_index("ix_tag_binding_epc", "tag_binding", ["epc", "id"])
    op.create_index("ix_tag_binding_sku", "tag_binding", ["sku", "epc"])


def downgrade() -> None:
    op.drop_table("tag_binding")
    op.drop_index("ix_pack_sku", "pack")
    op.drop_index("ix_item_parent", "item")
    op.drop_index("ix_item_category", "item")
    op.add_column("item", sa.Column("price_minor", sa.BigInteger()))
    op.execute("UPDATE item SET price_minor = price_micros / 10000")
    for name in ("family", "parent", *_SIZES, "attributes", "currency", "price_micros"):
        op.drop_column("item", name)
