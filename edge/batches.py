"""A stretch of the journal as a message to central."""

from __future__ import annotations

from typing import cast

import msgspec
import structlog

from edge.chapters import Chapter, Stretch
from edge.fold.moments import moment
from gateway import codec
from gateway.contract import Batch, Observation

_log = structlog.get_logger("edge.batches")
_check = msgspec.json.Decoder(Observation).decode


def encode(edge: str, chapter: Chapter, stretch: Stretch, *, now_us: int, compress: bool) -> bytes:
    """The payload for central; ``chapter`` is the one that the stretch belongs to."""
    batch = Batch(
        edge=edge,
        epoch=chapter.epoch,
        first_seq=stretch.first_seq,
        # Encoded bodies go into the message as they are: msgspec writes Raw untouched.
        observations=cast("list[Observation]", [msgspec.Raw(one) for one in stretch.bodies]),
        lost_before=stretch.lost_before,
        committed_seq=chapter.last_seq,
        after_epoch=chapter.after_epoch,
        after_seq=chapter.after_seq,
        sent_at=moment(now_us),
    )
    return codec.encode(batch, compress=compress)


def sendable(stretch: Stretch) -> tuple[Stretch, int]:
    """Leave out what breaks the contract (kept by an older release, or a sick disk), and how
    many that were: one such row must not stop the road for ever. It is declared lost.
    """
    skipped = 0
    for index, body in enumerate(stretch.bodies):
        try:
            _check(body)
        except (msgspec.MsgspecError, UnicodeError) as error:
            if index > skipped:
                return _without(stretch, skipped, index), skipped
            skipped += 1
            _log.error("observation_skipped", seq=stretch.first_seq + index, why=str(error))
    return _without(stretch, skipped, len(stretch.bodies)), skipped


def _without(stretch: Stretch, skipped: int, end: int) -> Stretch:
    """What is left between the first ``skipped`` rows and ``end``."""
    return Stretch(
        stretch.first_seq + skipped, stretch.lost_before + skipped, stretch.bodies[skipped:end]
    )
