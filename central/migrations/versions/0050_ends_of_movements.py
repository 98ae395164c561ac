"""PostgreSQL looks after the items and places that movements name by the statement.

A foreign key asks row by row, which took a quarter of all the work that the server has with a
movement. A trigger asks once for all rows of a statement. What it protects from is the same: a
movement names an item and two places that are there, and these cannot go or change their names
while it does, whatever happens at the same moment. SQLite's foreign keys cost little and stay.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_KEYS = {"sku": "item.sku", "source": "location.code", "destination": "location.code"}
_WITH = "LANGUAGE plpgsql SET search_path = {schema}, pg_temp"
_NO_ENDS = """
CREATE FUNCTION movement_ends() RETURNS trigger {how}
-- A session keeps its plan: one made over few rows must not go through all items for each of many.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE missing text;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    -- What such a transaction sees may be gone by now: a lock on the rows themselves tells.
    PERFORM FROM item WHERE sku IN (SELECT sku FROM added) FOR KEY SHARE;
    PERFORM FROM location WHERE code IN
      (SELECT source FROM added UNION SELECT destination FROM added) FOR KEY SHARE;
  END IF;
  SELECT 'item ' || a.sku INTO missing FROM (SELECT DISTINCT sku FROM added) AS a
    WHERE NOT EXISTS (SELECT FROM item i WHERE i.sku = a.sku) LIMIT 1;
  IF NOT FOUND THEN
    SELECT 'location ' || a.code INTO missing
      FROM (SELECT source AS code FROM added UNION SELECT destination FROM added) AS a
      WHERE NOT EXISTS (SELECT FROM location l WHERE l.code = a.code) LIMIT 1;
  END IF;
  IF FOUND THEN
    RAISE foreign_key_violation USING
      MESSAGE = format('a movement names %s, which is not there', missing),
      TABLE = 'movement', CONSTRAINT = 'movement_ends';
  END IF;
  RETURN NULL;
END $$
"""
_STILL_NAMED = """
CREATE FUNCTION refuse_orphans() RETURNS trigger {how} SECURITY DEFINER AS $$
DECLARE named boolean;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'rows of % go, or change their names, in READ COMMITTED only: movements of '
      'this moment must be seen', TG_TABLE_NAME;
  END IF;
  -- Movements that are being added are waited for, and further ones wait.
  LOCK TABLE movement IN SHARE MODE;
  IF TG_OP = 'TRUNCATE' THEN
    named := EXISTS (SELECT FROM movement);
  ELSIF TG_TABLE_NAME = 'item' THEN
    named := EXISTS (SELECT FROM movement WHERE sku = OLD.sku);
  ELSE
    named := EXISTS (SELECT FROM movement WHERE source = OLD.code OR destination = OLD.code);
  END IF;
  IF named THEN
    RAISE foreign_key_violation USING
      MESSAGE = format('movements name what would go from %s', TG_TABLE_NAME),
      TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$
"""
_TRIGGERS = (
    "CREATE TRIGGER movement_ends AFTER INSERT ON movement REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION movement_ends()",
    *(
        f"CREATE TRIGGER {table}_{name} AFTER {when} EXECUTE FUNCTION refuse_orphans()"
        for table, key in (("item", "sku"), ("location", "code"))
        for name, when in (
            ("named", f"DELETE ON {table} FOR EACH ROW"),
            (
                "renamed",
                f"UPDATE OF {key} ON {table} FOR EACH ROW WHEN (OLD.{key} <> NEW.{key})",
            ),
            ("emptied", f"TRUNCATE ON {table} FOR EACH STATEMENT"),
        )
    ),
)


def upgrade() -> None:
    conn = op.get_bind()
    if conn.dialect.name != "postgresql":
        return
    for key in sa.inspect(conn).get_foreign_keys("movement"):
        assert key["name"] is not None
        op.drop_constraint(key["name"], "movement")
    schema = conn.execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    how = _WITH.format(schema=schema)
    for function in (_NO_ENDS, _STILL_NAMED):
        op.execute(function.replace("{how}", how))
    for trigger in _TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    conn = op.get_bind()
    if conn.dialect.name != "postgresql":
        return
    for function in ("movement_ends", "refuse_orphans"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")  # and its triggers
    for column, names in _KEYS.items():
        table, _, key = names.partition(".")
        op.create_foreign_key(f"movement_{column}_fkey", "movement", table, [column], [key])
