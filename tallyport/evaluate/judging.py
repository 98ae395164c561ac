"""A log through the judging that runs in production, observation by observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Verdict
from gateway.contract import Observation


def verdicts(
    log: Iterable[tuple[int, Observation]],
    context: Context,
    began: datetime,
    *,
    reconciler: Reconciler | None = None,
    after_seq: int = 0,
) -> Iterator[tuple[Verdict, float]]:
    """What each observation came to, and when that was known, in seconds since ``began``.

    ``reconciler`` is one that has judged an earlier log, up to ``after_seq``; without it judging
    begins with an empty memory.
    """
    reconciler = Reconciler() if reconciler is None else reconciler
    origin_us = round(began.timestamp() * 1e6)
    for number, (at_us, observation) in enumerate(log, after_seq + 1):
        logged = Logged(number, "edge", "recording", number, observation)
        yield reconciler.judge([logged], context), (at_us - origin_us) / 1e6
