"""A log through the judging that runs in production, observation by observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from central.reconcile.reconciler import Reconciler
from central.reconcile.verdict import Context, Logged, Verdict
from gateway.contract import Observation


def verdicts(
    log: Iterable[tuple[int, Observation]], context: Context, began: datetime
) -> Iterator[tuple[Verdict, float]]:
    """What each observation came to, and when that was known, in seconds since ``began``."""
    reconciler = Reconciler()
    origin_us = round(began.timestamp() * 1e6)
    for number, (at_us, observation) in enumerate(log, 1):
        logged = Logged(number, "edge", "recording", number, observation)
        yield reconciler.judge([logged], context), (at_us - origin_us) / 1e6
