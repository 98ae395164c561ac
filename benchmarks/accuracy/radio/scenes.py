"""The real recordings' experiments, done again before the emulated radio, with their truth.

* ``walks``: the R420's room. One tag is carried along four lines through it, both ways, slowly and
  fast, turned four ways; the reader asks some 14 times a second. Mapped to a portal as
  ``benchmarks.datasets.r420`` maps the real ones. Choices: 0.32 and 0.64 m/s, the tag held
  0.3 m before the one who walks.
* ``box``: Nedap's shop. Ten wanted tags in a box that is scanned from 0.3 to 1 m by two beams for
  half a minute while it is turned, hundreds of others around. How those hang was not written down:
  1,500 to 2,500 of them, evenly over 16 m around, most behind up to 8 dB (one way) of clothes
  and shelves, so that about as many are heard as really were (140 to 400).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

from benchmarks.accuracy.radio.rooms import FOOT_M, HIGH_M, ROOM_FT, STUCK_DB, corners, play
from benchmarks.datasets.docks import FROM
from benchmarks.datasets.r420 import CORNERS_FT, place_of
from drivers.emulators.portal_scene import Antenna, Path, Tag, Timing, person
from drivers.emulators.portal_traffic import Layout, sample_epcs
from drivers.recording import AntennaPlace, PassTruth, PortalHeader, Recording, TagHeard

SLOWLY_ASKED = Timing(read_s=0.0032, collision_s=0.0011, empty_s=0.0003, round_s=0.02)
"""Some 14 reads/s of one tag by four antennas, as the walks were recorded."""
LINES_FT = (
    ((7.5, 14.0), (7.5, 1.0)),
    ((14.0, 7.5), (1.0, 7.5)),
    ((1.0, 14.0), (14.0, 1.0)),
    ((14.0, 14.0), (1.0, 1.0)),
)
SPEEDS_M_S = (0.32, 0.64)
TURNS_DEG = (0.0, 45.0, 90.0, 135.0)
IN_HAND_M = 0.3
SCAN_S = 30.0
BEAMS_M = (-0.15, 0.15)
AROUND, FAR_M, HIDDEN_DB = (1_500, 2_500), 16.0, 8.0


def walks(hall: Layout) -> Iterator[Recording]:
    """Every line both ways, at both speeds, the tag turned each way: 64 recordings."""
    for start, end in LINES_FT:
        for inwards in (True, False):
            for speed in SPEEDS_M_S:
                for turn in TURNS_DEG:
                    yield _walk(hall, (start, end), speed, math.radians(turn), inwards=inwards)


def _walk(
    hall: Layout,
    line: tuple[tuple[float, float], tuple[float, float]],
    speed: float,
    turn: float,
    *,
    inwards: bool,
) -> Recording:
    (x0, y0), (x1, y1) = line
    length = math.hypot(x1 - x0, y1 - y0)
    way_in = ((x1 - x0) / length, (y1 - y0) / length)
    ends = line if inwards else line[::-1]
    (ax, ay), (bx, by) = (((x - ROOM_FT / 2) * FOOT_M, (y - ROOM_FT / 2) * FOOT_M) for x, y in ends)
    ahead = way_in if inwards else (-way_in[0], -way_in[1])
    seconds = length * FOOT_M / speed
    path = Path(waypoints=((0.0, ax, ay, 0.0), (seconds, bx, by, 0.0)))
    walker = Path(
        waypoints=tuple(
            (t, x - IN_HAND_M * ahead[0], y - IN_HAND_M * ahead[1], z)
            for t, x, y, z in path.waypoints
        )
    )
    tag = Tag(
        epc=next(sample_epcs()),
        path=path,
        offset=(0.0, 0.0, HIGH_M),
        loss_db=STUCK_DB,
        axis=(math.cos(turn), math.sin(turn), 0.0),
    )
    reads = play(hall, corners(), [tag], seconds, bodies=[person(walker)], timing=SLOWLY_ASKED)
    return Recording(
        header=PortalHeader(
            read_point="r420-room",
            started_at=FROM,
            antennas=[place_of(antenna, way_in) for antenna in CORNERS_FT],
        ),
        heard=tuple(reads),
        truths=(
            PassTruth(t=round(seconds / 2, 3), epc=tag.epc, direction="in" if inwards else "out"),
        ),
    )


def box(hall: Layout, number: int) -> Recording:
    """One scan."""
    rng = Random(f"box {hall.room} {number}")
    names = sample_epcs()
    beams = [
        Antenna(antenna=port, side="unknown", x_m=x, y_m=-0.5, z_m=1.2, tilt_deg=10.0)
        for port, x in enumerate(BEAMS_M, 1)
    ]
    wanted = [_in_box(next(names), rng) for _ in range(10)]
    others = [_on_a_rack(next(names), rng) for _ in range(rng.randint(*AROUND))]
    reads = play(hall, beams, wanted + others, SCAN_S)
    return Recording(
        header=PortalHeader(
            read_point="nedap-emulated",
            started_at=FROM,
            antennas=[AntennaPlace(antenna=one.antenna) for one in beams],
        ),
        heard=tuple(reads),
        truths=tuple(PassTruth(t=SCAN_S, epc=tag.epc, direction="in") for tag in wanted),
    )


def _in_box(epc: str, rng: Random) -> Tag:
    """To and fro before the reader, as a box is that somebody turns."""
    near = [(k * 5.0, rng.uniform(-0.3, 0.3), rng.uniform(-0.2, 0.4), 0.0) for k in range(7)]
    loss_db = rng.uniform(2.0, 8.0)
    path = Path(waypoints=tuple(near))
    return Tag(epc=epc, path=path, offset=(0.0, 0.0, rng.uniform(0.9, 1.2)), loss_db=loss_db)


def _on_a_rack(epc: str, rng: Random) -> Tag:
    metres = max(FAR_M * math.sqrt(rng.random()), 2.0)
    heading = rng.uniform(0.0, math.tau)
    turn = rng.uniform(0.0, math.tau)
    return Tag(
        epc=epc,
        path=Path.standing(metres * math.cos(heading), metres * math.sin(heading)),
        offset=(0.0, 0.0, rng.uniform(0.3, 1.8)),
        loss_db=STUCK_DB + rng.triangular(0.0, HIDDEN_DB, HIDDEN_DB),
        axis=(math.cos(turn), math.sin(turn), 0.0),
    )


def reads_of(recording: Recording) -> Iterator[TagHeard]:
    """Its reads, in the order of time."""
    return (one for one in recording.heard if isinstance(one, TagHeard))


def strays(recording: Recording) -> Iterator[list[TagHeard]]:
    """The reads of every tag that did not move, tag by tag."""
    moved = {truth.epc for truth in recording.truths if isinstance(truth, PassTruth)}
    reads: dict[str, list[TagHeard]] = {}
    for one in reads_of(recording):
        if one.epc not in moved:
            reads.setdefault(one.epc, []).append(one)
    yield from reads.values()
