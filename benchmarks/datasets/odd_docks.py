"""Docks as others may build or emulate them, one oddity each: how far the judging bears them.

A dock of ordinary pallets (antennas on both sides, cartons, some strays) is recorded as it is, and
again with one thing otherwise at a time: the reader, the antennas, the strays, or what happens at
the door. So what an oddity costs is the difference to ``plain``. Each number of a split is another
dock, drawn from the two alone.

``python -m benchmarks.datasets.odd_docks KIND SPLIT FIRST COUNT DST``: split ``train`` or ``test``,
and as KIND one of ``KINDS`` or ``all``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import msgspec

from benchmarks.datasets.command import make_numbers, numbered, written_once
from benchmarks.datasets.docks import FROM, record
from drivers.emulators.portal_scene import Antenna
from drivers.emulators.portal_suites import Split
from drivers.emulators.portal_traffic import Heap, Kind, Layout, Move, sample_epcs, stage
from drivers.emulators.portal_wild import Reception
from drivers.recording import Recording, TagHeard


def _antennas(rng: Random) -> tuple[Antenna, ...]:
    split_m, yaw_deg = rng.uniform(0.35, 0.5), rng.uniform(15.0, 30.0)
    return tuple(
        Antenna(
            antenna=port,
            side="outside" if sign < 0 else "inside",
            x_m=round(sign * split_m, 3),
            y_m=y * 1.25,
            z_m=round(rng.uniform(1.7, 2.2), 3),
            yaw_deg=round(sign * yaw_deg, 1),
            tilt_deg=round(rng.uniform(15.0, 30.0), 1),
        )
        for port, sign, y in ((1, -1, 1), (2, -1, -1), (3, 1, 1), (4, 1, -1))
    )


def _heaps(rng: Random, strays: int, *, heap: int = 15) -> tuple[Heap, ...]:
    return tuple(
        Heap(
            x_m=round(rng.choice((-1, 1)) * rng.uniform(1.2, 4.0), 2),
            y_m=round(rng.choice((-1, 1)) * rng.uniform(1.9, 4.0), 2),
            tags=heap,
            behind_db=round(rng.uniform(4.0, 14.0), 1),
        )
        for _ in range(strays // heap)
    )


def _layout(rng: Random) -> Layout:
    return Layout(
        antennas=_antennas(rng),
        heaps=_heaps(rng, rng.choice((15, 30, 45))),
        echoes_db=round(rng.uniform(12.0, 17.0), 1),
        reader=rng.choice(("fast", "dense")),
        region=rng.choice(("fcc", "etsi")),
        room=rng.randrange(1 << 30),
    )


def _moves(rng: Random) -> list[Move]:
    """Two pallets go through, and something that does not."""
    found: list[Move] = []
    at_s = 5.0
    kinds: tuple[Kind, ...] = ("pass", rng.choice(("turn-back", "walk-by")), "pass")
    for kind in kinds:
        found.append(
            Move(
                at_s=round(at_s, 2),
                kind=kind,
                inwards=rng.random() < 0.5,
                speed_m_s=round(rng.uniform(0.8, 1.8), 2),
                cases=rng.randint(5, 24),
                carrier=rng.choice(("forklift", "person")),
                y_m=round(rng.uniform(-0.2, 0.2), 2),
                nearest_m=round(rng.uniform(1.2, 2.0), 2),
            )
        )
        at_s += 14.0 / found[-1].speed_m_s + rng.uniform(4.0, 10.0)
    return found


# ---- other places -----------------------------------------------------------------------------
def _ports(*ports: int) -> Callable[[Layout, Random], Layout]:
    def few(place: Layout, _: Random) -> Layout:
        kept = tuple(one for one in place.antennas if one.antenna in ports)
        return msgspec.structs.replace(place, antennas=kept)

    return few


def _overhead(place: Layout, rng: Random) -> Layout:
    tilt_deg = round(rng.uniform(60.0, 80.0), 1)
    above = tuple(
        replace(one, y_m=one.y_m * 0.4, z_m=2.8, tilt_deg=tilt_deg) for one in place.antennas
    )
    return msgspec.structs.replace(place, antennas=above)


def _quick(place: Layout, _: Random) -> Layout:
    return msgspec.structs.replace(place, reader="quick")


def _empty(place: Layout, _: Random) -> Layout:
    return msgspec.structs.replace(place, heaps=())


def _crowd(place: Layout, rng: Random) -> Layout:
    return msgspec.structs.replace(place, heaps=_heaps(rng, 280, heap=28))


PLACES: dict[str, Callable[[Layout, Random], Layout]] = {
    "one-antenna": _ports(1),
    "two-antennas": _ports(1, 4),
    "overhead": _overhead,
    "500-reads-a-second": _quick,
    "no-strays": _empty,
    "280-strays": _crowd,
}


# ---- other happenings -------------------------------------------------------------------------
def _passers(moves: list[Move], rng: Random) -> list[Move]:
    """A truck with a pallet drives by outside every ten seconds."""
    until_s = moves[-1].at_s + 14.0
    by = [
        Move(
            at_s=round(at_s + rng.uniform(0.0, 4.0), 2),
            kind="walk-by",
            inwards=True,
            speed_m_s=round(rng.uniform(1.2, 2.4), 2),
            cases=8,
            nearest_m=round(rng.uniform(1.8, 3.0), 2),
        )
        for at_s in range(0, int(until_s), 10)
    ]
    return [*moves, *by]


def _by_hand(moves: list[Move], rng: Random) -> list[Move]:
    return [
        msgspec.structs.replace(
            one, carrier="hand", cases=rng.randint(1, 3), speed_m_s=min(one.speed_m_s, 1.5)
        )
        for one in moves
    ]


def _abreast(moves: list[Move], rng: Random) -> list[Move]:
    """Another pallet beside each, the same way or the other."""
    found = []
    for one in moves:
        left = msgspec.structs.replace(one, y_m=0.55)
        right = msgspec.structs.replace(
            one,
            y_m=-0.55,
            at_s=one.at_s + round(rng.uniform(0.0, 0.5), 2),
            cases=rng.randint(5, 24),
            inwards=one.inwards if rng.random() < 0.7 else not one.inwards,
        )
        found += [left, right]
    return found


def _stopping(kind: Kind, wait_s: float, nearest_m: float) -> Callable[..., list[Move]]:
    def stopping(moves: list[Move], rng: Random) -> list[Move]:
        found, later_s = [], 0.0
        for one in moves:
            shift_s = one.at_s + later_s
            if one.kind == "pass":
                found.append(
                    msgspec.structs.replace(
                        one, kind=kind, at_s=shift_s, wait_s=wait_s, nearest_m=nearest_m
                    )
                )
                later_s += wait_s + 8.0
            else:
                found.append(msgspec.structs.replace(one, at_s=shift_s))
        return found

    return stopping


HAPPENINGS: dict[str, Callable[[list[Move], Random], list[Move]]] = {
    "trucks-pass-outside": _passers,
    "carried-by-hand": _by_hand,
    "two-abreast": _abreast,
    "out-again-after-20-s": _stopping("return", 20.0, 3.5),
    "waited-beside-the-door": _stopping("staged", 30.0, 2.5),
}


# ---- other readers ----------------------------------------------------------------------------
def _mute(heard: Iterable[TagHeard], _: Random) -> Iterator[TagHeard]:
    for one in heard:
        yield msgspec.structs.replace(one, phase_rad=None, doppler_hz=None, channel=None)


def _coarse(heard: Iterable[TagHeard], _: Random) -> Iterator[TagHeard]:
    """Levels in steps of 3 dB, none above -42 nor below -72 dBm."""
    for one in heard:
        level = one.peak_rssi_dbm
        told = None if level is None else min(max(3.0 * round(level / 3.0), -72.0), -42.0)
        yield msgspec.structs.replace(one, peak_rssi_dbm=told)


def _levelless(heard: Iterable[TagHeard], _: Random) -> Iterator[TagHeard]:
    for one in heard:
        yield msgspec.structs.replace(one, peak_rssi_dbm=None)


def _slow(heard: Iterable[TagHeard], rng: Random) -> Iterator[TagHeard]:
    """Ten reads a second of all tags together."""
    last = -1.0
    for one in heard:
        if one.t >= last + 0.1 * rng.uniform(0.8, 1.2):
            last = one.t
            yield one


def _by_the_second(heard: Iterable[TagHeard], _: Random) -> Iterator[TagHeard]:
    for one in heard:
        yield msgspec.structs.replace(one, t=float(math.floor(one.t)))


def _shuffled(heard: Iterable[TagHeard], rng: Random) -> Iterator[TagHeard]:
    for one in heard:
        t = max(one.t + rng.uniform(-0.1, 0.1), 0.0)
        yield msgspec.structs.replace(one, t=round(t, 4))


READERS: dict[str, Callable[[Iterable[TagHeard], Random], Iterator[TagHeard]]] = {
    "no-phase": _mute,
    "coarse-clipped-levels": _coarse,
    "no-levels": _levelless,
    "10-reads-a-second": _slow,
    "times-of-1-s": _by_the_second,
    "shuffled-by-200-ms": _shuffled,
}
KINDS = ("plain", *PLACES, *HAPPENINGS, *READERS)


def odd(kind: str, split: Split, number: int) -> Recording:
    """Number so much of a split, with the oddity ``kind``; ``plain`` has none."""
    rng = Random(f"odd {split} {number}")
    place, moves = _layout(rng), _moves(rng)
    first, seed = 1 + 100_000 * rng.randrange(1 << 14), rng.randrange(1 << 30)
    if kind in PLACES:
        place = PLACES[kind](place, rng)
    if kind in HAPPENINGS:
        moves = HAPPENINGS[kind](moves, rng)
    staged = stage(place, moves, seed=seed, epcs=sample_epcs(first))
    told = Reception({one.antenna: 0.0 for one in place.antennas})
    at = FROM + timedelta(hours=number)
    recording = record(staged, told, f"odd-{kind}-{split}-{number:04d}", at)
    if kind not in READERS:
        return recording
    reads = (one for one in recording.heard if isinstance(one, TagHeard))
    heard = sorted(READERS[kind](reads, rng), key=lambda one: one.t)
    return Recording(header=recording.header, heard=tuple(heard), truths=recording.truths)


def write(kinds: Sequence[str], split: Split, destination: Path, number: int) -> Path:
    """The same of several kinds as ``KIND/KIND-SPLIT-NNNN.jsonl.gz``, those not there already."""
    for kind in kinds:
        (destination / kind).mkdir(exist_ok=True)
        name = f"{kind}-{split}-{number:04d}"
        written_once(destination / kind, name, partial(odd, kind, split, number))
    return destination


def main(arguments: list[str] | None = None) -> int:
    """Command line; gives the exit status."""
    options = numbered("odd_docks", __doc__, ("all", *KINDS)).parse_args(arguments)
    kinds = KINDS if options.suite == "all" else (options.suite,)
    return make_numbers(options, partial(write, kinds, options.split, options.destination))


if __name__ == "__main__":
    raise SystemExit(main())
