"""Portal recordings as zones: whose places are known, who was wanted, who moved, who stood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.accuracy.presence_rules import Read
from drivers.recording import PassTruth, PortalHeader, Recording, TagHeard, read_recording

PLACES = "places.json"


class Scene(msgspec.Struct, frozen=True):
    """One recording as a zone: each antenna's place, each tag's reads, and what is known of it.

    ``moved`` tells of tags with a truth when they moved and where to; ``stood`` where tags stood;
    ``fold`` whom it is left out with: the middle of its file's name (set and place).
    """

    antennas: dict[int, str]
    reads: dict[str, list[Read]]
    wanted: frozenset[str]
    moved: dict[str, tuple[float, str]]
    stood: dict[str, str]
    fold: str = ""


class Sidecar(msgspec.Struct, frozen=True):
    """What ``places.json`` says of a recording: antennas' places, and where its tags stood."""

    places: dict[int, str]
    stood: dict[str, str] = {}


def scenes_in(folder: Path) -> Iterator[Scene]:
    """Every portal recording below the folder, as a zone."""
    for path in sorted([*folder.rglob("*.jsonl"), *folder.rglob("*.jsonl.gz")]):
        recording = read_recording(path)
        if isinstance(recording.header, PortalHeader):
            beside = path.with_name(PLACES)
            told = (
                msgspec.json.decode(beside.read_bytes(), type=dict[str, Sidecar])
                if beside.exists()
                else {}
            )
            scene = scene_of(recording, told.get(path.name))
            parts = path.name.removesuffix(".gz").removesuffix(".jsonl").split("-")
            yield msgspec.structs.replace(scene, fold="-".join(parts[1:-1]))


def scene_of(recording: Recording, sidecar: Sidecar | None = None) -> Scene:
    """A recording of a portal as a zone; antennas of which nothing is known watch one place."""
    header = recording.header
    assert isinstance(header, PortalHeader)
    places: dict[int, str] = {
        one.antenna: one.side for one in header.antennas if one.side != "unknown"
    }
    if sidecar is not None:
        places = dict(sidecar.places)
    elif not places:
        places = {one.antenna: "here" for one in header.antennas}
    reads: dict[str, list[Read]] = {}
    for line in recording.heard:
        if isinstance(line, TagHeard) and line.antenna in places:
            dbm = -60.0 if line.peak_rssi_dbm is None else line.peak_rssi_dbm
            read = Read(line.t, line.antenna, places[line.antenna], dbm)
            reads.setdefault(line.epc.upper(), []).append(read)
    truths = [line for line in recording.truths if isinstance(line, PassTruth)]
    sided = len(set(places.values())) > 1 and sidecar is None
    return Scene(
        antennas=places,
        reads=reads,
        wanted=frozenset(line.epc.upper() for line in truths),
        moved={
            line.epc.upper(): (line.t, "inside" if line.direction == "in" else "outside")
            for line in truths
            if sided
        },
        stood={} if sidecar is None else {epc.upper(): at for epc, at in sidecar.stood.items()},
    )
