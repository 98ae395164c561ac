"""Recordings of zones, and ``places.json`` beside them, for ``tallyport bench presence``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from benchmarks.accuracy.presence_scenes import PLACES, Sidecar
from benchmarks.datasets.command import converted
from drivers.recording import Recording


def converted_zones(
    destination: Path, made: Iterable[tuple[str, Recording, Sidecar]]
) -> list[Path]:
    """As ``converted``, and what is known of each recording's places."""
    told: dict[str, Sidecar] = {}

    def recordings() -> Iterator[tuple[str, Recording]]:
        for name, recording, sidecar in made:
            told[f"{name}.jsonl.gz"] = sidecar
            yield name, recording

    written = converted(destination, recordings())
    (destination / PLACES).write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    return written
