"""Who changed what, when, and what stood there before: written once, chained, exported."""

from __future__ import annotations

from central.audit.trail import (
    REZERO,
    Change,
    Entry,
    Noted,
    behind,
    entries,
    following,
    record,
    rezeroed,
)

__all__ = [
    "REZERO",
    "Change",
    "Entry",
    "Noted",
    "behind",
    "entries",
    "following",
    "record",
    "rezeroed",
]
