"""A dock whose pallets went by a short while ago: judged as they would be, from what was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection

from central.catalogue import items, packs, places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.judge import Judge
from drivers.emulators.portal_physics import dock_antennas
from gateway import codec
from gateway.contract import Batch, GateWindow, Observation
from tests.fakes import portal_log, portal_scenes

NAMES = ("Rolled oats 500 g", "Olive oil 750 ml", "Durum pasta 1 kg")


def set_up(conn: Connection) -> None:
    """The hall, the dock, and three items in cases."""
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    add_dock(conn)


def add_dock(conn: Connection) -> None:
    """The dock of a hall that is there already, and three items in cases."""
    for (gtin, pack), name in zip(portal_scenes.PACKS.items(), NAMES, strict=True):
        items.add_item(conn, items.Item(sku=pack.sku, name=name))
        packs.put_pack(conn, gtin, pack.sku, pack.quantity)
    places.put_read_point(conn, portal_scenes.DOCK)


def road(ended: datetime, seed: int = 105, passes: int = 2) -> list[Observation]:
    """What the dock heard, the last of it at ``ended``: pallets in and out past strays, and the
    photo-eye's beam. Usually six cases come in, and four go out that stock never had, which is
    asked about however sure the judging is.
    """
    scene = portal_scenes.dock(seed, passes=passes, cases=(4, 6), strays=3)
    seen: list[Observation] = [portal_log.described(dock_antennas())]
    seen += portal_log.fold(scene.reads)
    shift = ended - max(one.event_time for one in seen)
    dark = [
        GateWindow(
            event_time=portal_log.moment(one.at_s - 0.4),
            closed_at=portal_log.moment(one.at_s + 0.5), closed_by="beam", **portal_log.WHO,
        )
        for one in scene.truths
    ]  # fmt: skip
    ordered = sorted([*seen[1:], *dark], key=lambda one: one.event_time)
    return [_later(one, shift) for one in (seen[0], *ordered)]


def _later(one: Observation, shift: timedelta) -> Observation:
    moved = {"event_time": one.event_time + shift}
    for name in ("closed_at", "until"):
        if (at := getattr(one, name, None)) is not None:
            moved[name] = at + shift
    return msgspec.structs.replace(one, **moved)


async def heard(
    database: Database,
    seen: Sequence[Observation],
    tide: Tide | None = None,
    *,
    first: int = 1,
) -> None:
    """Take in what an edge sends from number ``first`` of its journal on, and judge it."""
    tide = tide or Tide()
    batches = [
        Batch(
            edge="edge-1", epoch="epoch0001", first_seq=n + first,
            observations=list(seen[n : n + 900]), sent_at=datetime.now(UTC),
        )
        for n in range(0, len(seen), 900)
    ]  # fmt: skip
    wires = [("tp/v1/site/edge-1/up/observations", codec.encode(one)) for one in batches]
    await Ingest(database, tide).receive(wires)
    judge = Judge(database, tide)
    while await judge.step():
        pass
    assert judge.counters["failed"] == 0
