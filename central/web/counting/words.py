"""Words of counts for people."""

from __future__ import annotations

from central.counts.model import State

__all__ = ["REASONS", "STATES"]

STATES = {
    State.REQUESTED: ("asked for", ""),
    State.COUNTING: ("being counted", "warn"),
    State.COUNTED: ("differs", "bad"),
    State.INVESTIGATING: ("being looked into", "warn"),
    State.READY_TO_REVIEW: ("ready to approve", "good"),
    State.REVIEWED: ("done", ""),
    State.CANCELLED: ("cancelled", ""),
}
"""How a count stands, and the tone of its tag."""
REASONS = {
    "miscounted": "The books were counted wrong before", "misplaced": "Lies in another place",
    "lost": "Lost", "stolen": "Stolen", "damaged": "Damaged",
    "unrecorded_movement": "Moved, and nobody said so", "found": "Found",
    "tag_unreadable": "Its tag cannot be read", "wrong_unit": "Another unit was counted",
    "other": "Something else",
}  # fmt: skip
"""Why the books and a count differ, by the API's codes."""
