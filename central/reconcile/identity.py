"""Names for decisions, made from what they rest on: the same log gives the same names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from central.reconcile.verdict import Logged
from central.stock.model import Cause


def derived_id(*parts: object) -> str:
    """32 hexadecimal digits that depend on every part and on nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def cause_of(logged: Logged) -> Cause:
    """One observation as a cause."""
    return Cause(edge=logged.edge, epoch=logged.epoch, first_seq=logged.seq, last_seq=logged.seq)


def spanning(causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """One cause per edge and epoch that covers all given, in order of first appearance."""
    spans: dict[tuple[str, str], Cause] = {}
    for cause in causes:
        key = (cause.edge, cause.epoch)
        have = spans.get(key, cause)
        spans[key] = Cause(
            edge=cause.edge,
            epoch=cause.epoch,
            first_seq=min(have.first_seq, cause.first_seq),
            last_seq=max(have.last_seq, cause.last_seq),
        )
    return tuple(spans.values())
