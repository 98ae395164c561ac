"""A long-lived process that has started: what it has loaded is not looked over again for garbage.

Python's collector walks over every object of a process now and then: 0.2 s in which central answers
nobody and an edge hears nothing, nearly all of it over code and tables that stay for ever.
"""

from __future__ import annotations

import atexit
import gc

__all__ = ["settle"]

_YOUNG, _OLDER, _OLDEST = 10_000, 20, 20
"""New objects before the collector looks at them (Python's own 700 is several times a request), and
how often at the young ones before at those that were left."""


def settle() -> None:
    """Call it once, when everything is loaded and the first work is about to begin."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # the end lets go of all: libraries count what they get back
    gc.set_threshold(_YOUNG, _OLDER, _OLDEST)
