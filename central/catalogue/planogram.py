"""Planograms: which item lies on which plate of which shelf, from when until when.

A plan is known from a place in the observation log on, as all that judging knows, and begins at a
time of events. So a plan for next Monday can be said today, one that was forgotten can be dated
back for what comes late, and a replay still judges every entry by what was known then.

One said without a time corrects the plan in force: it begins when that one does. In force at a
time is the latest that begins no later, and of those the one that was said last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select

from central import schema
from central.catalogue.errors import NotValid
from central.catalogue.items import get_item
from central.database.moments import from_us
from central.judging.effective import next_log_id
from central.reconcile.verdict import PlatePlan

__all__ = ["Planned", "Said", "history", "list_plates", "plate_of", "put_plate", "spans"]

_plan = schema.plate_plan.c
_ORDER = (_plan.valid_from_us, _plan.id)


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A plan of a plate's history. ``valid_until`` is when the next takes over, as far as is
    known; ``said_at`` when somebody said it. Times that are not known are ``None``.
    """

    sku: str
    unit_mg: int
    unit_cv: float
    valid_from: datetime | None
    valid_until: datetime | None
    said_at: datetime | None
    valid_from_log: int


class Said(NamedTuple):
    """A plan's times: when it begins (0: ever since), and when it was said."""

    begins_us: int
    said_us: int


def put_plate(
    conn: Connection, plan: PlatePlan, *, valid_from_us: int | None = None, said_us: int = 0
) -> PlatePlan:
    """Say which item lies on a shelf's plate, for observations that are judged from now on.

    ``valid_from_us`` is when that begins (event time, microseconds since 1970); without it, the
    plan in force at ``said_us``, central's time, is corrected. Raises ``NotFound``, ``NotValid``.
    """
    if plan.unit_mg < 1 or plan.unit_cv < 0:
        raise NotValid("a plate's unit_mg is at least 1 and its unit_cv not negative")
    if valid_from_us is not None and valid_from_us < 1:
        raise NotValid("valid_from is a time after 1970")
    get_item(conn, plan.sku)
    if valid_from_us is None:
        valid_from_us = _begins(conn, plan, said_us)
    plan = msgspec.structs.replace(plan, valid_from_us=valid_from_us)
    values = msgspec.structs.asdict(plan)
    values |= {"valid_from_log": next_log_id(conn), "said_us": said_us}
    conn.execute(insert(schema.plate_plan).values(values))
    return plan


def list_plates(conn: Connection, *, at_us: int, read_point: str | None = None) -> list[PlatePlan]:
    """The plate plans in force at a time, by read point and plate."""
    query = select(schema.plate_plan).where(_plan.valid_from_us <= at_us).order_by(*_ORDER)
    if read_point is not None:
        query = query.where(_plan.read_point == read_point)
    latest: dict[tuple[str, int], PlatePlan] = {}
    for row in conn.execute(query).mappings():
        latest[row["read_point"], row["plate"]] = plate_of(row)
    return [latest[key] for key in sorted(latest)]


def history(conn: Connection, read_point: str, plate: int) -> list[Planned]:
    """All that was ever planned for a plate, in the order in which it was said."""
    query = select(schema.plate_plan).where(_plan.read_point == read_point, _plan.plate == plate)
    rows = conn.execute(query.order_by(_plan.id)).mappings().all()
    said = [Said(row["valid_from_us"], row["said_us"]) for row in rows]
    return [
        Planned(
            sku=row["sku"],
            unit_mg=row["unit_mg"],
            unit_cv=row["unit_cv"],
            valid_from=_moment(span[0]),
            valid_until=_moment(span[1]),
            said_at=_moment(row["said_us"]),
            valid_from_log=row["valid_from_log"],
        )
        for row, span in zip(rows, spans(said), strict=True)
    ]


def spans(said: Sequence[Said]) -> list[tuple[int, int]]:
    """From when until when each of a plate's plans holds; 0 is not known. Pure.

    The first plan with a beginning holds from there on; what is said with the same beginning
    corrects it, and holds from when it is said.
    """
    found = []
    for place, one in enumerate(said):
        corrects = any(before.begins_us == one.begins_us for before in said[:place])
        from_us = max(one.begins_us, one.said_us) if corrects else one.begins_us or one.said_us
        ends = [
            other.begins_us if other.begins_us > one.begins_us else other.said_us
            for number, other in enumerate(said)
            if other.begins_us > one.begins_us
            or (other.begins_us == one.begins_us and number > place)
        ]
        found.append((from_us, max(min(ends), from_us) if ends else 0))
    return found


def plate_of(row: RowMapping) -> PlatePlan:
    """A row of ``plate_plan`` as judging knows it."""
    return PlatePlan(**{name: row[name] for name in PlatePlan.__struct_fields__})


def _begins(conn: Connection, plan: PlatePlan, at_us: int) -> int:
    """When the plan began that is in force at a time; 0 where there is none."""
    query = select(_plan.valid_from_us).where(
        _plan.read_point == plan.read_point,
        _plan.plate == plan.plate,
        _plan.valid_from_us <= at_us,
    )
    return conn.execute(query.order_by(_plan.valid_from_us.desc()).limit(1)).scalar() or 0


def _moment(us: int) -> datetime | None:
    return from_us(us) if us else None
