"""Whether the append-only tables still are, and movements' ends still there: every trigger in its
place, switched on, as it was made.

Triggers stop mistakes. Whoever owns the tables (on SQLite: whoever can write the file) can take
them away: that cannot be prevented, only seen.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text

from central.database.grants import APPEND_ONLY

__all__ = ["missing_guards"]

_KEYS = {
    "movement": ("seq = NEW.seq", "id = NEW.id"),
    "observation": (
        "log_id = NEW.log_id",
        "edge = NEW.edge AND epoch = NEW.epoch AND seq = NEW.seq",
    ),
    "block": ("no = NEW.no",),
    "audit": ("id = NEW.id",),
    "audit_block": ("no = NEW.no",),
    "witness": ("no = NEW.no", "id = NEW.id"),
}
"""What makes two rows one."""
_REFUSES = "BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END"
_POSTGRESQL = text(
    "SELECT t.tgname, t.tgenabled, t.tgtype, t.tgqual IS NULL AS always, p.proname, p.prosrc "
    "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE NOT t.tgisinternal AND t.tgrelid = ANY (ARRAY(SELECT to_regclass(n)::oid "
    "FROM unnest(CAST(:tables AS text[])) AS n))"
)
_ROW_BEFORE_CHANGE = 1 + 2 + 8 + 16  # FOR EACH ROW, BEFORE, DELETE, UPDATE
_BEFORE_TRUNCATE = 2 + 32
_LOOKS = "c51e23b027badddc2e625588e6dba03616146344da42c693d946c807e68c5cad"
_REFUSES_ORPHANS = "fde1eeb9bb4f36dc636df43a4ea3f827261a558a26f3dc4067b6d4ba7b61e794"
"""SHA-256 of what the functions do that look after movements' ends on PostgreSQL."""
_ENDS = {
    "movement_ends": (
        "AFTER INSERT ON movement REFERENCING NEW TABLE AS added FOR EACH STATEMENT "
        "EXECUTE FUNCTION movement_ends()",
        _LOOKS,
    ),
    **{
        f"{table}_{name}": (
            f"AFTER {when} EXECUTE FUNCTION refuse_orphans()",
            _REFUSES_ORPHANS,
        )
        for table, key in (("item", "sku"), ("location", "code"))
        for name, when in (
            ("named", f"DELETE ON {table} FOR EACH ROW"),
            (
                "renamed",
                f"UPDATE OF {key} ON {table} FOR EACH ROW WHEN (old.{key} <> new.{key})",
            ),
            ("emptied", f"TRUNCATE ON {table} FOR EACH STATEMENT"),
        )
    },
}
"""When a trigger does it, as PostgreSQL says it, and the hash of what."""
_ENDS_THERE = text(
    "SELECT t.tgname, t.tgenabled, pg_get_triggerdef(t.oid, true) AS made, p.prosrc "
    "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE NOT t.tgisinternal AND t.tgname = ANY (CAST(:names AS text[])) AND t.tgrelid IN "
    "(to_regclass('movement'), to_regclass('item'), to_regclass('location'))"
)
_AWAKE = ("O", "A")


def missing_guards(conn: Connection) -> list[str]:
    """A sentence for each trigger that is not as the migrations made it."""
    postgresql = conn.dialect.name == "postgresql"
    there = _postgresql(conn) if postgresql else _sqlite(conn)
    wanted = _wanted_on_postgresql() if postgresql else _wanted_on_sqlite()
    return [
        f"{name.partition('_no_')[0]} can be changed: its trigger {name} is "
        f"{'switched off or edited' if name in there else 'missing'}. Somebody took it away who "
        "owns the tables, or the schema is older (`tallyport central migrate`)"
        for name, guard in wanted.items()
        if there.get(name) != guard
    ] + (_missing_ends(conn) if postgresql else [])


def _missing_ends(conn: Connection) -> list[str]:
    """The same of PostgreSQL's triggers for what a foreign key looks after on SQLite."""
    there = {
        row.tgname: row.tgenabled in _AWAKE
        and row.made == f"CREATE TRIGGER {row.tgname} {_ENDS[row.tgname][0]}"
        and hashlib.sha256(row.prosrc.encode()).hexdigest() == _ENDS[row.tgname][1]
        for row in conn.execute(_ENDS_THERE, {"names": list(_ENDS)})
    }
    return [
        "movements can come to name an item or a place that is not there: the trigger "
        f"{name} is {'switched off or edited' if name in there else 'missing'}. Somebody took it "
        "away who owns the tables, or the schema is older (`tallyport central migrate`)"
        for name in _ENDS
        if not there.get(name)
    ]


def _sqlite(conn: Connection) -> dict[str, object]:
    rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return {row.name: row.sql for row in rows}


def _wanted_on_sqlite() -> dict[str, object]:
    wanted: dict[str, object] = {}
    for table, keys in _KEYS.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_no_{verb.lower()}"
            wanted[name] = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {refuse}"
        same = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {key})" for key in keys)  # noqa: S608
        name = f"{table}_no_replace"
        wanted[name] = f"CREATE TRIGGER {name} BEFORE INSERT ON {table} WHEN {same} {refuse}"
    return wanted


def _postgresql(conn: Connection) -> dict[str, object]:
    rows = conn.execute(_POSTGRESQL, {"tables": list(APPEND_ONLY)})
    return {
        row.tgname: (row.tgenabled, row.tgtype, row.always, row.proname, row.prosrc.strip())
        for row in rows
    }


def _wanted_on_postgresql() -> dict[str, object]:
    wanted: dict[str, object] = {}
    for table in APPEND_ONLY:
        for guard, kind in (("change", _ROW_BEFORE_CHANGE), ("truncate", _BEFORE_TRUNCATE)):
            wanted[f"{table}_no_{guard}"] = ("A", kind, True, "refuse_change", _REFUSES)
    return wanted
