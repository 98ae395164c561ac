"""One shelf: its plates as they lie, the devices behind them, and what happened to a plate."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from central import audit, schema
from central.access import reach
from central.reviews import store as reviews
from central.reviews.model import Stored
from gateway.contract import Observation, WeightDisturbed

__all__ = ["Event", "ShelfDevice", "devices_of", "events", "open_reviews"]

_MOST = 400
_LATELY = 50_000
"""Entries of the audit that are looked through: it is kept by time, not by plate."""
_log, _moved, _device = schema.observation.c, schema.movement.c, schema.device.c
_observed = msgspec.json.Decoder(Observation).decode
_evidence = msgspec.json.Decoder(dict[str, Any]).decode
_described = msgspec.json.Decoder(dict[str, Any]).decode


class ShelfDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A scale of a shelf; ``plate`` is none where it has not said which one it weighs."""

    edge: str
    device: str
    plate: int | None
    state: str
    cause: str
    hint: str
    last_us: int | None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a plate at ``at_s`` (seconds since 1970): a ``change`` of stock
    that was posted, a ``hand`` (motion or a hand on it), or a new ``zero``.
    """

    at_s: float
    kind: str
    says: str
    movement: str = ""


def devices_of(connection: Connection, read_point: str) -> list[ShelfDevice]:
    """The scales of a shelf, by name."""
    query = select(schema.device).where(_device.read_point == read_point)
    return [
        ShelfDevice(
            edge=row.edge, device=row.device, plate=_plate(row.description), state=row.state,
            cause=row.cause, hint=row.hint, last_us=row.last_us,
        )
        for row in connection.execute(query.order_by(_device.edge, _device.device))
    ]  # fmt: skip


def _plate(description: str) -> int | None:
    plate = _described(description).get("plate")
    return plate if isinstance(plate, int) else None


def open_reviews(connection: Connection, read_point: str) -> list[Stored]:
    """What of this shelf waits for a person."""
    return reviews.page(connection, read_point=read_point, limit=20)


def events(
    connection: Connection, read_point: str, plate: int, *, from_us: int, to_us: int
) -> list[Event]:
    """What happened to a plate within a time, oldest first."""
    found = [
        *_hands(connection, read_point, plate, from_us, to_us),
        *_changes(connection, read_point, plate, from_us, to_us),
        *_zeros(connection, read_point, plate, from_us, to_us),
    ]
    return sorted(found, key=lambda one: one.at_s)


def _hands(
    connection: Connection, read_point: str, plate: int, from_us: int, to_us: int
) -> list[Event]:
    """When it was disturbed, by the scales that weigh this shelf."""
    devices = [one.device for one in devices_of(connection, read_point)]
    query = select(_log.body).where(
        _log.device.in_(devices), _log.event_us >= from_us, _log.event_us < to_us,
        _log.kind == "weight_disturbed", _log.read_point == read_point,
    ).order_by(_log.event_us.desc()).limit(_MOST)  # fmt: skip
    found = []
    for body in connection.execute(query).scalars():
        seen = _observed(body)
        if isinstance(seen, WeightDisturbed) and seen.plate == plate:
            at_s = seen.event_time.timestamp()
            found.append(Event(at_s=at_s, kind="hand", says=seen.reason))
    return found


def _changes(
    connection: Connection, read_point: str, plate: int, from_us: int, to_us: int
) -> list[Event]:
    """Movements that this plate's weight told of. The plan names the items that lay there."""
    plan = schema.plate_plan.c
    skus = select(plan.sku).where(plan.read_point == read_point, plan.plate == plate)
    query = select(schema.movement).where(
        _moved.sku.in_(skus), _moved.origin.in_(("shelf", "review")), _moved.event_us >= from_us,
        _moved.event_us < to_us,
    ).order_by(_moved.event_us.desc()).limit(_MOST)  # fmt: skip
    granted = reach.within(_moved.source, _moved.destination)
    if granted is not None:
        query = query.where(granted)
    found = []
    for row in connection.execute(query):
        said = _evidence(row.evidence).get("plate", plate)
        if said == plate:
            says = f"{row.quantity} of {row.sku}, {row.source} to {row.destination}"
            found.append(Event(at_s=row.event_us / 1e6, kind="change", says=says, movement=row.id))
    return found


def _zeros(
    connection: Connection, read_point: str, plate: int, from_us: int, to_us: int
) -> list[Event]:
    """When the level of the empty plate was found to have moved."""
    kept = schema.audit.c
    newest = connection.execute(select(func.max(kept.id))).scalar() or 0
    query = select(kept.at_us).where(
        kept.id > newest - _LATELY, kept.action == audit.REZERO,
        kept.subject == f"plate {read_point}/{plate}", kept.at_us >= from_us, kept.at_us < to_us,
    ).order_by(kept.id.desc()).limit(50)  # fmt: skip
    return [
        Event(at_s=at_us / 1e6, kind="zero", says="zero found anew")
        for at_us in connection.execute(query).scalars()
    ]
