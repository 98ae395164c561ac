"""A batch in pieces, when the database takes some of it and not all. Pure."""

from __future__ import annotations

import msgspec

from gateway.contract import Batch


def halves(batch: Batch) -> list[Batch]:
    """Two batches that say the same; it has more than one observation."""
    middle = len(batch.observations) // 2
    return [
        msgspec.structs.replace(batch, observations=batch.observations[:middle]),
        msgspec.structs.replace(
            batch,
            first_seq=batch.first_seq + middle,
            observations=batch.observations[middle:],
            lost_before=0,
        ),
    ]


def without(batch: Batch) -> Batch:
    """A batch of one observation, declared lost."""
    return msgspec.structs.replace(
        batch,
        first_seq=batch.first_seq + 1,
        observations=[],
        lost_before=batch.lost_before + 1,
    )
