"""What whoever asks may do, for what a page shows them."""

from __future__ import annotations

from central.access import behalf
from central.access.model import reach

__all__ = ["may"]


def may(permission: str) -> bool:
    """Whether whoever asks may do this anywhere: buttons for what is refused are not shown."""
    actor = behalf.asker()
    return actor is not None and reach(actor, permission) != frozenset()
