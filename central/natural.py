"""Names in the order that people expect: ``R2`` before ``R10``. Pure."""

from __future__ import annotations

import re

__all__ = ["Natural", "natural"]

_PARTS = re.compile(r"\d+|\D+")
Natural = tuple[tuple[int, int, str], ...]


def natural(name: str) -> Natural:
    """What to sort by: digits by their value, before words."""
    return tuple(
        (0, int(part), part) if part.isdecimal() else (1, 0, part) for part in _PARTS.findall(name)
    )
