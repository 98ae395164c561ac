"""Layouts of shelves in the books: where each plate lies, beside what lies on it (``planogram``).

A layout is for people and pictures. Judging knows nothing of it, so the newest word holds and
the audit has what stood there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select

from central import schema
from central.catalogue import geometry
from central.catalogue.errors import NotFound, NotValid
from central.catalogue.geometry import Layout, Mistake

__all__ = ["LayoutRefused", "known_plates", "layout_of", "layouts", "look_over", "put_layout"]

_kept, _plan, _point = schema.shelf_layout.c, schema.plate_plan.c, schema.read_point.c
_decode = msgspec.json.Decoder(Layout).decode
_described = msgspec.json.Decoder(dict[str, Any]).decode


class LayoutRefused(NotValid):
    """A shelf cannot stand like this. ``mistakes`` are all of them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        told = "; ".join(f"{one.where}: {one.what}" for one in mistakes)
        super().__init__(f"Mend and send again. {told}")
        self.mistakes = tuple(mistakes)


def layouts(conn: Connection) -> dict[str, Layout]:
    """Every shelf's, by read point."""
    return {row.read_point: _decode(row.body) for row in conn.execute(select(schema.shelf_layout))}


def layout_of(conn: Connection, read_point: str) -> Layout:
    """A shelf's; one without boards where nobody has said it yet. Raises ``NotFound``."""
    _check_shelf(conn, read_point)
    body = conn.execute(select(_kept.body).where(_kept.read_point == read_point)).scalar()
    return Layout() if body is None else _decode(body)


def known_plates(conn: Connection, read_point: str) -> set[int]:
    """The plates of a shelf: those that a plan names or ever named, and those of its scales."""
    planned = select(_plan.plate).where(_plan.read_point == read_point).distinct()
    said = select(schema.device.c.description).where(schema.device.c.read_point == read_point)
    found = set(conn.execute(planned).scalars())
    told = [_described(one).get("plate") for one in conn.execute(said).scalars()]
    return found | {plate for plate in told if isinstance(plate, int)}


def look_over(conn: Connection, read_point: str, layout: Layout) -> list[Mistake]:
    """What of a layout cannot be. Raises ``NotFound``."""
    _check_shelf(conn, read_point)
    return geometry.mistakes(layout, known_plates(conn, read_point))


def put_layout(conn: Connection, read_point: str, layout: Layout) -> Layout:
    """Let a shelf stand like this; one without boards and plates forgets how it stood.

    Raises ``NotFound``, and ``LayoutRefused`` with every mistake.
    """
    if found := look_over(conn, read_point, layout):
        raise LayoutRefused(found)
    tidy = Layout(
        boards=tuple(sorted(layout.boards, key=lambda one: one.board)),
        plates=tuple(sorted(layout.plates, key=lambda one: one.plate)),
    )
    conn.execute(delete(schema.shelf_layout).where(_kept.read_point == read_point))
    if tidy.boards:
        body = msgspec.json.encode(tidy).decode()
        conn.execute(insert(schema.shelf_layout).values(read_point=read_point, body=body))
    return tidy


def _check_shelf(conn: Connection, code: str) -> None:
    newest = select(_point.kind).where(_point.code == code).order_by(_point.id.desc()).limit(1)
    if conn.execute(newest).scalar() != "shelf":
        raise NotFound(
            f"there is no shelf {code}: say first what it means (PUT /read-points/{code} with "
            'the kind "shelf")'
        )
