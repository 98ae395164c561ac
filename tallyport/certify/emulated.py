"""A dock and a technician without either: the captures of a plan, from the emulated portal.

The tags that stand about are the same, in the same places, in the quiet minutes and on all walks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from drivers.emulators.portal_physics import PortalPhysics
from drivers.emulators.portal_suites import Suite, layout
from drivers.emulators.portal_traffic import (
    Kind,
    Layout,
    Move,
    Staged,
    arrival,
    sample_epcs,
    scene_of,
    standing,
)
from drivers.recording import (
    AntennaPlace,
    PassTruth,
    PortalHeader,
    Recording,
    TagHeard,
    write_recording,
)
from tallyport.certify.plan import IDLE_S, SCRIPT, Direction, Idle, Plan, Walk

FROM = datetime(2026, 1, 5, 8, tzinfo=UTC)
CASES = 12
_EVERY = timedelta(minutes=4)
_AFTERWARDS_S = 4.0
_FIRST_STRAY, _FIRST_CASE = 1, 900_001
_KINDS: tuple[tuple[Kind, float, float], ...] = (
    # what it is, metres from the middle, speed: as the script says it
    ("pass", 0.0, 1.2), ("pass", 0.0, 1.2), ("walk-by", 0.0, 1.2), ("pass", 0.3, 1.2),
    ("pass", 0.3, 1.2), ("pass", -0.3, 2.0), ("pass", -0.3, 2.0), ("turn-back", 0.0, 1.2),
    ("park", 0.0, 0.8), ("park", 0.0, 0.8),
)  # fmt: skip


def capture(
    suite: Suite, seed: int, folder: Path, *, place: Layout | None = None, cases: int = CASES
) -> Plan:
    """Write the captures of a dock that none of the suites for training has; the plan of them."""
    dock = layout(suite, "test", 1_000_000 + seed) if place is None else place
    tags = sample_epcs(_FIRST_CASE)
    epcs = [next(tags) for _ in range(cases)]
    point = f"{suite}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    staged = [_staged(dock, None, epcs, seed, IDLE_S)]
    staged += [_staged(dock, move, epcs, seed + n, 0.0) for n, move in enumerate(_moves(cases), 1)]
    files = ["idle.jsonl.gz", *(f"walk-{n:02d}.jsonl.gz" for n in range(1, len(SCRIPT) + 1))]
    for number, (file, one) in enumerate(zip(files, staged, strict=True)):
        write_recording(folder / file, _heard(one, point, FROM + number * _EVERY))
    return Plan(
        read_point=point,
        site=f"an emulated dock ({suite})",
        technician="the emulator",
        epcs=tuple(epcs),
        idle=(Idle(file=files[0], seconds=IDLE_S),),
        walks=tuple(
            Walk(file=file, direction=_way(direction), note=note)
            for file, (direction, note) in zip(files[1:], SCRIPT, strict=True)
        ),
    )


def _way(direction: str) -> Direction:
    return "in" if direction == "in" else "out" if direction == "out" else "by"


def _moves(cases: int) -> Sequence[Move]:
    return [
        Move(
            at_s=3.0,
            kind=kind,
            inwards=direction != "out",
            speed_m_s=speed,
            cases=cases,
            carrier="person",
            y_m=y_m,
            nearest_m=1.6 if kind == "walk-by" else 1.2,
            wait_s=3.0,
        )
        for (direction, _), (kind, y_m, speed) in zip(SCRIPT, _KINDS, strict=True)
    ]


def _staged(
    dock: Layout, move: Move | None, epcs: Sequence[str], seed: int, end_s: float
) -> Staged:
    heaps = standing(dock, sample_epcs(_FIRST_STRAY), Random("as they stand"))  # noqa: S311 (chance)
    came = arrival(move, iter(epcs), Random(f"trolley {seed}")) if move is not None else None  # noqa: S311
    return Staged(
        scene=scene_of(
            dock,
            [*heaps, *(came.tags if came else ())],
            seed=seed,
            bodies=came.bodies if came else (),
        ),
        crossings=came.crossings if came else (),
        strays=frozenset(tag.epc for tag in heaps),
        ends_s=came.ends_s if came else end_s,
    )


def _heard(staged: Staged, read_point: str, started_at: datetime) -> Recording:
    """What `tallyport edge capture` would have written of it, with the truth of every case."""
    reads = PortalPhysics(staged.scene).until(staged.ends_s + _AFTERWARDS_S)
    heard = [
        TagHeard(
            t=round(t, 4),
            epc=read.epc,
            antenna=read.antenna or 0,
            peak_rssi_dbm=read.peak_rssi_dbm,
            phase_rad=read.phase_rad,
            doppler_hz=read.doppler_hz,
            channel=read.channel,
        )
        for t, read in reads
    ]
    places = [
        AntennaPlace(
            antenna=one.antenna,
            side="inside" if one.side == "inside" else "outside",
            x_m=one.x_m,
            y_m=one.y_m,
            z_m=one.z_m,
            yaw_deg=one.yaw_deg,
        )
        for one in staged.scene.antennas
    ]
    truths = [
        PassTruth(t=round(one.at_s, 3), epc=epc, direction=one.direction)
        for one in staged.crossings
        for epc in one.epcs
    ]
    return Recording(
        header=PortalHeader(read_point=read_point, started_at=started_at, antennas=places),
        heard=tuple(sorted(heard, key=lambda one: one.t)),
        truths=tuple(truths),
    )
