"""Labels in the database, and as a file for training.

The file is JSON Lines. The first line is ``{"tallyport_labels": 1, "app": VERSION}``; every
further line is one label:

    {"review": ID, "pass": ID or "", "at": RFC 3339, "read_point": CODE,
     "kind": "tag" | "plate" | "review", "subject": EPC | plate | review,
     "truth": "in" | "out" | "none" | "+2" | "-1" | ..., "said": the same of judging,
     "model": which weights judged, "features": {...}}

A tag's ``features`` are ``crossed`` and ``inwards`` (the probabilities judging gave), ``reads``,
``direction``, ``confidence`` and ``features`` (what the classifier saw, by name). A plate's are
the review's evidence in milligrams. Who decided stands in the audit, not here. Labels are of
what judging doubted, and of passes that somebody corrected (``review`` then begins with
``corrected-``): they tell where it is wrong, not how often. Of one tag in one pass the last word
counts, and what was taken back is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

import msgspec
from sqlalchemy import Connection, delete, func, select

from central import schema
from central.database.bulk import BulkInsert, storable
from central.database.moments import from_us
from central.judging.findings import app_version
from central.reviews.labels import Label

__all__ = ["export", "forget", "keep", "known", "lines"]

VERSION = 1
_PAGE = 1_000
_encode = msgspec.json.Encoder().encode
_INSERT = BulkInsert(
    "label",
    (
        ("review", "text"),
        ("pass", "text"),
        ("at_us", "bigint"),
        ("read_point", "text"),
        ("kind", "text"),
        ("subject", "text"),
        ("truth", "text"),
        ("said", "text"),
        ("features", "text"),
        ("model", "text"),
    ),
)


def keep(conn: Connection, labels: Sequence[Label], at_us: int) -> None:
    """Store what a resolution taught."""
    _INSERT.run(
        conn,
        [
            (
                one.review,
                one.pass_id,
                at_us,
                one.read_point,
                one.kind,
                one.subject,
                one.truth,
                storable(one.said),
                storable(_encode(one.features).decode()),
                one.model,
            )
            for one in labels
        ],
    )


def forget(conn: Connection, review: str) -> None:
    """What a resolution or a correction taught that was taken back."""
    conn.execute(delete(schema.label).where(schema.label.c.review == review))


def known(conn: Connection, review: str) -> bool:
    """Whether something was learnt of this."""
    query = select(schema.label.c.id).where(schema.label.c.review == review)
    return conn.execute(query.limit(1)).first() is not None


def lines(conn: Connection, *, kind: str | None = None) -> Iterator[dict[str, object]]:
    """Every label as the file has it, oldest first."""
    label, after = schema.label.c, 0
    of_a_pass = (label.kind == "tag") & (label["pass"] != "")
    last = select(func.max(label.id)).where(of_a_pass).group_by(label["pass"], label.subject)
    while True:
        query = select(schema.label).where(label.id > after, ~of_a_pass | label.id.in_(last))
        query = query.order_by(label.id).limit(_PAGE)
        if kind is not None:
            query = query.where(label.kind == kind)
        rows = conn.execute(query).mappings().all()
        if not rows:
            return
        for row in rows:
            yield {
                "review": row["review"],
                "pass": row["pass"],
                "at": from_us(row["at_us"]),
                "read_point": row["read_point"],
                "kind": row["kind"],
                "subject": row["subject"],
                "truth": row["truth"],
                "said": row["said"],
                "model": row["model"],
                "features": msgspec.json.decode(row["features"]),
            }
        after = rows[-1]["id"]


def export(conn: Connection, file: IO[bytes]) -> int:
    """Write all labels; returns how many."""
    file.write(_encode({"tallyport_labels": VERSION, "app": app_version()}) + b"\n")
    count = 0
    for line in lines(conn):
        file.write(_encode(line) + b"\n")
        count += 1
    return count
