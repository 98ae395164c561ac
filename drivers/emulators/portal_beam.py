"""An emulated photo-eye across the door: when bodies of a scene stand in its beam.

The beam runs across the way at x = 0 between the pillars, at the height of a pallet's goods, so
that people, trucks and goods darken it and a heap beside the door does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.emulators.portal_scene import Body, Scene

HEIGHT_M = 0.5
HALF_M = 1.1
"""From the middle of the way to either pillar, at least."""
STEP_S = 0.01
_LEAN_M = 0.01
"""A body that only touches the beam's line does not darken it."""


def edges(scene: Scene, until_s: float, *, from_s: float = 0.0) -> Iterator[tuple[float, bool]]:
    """The changes of the beam's state, in order of time: dark is true; free at ``from_s``."""
    bodies = {id(one): one for one in (*scene.bodies, *(tag.within for tag in scene.tags)) if one}
    moving = [one for one in bodies.values() if not one.path.still]
    dark = False
    for step in range(round((until_s - from_s) / STEP_S) + 1):
        t = from_s + step * STEP_S
        now = any(_stands_in_it(one, t) for one in moving)
        if now is not dark:
            dark = now
            yield round(t, 4), dark


def _stands_in_it(body: Body, t: float) -> bool:
    place = body.path.at(t)
    if place is None:
        return False
    (length, width, height), (dx, dy, dz) = body.size, body.offset
    foot = place.z + dz
    return (
        abs(place.x + dx) < length / 2 - _LEAN_M
        and abs(place.y + dy) < HALF_M + width / 2
        and foot <= HEIGHT_M <= foot + height
    )
