"""How fast each kind's decoder is: its captures, over and over, in pieces as a line gives them.

``tallyport bench devices`` measures; with ``--write 1`` it also keeps the figures in
``rates.json``, from where ``docs/devices.md`` takes them. A figure belongs to the captures it was
measured on: when those change, it no longer counts.
"""

from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path

from benchmarks.machine import describe
from drivers import registry
from drivers.readings import DeviceEvent
from tallyport.not_here import NotHere

_FILE = Path(__file__).with_name("rates.json")
_CAPTURES = Path(__file__).parents[2] / "tests" / "captures"
_PIECE_BYTES = 64
_ROUNDS = 5
_AT_LEAST_S = 0.05


def run(*, write: int = 0) -> dict[str, object]:
    """Readings per second of processor time for each kind: the best of five rounds."""
    if not _CAPTURES.is_dir():
        raise NotHere("the captures are not here: run it in a checkout")
    figures = {
        kind: {"value": rate(kind), "unit": "readings/s", "captures": digest(kind)}
        for kind in sorted(registry.DRIVERS)
        if captures(kind)
    }
    result: dict[str, object] = {"bench": "devices", "machine": describe(), "figures": figures}
    if write:
        _FILE.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return result


def known_rates() -> dict[str, int]:
    """The kept figures that still belong to the captures."""
    if not _FILE.exists():
        return {}
    figures = json.loads(_FILE.read_text(encoding="utf-8"))["figures"]
    return {
        kind: figure["value"]
        for kind, figure in figures.items()
        if kind in registry.DRIVERS and figure["captures"] == digest(kind)
    }


def machine() -> str:
    """What the kept figures were measured on."""
    if not _FILE.exists():
        return ""
    told = json.loads(_FILE.read_text(encoding="utf-8"))["machine"]
    return f"{told['cpu']}, Python {told['python']}"


def captures(kind: str) -> list[bytes]:
    """The bytes of a kind's captures, by their names."""
    return [path.read_bytes() for path in sorted((_CAPTURES / kind).glob("*.bin"))]


def digest(kind: str) -> str:
    """Which captures they are."""
    return sha256(b"".join(captures(kind))).hexdigest()[:12]


def rate(kind: str) -> int:
    """Readings per second of processor time."""
    driver = registry.load(kind)
    pieces = [
        data[start : start + _PIECE_BYTES]
        for data in captures(kind)
        for start in range(0, len(data), _PIECE_BYTES)
    ]
    best = 0.0
    for _ in range(_ROUNDS):
        heard = 0
        began = time.process_time()
        while (took_s := time.process_time() - began) < _AT_LEAST_S:
            decoder = driver.decoder()
            for piece in pieces:
                heard += sum(not isinstance(one, DeviceEvent) for one in decoder.feed(piece))
            heard += len(decoder.finish())
        best = max(best, heard / took_s)
    return round(best)
