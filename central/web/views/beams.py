"""When a portal's photo-eye was dark, from the observation log."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from central import schema
from central.database.moments import to_us
from gateway.contract import GateWindow

__all__ = ["darks"]

_log, _device = schema.observation.c, schema.device.c
_GATE = msgspec.json.Decoder(GateWindow)
_MOST = 2_000


def darks(conn: Connection, read_point: str, from_us: int, until_us: int) -> list[tuple[int, int]]:
    """Since when and until when, in time; of one that is told twice the longer."""
    devices = conn.execute(select(_device.device).where(_device.read_point == read_point))
    query = select(_log.body).where(
        _log.device.in_(list(devices.scalars())),
        _log.event_us.between(from_us, until_us),
        _log.kind == str(GateWindow.__struct_config__.tag),
        _log.read_point == read_point,
    )
    found: dict[int, int] = {}
    for body in conn.execute(query.order_by(_log.event_us).limit(_MOST)).scalars():
        seen = _GATE.decode(body)
        if seen.closed_by == "beam":
            since = to_us(seen.event_time)
            found[since] = max(found.get(since, 0), to_us(seen.closed_at))
    return sorted(found.items())
