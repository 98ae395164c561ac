"""Devices with their health, and the plates of shelves as they lie."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from central import schema
from central.natural import natural
from central.reconcile.shelf.beliefs import USUAL_NOISE_MG, countable
from central.web.views.stock import item_names
from gateway.contract import Observation, WeightDisturbed, WeightSettled

_COUNTERS = msgspec.json.Decoder(dict[str, int])
_OBSERVATION = msgspec.json.Decoder(Observation)
_WEIGHT_KINDS = ("weight_settled", "weight_disturbed")
_ROWS_BACK = 400
"""How far back one scale's weights are looked through when screens start."""

_LEVELS = {
    "running": "good", "starting": "warn", "retrying": "warn", "held": "warn", "unknown": "warn",
}  # fmt: skip


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One device; ``level`` is good, warn or bad."""

    edge: str
    device: str
    read_point: str
    driver: str
    model: str
    state: str
    level: str
    cause: str
    hint: str
    last_us: int | None
    counters: dict[str, int]

    @property
    def itself(self) -> bool:
        """Whether this is an edge's own health, not a device beside it."""
        return self.device == self.edge


def devices(connection: Connection) -> tuple[DeviceRow, ...]:
    """Every device, those that need somebody first."""
    presence = schema.edge_presence.c
    itself = (presence.edge == schema.device.c.edge) & (schema.device.c.device == presence.edge)
    asked = select(schema.device, presence.state.label("there"), presence.reason)
    found = connection.execute(asked.join(schema.edge_presence, itself, isouter=True))
    rows = [_device_row(row) for row in found]
    order = {"bad": 0, "warn": 1, "good": 2}
    return tuple(sorted(rows, key=lambda d: (order[d.level], d.edge, natural(d.device))))


def _device_row(row: Row[Any]) -> DeviceRow:
    # An edge's own alarm comes beside its backlog, long before the health that waits in it.
    alarm = (row.reason if row.there == "online" else "") or row.cause
    level = _LEVELS.get(row.state, "bad")
    return DeviceRow(
        edge=row.edge,
        device=row.device,
        read_point=row.read_point,
        driver=row.driver,
        model=row.model,
        state=row.state,
        level="warn" if alarm and level == "good" else level,
        cause=alarm,
        hint=row.hint,
        last_us=row.last_us,
        counters=_COUNTERS.decode(row.counters),
    )


class PlateRow(msgspec.Struct, frozen=True, kw_only=True):
    """One plate: what lies on it and how full it is of the most it has carried (0 to 100);
    ``countable`` pieces at once are told from one more or less.
    """

    read_point: str
    plate: int
    sku: str
    name: str
    unit_mg: int
    gross_mg: int | None
    units: int | None
    percent: int
    state: str
    event_us: int | None
    countable: int


class _Level(msgspec.Struct, kw_only=True):
    gross_mg: int | None = None
    most_mg: int = 0
    state: str = "settled"
    event_us: int = 0


class PlateLevels:
    """The newest weight of every plate, followed along the observation log."""

    def __init__(self) -> None:
        self._position: int | None = None
        self._levels: dict[tuple[str, int], _Level] = {}

    def shelves(self, connection: Connection) -> dict[str, tuple[PlateRow, ...]]:
        """Plates in order, by read point."""
        self._catch_up(connection)
        plan = schema.plate_plan
        planned = {
            (row.read_point, row.plate): row
            for row in connection.execute(
                select(plan)
                .where(plan.c.valid_from_us <= time.time_ns() // 1_000)
                .order_by(plan.c.valid_from_us, plan.c.id)
            )
        }
        names = item_names(connection, {row.sku for row in planned.values()})
        shelves: dict[str, list[PlateRow]] = {}
        for (read_point, plate), row in sorted(planned.items()):
            level = self._levels.get((read_point, plate), _Level())
            shelves.setdefault(read_point, []).append(
                _plate_row(row, names.get(row.sku, row.sku), level)
            )
        return {read_point: tuple(plates) for read_point, plates in shelves.items()}

    def _catch_up(self, connection: Connection) -> None:
        """Look at the weights since the last time; the first time, at each scale's newest."""
        log = schema.observation
        head = connection.execute(select(func.max(log.c.log_id))).scalar() or 0
        weights = select(log.c.body).where(log.c.kind.in_(_WEIGHT_KINDS))
        if self._position is None:
            points = select(schema.plate_plan.c.read_point)
            scales = select(schema.device.c.device).where(schema.device.c.read_point.in_(points))
            for device in connection.execute(scales).scalars().all():
                newest = weights.where(log.c.device == device, log.c.log_id <= head)
                newest = newest.order_by(log.c.event_us.desc()).limit(_ROWS_BACK)
                for body in reversed(connection.execute(newest).scalars().all()):
                    self._take(_OBSERVATION.decode(body))
        else:
            fresh = weights.where(log.c.log_id > self._position, log.c.log_id <= head)
            for body in connection.execute(fresh.order_by(log.c.log_id)).scalars():
                self._take(_OBSERVATION.decode(body))
        self._position = head

    def _take(self, seen: Observation) -> None:
        assert isinstance(seen, WeightSettled | WeightDisturbed), "only weights were asked for"
        at = int(seen.event_time.timestamp() * 1e6)
        level = self._levels.setdefault((seen.read_point, seen.plate), _Level())
        if at < level.event_us:
            return
        level.event_us = at
        level.state = "settled"
        if isinstance(seen, WeightDisturbed):
            level.state = seen.reason
        if seen.gross_mg is not None:
            level.gross_mg = seen.gross_mg
            level.most_mg = max(level.most_mg, seen.gross_mg)


def _plate_row(row: Row[Any], name: str, level: _Level) -> PlateRow:
    gross = level.gross_mg
    percent = round(100 * gross / level.most_mg) if gross is not None and level.most_mg > 0 else 0
    return PlateRow(
        read_point=row.read_point,
        plate=row.plate,
        sku=row.sku,
        name=name,
        unit_mg=row.unit_mg,
        gross_mg=gross,
        units=None if gross is None else max(0, round(gross / row.unit_mg)),
        percent=min(100, max(0, percent)),
        state=level.state if gross is not None or level.event_us else "silent",
        event_us=level.event_us or None,
        countable=countable(row.unit_mg, row.unit_cv, USUAL_NOISE_MG),
    )
