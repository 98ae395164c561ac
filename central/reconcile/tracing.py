"""Why something was decided: the numbers of each stage, as they were. Pure.

A trace is made while judging, of what was judged by, and stored as it is: nothing in it is
worked out again later, when weights and thresholds may be others. Tags are a table (``columns``
and ``rows``), since a pass may have hundreds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from types import ModuleType

import msgspec

from central.database.moments import from_us, to_us
from central.reconcile.identity import cause_of, spanning
from central.reconcile.portal import beam, crossing, desk, eye, on_stock, state, weighing
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import SIDE_NAMES
from central.reconcile.portal.weighing import Crossing
from central.reconcile.shelf import beliefs, judging, leaks, odds, plate, plates, waiting
from central.reconcile.verdict import LeftAlone, Logged, Pass, Review, Stage, Trace, Verdict
from central.stock.model import Cause, Movement

__all__ = ["explained", "left_alone", "of_pass", "thresholds"]

_STAGES = {"plate": "weight", "code": "code", "presence": "presence"}
"""Which stage the evidence of a single device is of, by a word in it."""
_WEIGHING = (judging, waiting, odds, beliefs, leaks, plate, plates)
_LEAST = 1e-9
MOST_LEFT = 40
"""Of a pass that moved nothing, the likeliest tags are kept."""
_ABOUT_US = 5_000_000


def of_pass(
    crossings: Sequence[Crossing],
    informed: Sequence[Crossing],
    portal: Portal,
    told: Pass,
    logged: Logged,
    *,
    settled: bool,
) -> Trace:
    """A portal's pass: what was heard of it, what its tags looked like, and what that came to.

    ``informed`` are the tags after documents had their say. ``settled`` says that the pass was
    judged because it was over, not because it was sure before.
    """
    tracks = [one.track for one in crossings]
    causes = spanning([*portal.causes(tracks), cause_of(logged)])
    heard: dict[str, object] = {
        "tags": len(tracks),
        "reads": sum(track.reads for track in tracks),
        "from": _moment(min((track.first_us for track in tracks), default=None)),
        "to": _moment(max((track.last_us for track in tracks), default=None)),
        "judged": "when it was over" if settled else "as soon as it was sure",
        "observations": _spans(causes),
    }
    decision: dict[str, object] = {
        "pass": told.id,
        "direction": told.direction,
        "decision": told.decision,
        "tags": {tag.epc: [tag.direction, tag.reason] for tag in told.tags},
        "thresholds": thresholds(desk, weighing, state),
    }
    stages = [Stage(name="heard", facts=heard), _tags(crossings)]
    if portal.eye.darks:
        stages.append(_beam(portal, told))
    if any(one.ledger for one in crossings):
        stages.append(_ledger(crossings))
    documents = _documents(crossings, informed)
    if documents is not None:
        stages.append(documents)
    stages.append(Stage(name="decision", facts=decision))
    return Trace(of=(told.id,), stages=tuple(stages))


def left_alone(
    crossings: Sequence[Crossing],
    informed: Sequence[Crossing],
    portal: Portal,
    told: Pass,
    logged: Logged,
    *,
    settled: bool,
) -> LeftAlone:
    """A pass that moved nothing, with the same of its likeliest tags as ``of_pass`` tells."""
    both = list(zip(crossings, informed, strict=True))
    both.sort(key=lambda pair: (-pair[1].odds.crossed, pair[1].track.epc))
    before, after = [pair[0] for pair in both[:MOST_LEFT]], [pair[1] for pair in both[:MOST_LEFT]]
    epcs = {one.track.epc for one in after}
    tags = tuple(tag for tag in told.tags if tag.epc in epcs)
    told = msgspec.structs.replace(told, tags=tags, causes=told.causes[:MOST_LEFT])
    why = of_pass(before, after, portal, told, logged, settled=settled)
    return LeftAlone(told=told, why=why)


def explained(verdict: Verdict, logged: Logged) -> Verdict:
    """A verdict with why, where it moved or asked something and does not say so yet: what a
    single device saw (a plate, a scanner) is told by its evidence.
    """
    found: list[Movement | Review] = [*verdict.movements, *verdict.reviews]
    if verdict.traces or not found:
        return verdict
    evidence = found[0].evidence
    stage = next((name for key, name in _STAGES.items() if key in evidence), "evidence")
    causes = spanning(cause for one in found for cause in one.causes)
    decision: dict[str, object] = {
        "decision": "review" if verdict.reviews else "moved",
        "reasons": [one.reason for one in verdict.reviews],
        "confidence": [one.confidence for one in verdict.movements],
        "thresholds": thresholds(*_WEIGHING) if stage == "weight" else {},
    }
    stages = (
        Stage(name="heard", facts={"at_entry": logged.log_id, "observations": _spans(causes)}),
        Stage(name=stage, facts=evidence),
        Stage(name="decision", facts=decision),
    )
    trace = Trace(of=tuple(one.id for one in found), stages=stages)
    return msgspec.structs.replace(verdict, traces=(trace,))


def _spans(causes: Iterable[Cause]) -> list[list[object]]:
    return [[one.edge, one.epoch, one.first_seq, one.last_seq] for one in causes]


def _tags(crossings: Sequence[Crossing]) -> Stage:
    """Each tag's reads and levels, its features, its own log-odds of having crossed, what its
    company added, and what came of it.

    The ``+`` columns and ``company`` add up to the log-odds of ``crossed``.
    """
    names = tuple(crossings[0].seen.named()) if crossings else ()
    parts = [crossing.parts(one.seen) for one in crossings]
    weighed = tuple(parts[0]) if parts else ()
    columns = [
        "epc",
        *(f"reads {name}" for name in SIDE_NAMES),
        "peak_rssi_dbm",
        "known stray",
        *names,
        *(f"+{name}" for name in weighed),
        "company",
        "crossed",
        "inwards",
    ]
    rows = [
        [
            one.track.epc,
            *(side.count for side in one.track.sides),
            None if one.track.supposed else round(one.track.peak_dbm, 1),
            one.known,
            *(round(value, 4) for value in one.seen.named().values()),
            *(round(value, 4) for value in part.values()),
            round(_logit(one.odds.crossed) - sum(part.values()), 4),
            round(one.odds.crossed, 6),
            round(one.odds.inwards, 6),
        ]
        for one, part in zip(crossings, parts, strict=True)
    ]
    facts: dict[str, object] = {"model": crossing.model(), "columns": columns, "rows": rows}
    return Stage(name="tags", facts=facts)


def _beam(portal: Portal, told: Pass) -> Stage:
    """When the photo-eye was dark about then, and what it has earned so far."""
    since_us, until_us = to_us(told.opened_at) - _ABOUT_US, to_us(told.closed_at) + _ABOUT_US
    dark = [
        [_moment(since), _moment(until)]
        for since, until in portal.eye.darks
        if since <= until_us and until >= since_us
    ]
    facts: dict[str, object] = {"dark": dark, "hits": portal.eye.hits, "misses": portal.eye.misses}
    return Stage(name="beam", facts=facts | dict(thresholds(beam, eye)))


def _ledger(crossings: Sequence[Crossing]) -> Stage:
    """The log-odds of inwards that came of where the ledger has a tag's group, and the way before
    and with them.
    """
    rows = [
        [
            one.track.epc,
            round(one.ledger, 4),
            round(crossing.logistic(_logit(one.odds.inwards) - one.ledger), 6),
            round(one.odds.inwards, 6),
        ]
        for one in crossings
        if one.ledger
    ]
    columns = ["epc", "ledger", "inwards before", "inwards"]
    facts: dict[str, object] = {"columns": columns, "rows": rows}
    return Stage(name="ledger", facts=facts | dict(thresholds(on_stock)))


def _documents(before: Sequence[Crossing], after: Sequence[Crossing]) -> Stage | None:
    """What announced documents changed: each such tag's odds before and with them."""
    rows = [
        [
            one.track.epc,
            other.expected,
            *(round(value, 6) for value in (one.odds.crossed, other.odds.crossed)),
            *(round(value, 6) for value in (one.odds.inwards, other.odds.inwards)),
        ]
        for one, other in zip(before, after, strict=True)
        if (one.odds, one.expected) != (other.odds, other.expected)
    ]
    if not rows:
        return None
    columns = ["epc", "expected", "crossed before", "crossed", "inwards before", "inwards"]
    return Stage(name="documents", facts={"columns": columns, "rows": rows})


@cache
def thresholds(*modules: ModuleType) -> dict[str, float]:
    """The numbers that these modules decide by: their constants."""
    return {
        name: value
        for module in modules
        for name, value in sorted(vars(module).items())
        if name.isupper() and not name.startswith("_") and isinstance(value, int | float)
    }


def _logit(probability: float) -> float:
    inside = min(max(probability, _LEAST), 1.0 - _LEAST)
    return math.log(inside / (1.0 - inside))


def _moment(us: int | None) -> str | None:
    return None if us is None else from_us(us).isoformat()
