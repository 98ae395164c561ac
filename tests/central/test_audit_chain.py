"""The audit is a chain: what is edited, taken out or put in shows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from central import audit
from central.audit import Change
from central.audit import chain as audit_chain
from central.database.store import Database
from central.keeping.soundness import faults
from tests.central.harness import bench

GUARDS = {
    "sqlite": [
        f"DROP TRIGGER {table}_no_{verb}"
        for table in ("audit", "audit_block")
        for verb in ("update", "delete", "replace")
    ],
    "postgresql": [
        f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in ("audit", "audit_block")
    ],
}


def note(conn: Connection, *subjects: str, at_us: int = 1) -> None:
    changes = [Change(subject, None, {"is": subject}) for subject in subjects]
    audit.record(conn, changes, actor="anna", action="test", at_us=at_us)


def three(conn: Connection) -> None:
    note(conn, "a")
    note(conn)
    note(conn, "b", "c")
    note(conn, "d\x00")


def test_what_is_written_is_sealed(database: Database) -> None:
    assert database.read_now(audit_chain.verify) == []
    database.write_now(three)
    assert database.read_now(audit_chain.verify) == []
    head = database.read_now(audit_chain.head)
    assert (head.no, head.last_id, head.rows) == (3, 4, 1)
    assert [one.id for one in database.read_now(audit.entries)] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "forging",
    [
        "UPDATE audit SET actor = 'eve' WHERE id = 2",
        "UPDATE audit SET after = 'null' WHERE id = 4",
        "DELETE FROM audit WHERE id = 1",
        "DELETE FROM audit WHERE id = 4",
        "DELETE FROM audit_block WHERE no = 3",
        "DELETE FROM audit_block WHERE no = 2",
        "UPDATE audit_block SET hash = prev_hash WHERE no = 3",
        "INSERT INTO audit (id, at_us, actor, action, subject, before, after) "
        "VALUES (9, 1, 'eve', 'test', 'x', 'null', 'null')",
    ],
)
def test_what_is_forged_shows(database: Database, forging: str) -> None:
    database.write_now(three)

    def forge(conn: Connection) -> None:
        for statement in (*GUARDS[database.backend], forging):
            conn.execute(text(statement))

    database.write_now(forge)
    (fault,) = database.read_now(audit_chain.verify)
    assert "audit" in fault
    assert fault in database.read_now(faults)


def test_entries_of_before_are_sealed_by_the_migration(database: Database) -> None:
    database.write_now(three)
    database.migrate("0023")
    database.migrate()
    head = database.read_now(audit_chain.head)
    assert (head.no, head.last_id, head.rows) == (1, 4, 4)
    database.write_now(lambda c: note(c, "e"))
    assert database.read_now(audit_chain.verify) == []


async def test_the_audit_is_exported_masked_and_paged(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        for number in range(3):
            await made.post("/users", name=f"anna{number}", email="=anna@example.com")
        first = await made.http.get("/audit/export?limit=2")
        rows = [json.loads(line) for line in first.text.splitlines()]
        assert [row["subject"] for row in rows] == ["user:anna0", "user:anna1"]
        rest = await made.http.get(f"/audit/export?format=csv&after={first.headers['x-next']}")
        (row,) = csv.DictReader(io.StringIO(rest.text))
        assert (row["subject"], row["action"]) == ("user:anna2", "add user")
        assert "x-next" not in rest.headers
        masked = await made.http.get("/audit/export?masked=true")
        assert "anna" not in masked.text
        subjects = [json.loads(line)["subject"] for line in masked.text.splitlines()]
        assert len(set(subjects)) == 3
        assert all(subject.startswith("user:person-") for subject in subjects)
        again = (await made.http.get("/audit/export?masked=true")).text
        assert subjects[0] not in again
        await made.put("/read-points/door", kind="portal", location="supplier")
        told: Any = (await made.get("/audit?action=say%20read%20point"))["rows"]
        assert [one["subject"] for one in told] == ["read point door"]
