"""In which order a picker walks to the places of a task. Pure.

Places lie along one walk: through the tree of locations, level by level, in the natural order of
their codes (``R2`` before ``R10``). Codes that follow the aisles make it the way that people go,
beginning and ending where the walk does; if they should walk every second aisle backwards, its
codes count down. Going along the walk once is never longer than any other order of the same
places, where the way between two places is along the walk. It knows no short cuts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from central.natural import Natural, natural

__all__ = ["length", "walked"]

Key = tuple[Natural, ...]


def walked(places: Iterable[str], paths: Mapping[str, Sequence[str]]) -> list[str]:
    """The places as they are walked to; ``paths`` has the codes from the root to each."""
    return sorted(set(places), key=lambda code: _key(code, paths))


def length(stops: Sequence[str], paths: Mapping[str, Sequence[str]]) -> int:
    """How many places of the walk are passed from its beginning by way of all stops, in order."""
    at = {code: number for number, code in enumerate(walked(paths, paths))}
    way, here = 0, 0
    for stop in stops:
        way += abs(at[stop] - here)
        here = at[stop]
    return way


def _key(code: str, paths: Mapping[str, Sequence[str]]) -> Key:
    return tuple(natural(one) for one in paths.get(code, (code,)))
