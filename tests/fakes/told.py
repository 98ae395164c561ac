"""What events must look like, by an independent reader of JSON Schema."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from central.events import kinds

__all__ = ["check", "check_all"]


@cache
def _validators() -> dict[str, Draft202012Validator]:
    """One for each kind, in the version that is told now."""
    movement = kinds.schema("Movement", 1)
    assert movement is not None
    registry: Registry[Any] = Registry().with_resource(
        movement["$id"], Resource.from_contents(movement)
    )
    made = {}
    for kind in kinds.known().values():
        schema = kinds.schema(kind.name, kind.version)
        assert schema is not None
        Draft202012Validator.check_schema(schema)
        made[kind.name] = Draft202012Validator(
            schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    return made


def check(kind: str, body: object) -> None:
    """Fails for an event that is not what its schema says, or that has none."""
    assert kind in _validators(), f"central/events/schemas/{kind}.v1.json is missing"
    said = [error.message for error in _validators()[kind].iter_errors(body)]
    assert not said, f"a body of {kind} is not what its schema says: {said}"


def check_all(url: str) -> None:
    """Every event in a database's log. On SQLite alone: both engines run the same tests."""
    if not url.startswith("sqlite"):
        return
    rows: list[tuple[str, str]] = []
    # A test may have torn the file, or gone back to a time before there were events.
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file,
    ):
        rows = file.execute("SELECT kind, body FROM domain_event").fetchall()
    for kind, body in rows:
        check(kind, json.loads(body))
