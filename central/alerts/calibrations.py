"""Scales that are to be calibrated again: by the day, by their zero, or because they failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.alerts.model import Finding, Rule
from central.alerts.there import There, below, under
from central.audit import REZERO
from central.catalogue.places import list_read_points
from central.database.moments import from_us, to_us
from gateway.contract import Certificate, DeviceDescribed

__all__ = ["calibrations", "drift_mg"]

_DESCRIBED = msgspec.json.Decoder(DeviceDescribed)
_DECODER = msgspec.json.Decoder(dict[str, Any])


def calibrations(conn: Connection, rules: Sequence[Rule], now_us: int) -> Iterator[Finding]:
    """Every scale with a certificate, in days that it has left, under the nearest rule."""
    places = {point.code: point.location for point in list_read_points(conn)}
    today = from_us(now_us).date()
    due = []
    for edge, told in _described(conn):
        paper = told.certificate
        if paper is None:
            continue
        left, says = _stands(conn, told, paper, today)
        name = f"scale {told.device} of edge {edge}"
        place = places.get(told.read_point, "")
        due.append(There(f"calibration {edge}/{told.device}", place, left, f"{name} {says}"))
    yield from under(conn, rules, due, below)


def _described(conn: Connection) -> Iterator[tuple[str, DeviceDescribed]]:
    device = schema.device.c
    certified = select(device.edge, device.description).where(
        device.description.contains('"certificate":{')
    )
    for row in conn.execute(certified.order_by(device.edge, device.device)):
        yield row.edge, _DESCRIBED.decode(row.description)


def _stands(
    conn: Connection, told: DeviceDescribed, paper: Certificate, today: date
) -> tuple[int, str]:
    """In how many days it is to be calibrated, and why."""
    left = (date.fromisoformat(paper.due) - today).days
    if not paper.passed:
        return min(left, 0), f"failed its calibration of {paper.on}: calibrate it again"
    limit_mg = paper.zero_limit_mg
    drift = None if limit_mg is None else drift_mg(conn, told, paper)
    if limit_mg is not None and drift is not None and abs(drift) > limit_mg:
        return min(left, 0), (
            f"has a zero that moved by {drift / 1e3:+,.0f} g since its calibration of {paper.on}, "
            f"more than {limit_mg / 1e3:,.0f} g: calibrate it again"
        )
    if left < 0:
        return left, f"was to be calibrated by {paper.due}, {-left} days ago"
    when = "today" if left == 0 else f"within {left} days"
    return left, f"is to be calibrated {when}, by {paper.due}"


def drift_mg(conn: Connection, told: DeviceDescribed, paper: Certificate) -> int | None:
    """How far a plate's zero has moved since its certificate, as judging set it; ``None`` where it
    was not set since. A calibrated cell's zero is that of its calibration, hence 0.
    """
    since_us = to_us(datetime.fromisoformat(paper.on).replace(tzinfo=UTC))
    table = schema.audit.c
    rezeroed = (
        select(table.before, table.after)
        .where(table.action == REZERO, table.subject == f"plate {told.read_point}/{told.plate}")
        .order_by(table.id)
    )
    first_mg: int | None = 0 if told.calibration is not None else None
    last_mg: int | None = None
    for row in conn.execute(rezeroed):
        after = _DECODER.decode(row.after)
        if after["event_us"] < since_us:
            continue
        if first_mg is None:
            first_mg = int(_DECODER.decode(row.before)["zero_mg"])
        last_mg = int(after["zero_mg"])
    return None if last_mg is None or first_mg is None else last_mg - first_mg
