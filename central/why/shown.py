"""A story as lines of text for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from central.why.story import Story

__all__ = ["lines"]

_MOST_TAGS = 20
_MOST_PARTS = 4


def lines(story: Story) -> Iterator[str]:
    """The story from top to bottom."""
    yield f"{story.kind} {story.id}"
    for one in story.observations:
        kinds = ", ".join(f"{count} {kind}" for kind, count in one.kinds.items()) or "none left"
        where = "" if one.first_log is None else f", log entries {one.first_log} to {one.last_log}"
        yield (
            f"  observed  {one.edge}/{one.epoch} numbers {one.first_seq} to {one.last_seq}{where}: "
            f"{kinds}"
        )
    for stage in story.stages:
        tell = _TOLD.get(stage.name, _plain)
        for number, line in enumerate(tell(stage.facts)):
            yield f"  {stage.name if not number else '':<9} {line}"
    if story.versions is not None:
        by = story.versions
        model = f", weights {by.model}" if by.model else ""
        yield (
            f"  versions  tallyport {by.app}, judging's state {by.reconciler}, context of entry "
            f"{by.context}{model}"
        )
    elif story.log_id:
        yield "  versions  not known: judged before traces were kept"
    for later in story.corrected_by:
        yield f"  corrected by {later}"


def _heard(facts: dict[str, Any]) -> Iterator[str]:
    if "tags" in facts:
        yield (
            f"{facts['tags']} tags, {facts['reads']} reads, {facts['from']} to {facts['to']}, "
            f"judged {facts['judged']}"
        )
    else:
        yield f"at log entry {facts.get('at_entry')}"


def _tags(facts: dict[str, Any]) -> Iterator[str]:
    columns = facts["columns"]
    table = [dict(zip(columns, row, strict=True)) for row in facts["rows"]]
    for tag in sorted(table, key=lambda one: one["crossed"])[:_MOST_TAGS]:
        parts = {name[1:]: value for name, value in tag.items() if name.startswith("+")}
        most = sorted(parts.items(), key=lambda one: -abs(one[1]))[:_MOST_PARTS]
        said = ", ".join(f"{name} {value:+.2f}" for name, value in most if value)
        yield (
            f"{tag['epc']} crossed {tag['crossed']:.4f}, inwards {tag['inwards']:.4f}: own "
            f"{sum(parts.values()):+.2f} ({said}), company {tag['company']:+.2f}"
        )
    left = len(table) - _MOST_TAGS
    if left > 0:
        yield f"... and {left} surer tags (--json has all)"
    if facts.get("others"):
        yield f"{facts['others']} other tags in the pass"


def _documents(facts: dict[str, Any]) -> Iterator[str]:
    for epc, way, before, after, *_ways in facts["rows"]:
        expected = f"expected {way}, " if way else ""
        yield f"{epc} {expected}crossed {before:.4f} -> {after:.4f}"


def _decision(facts: dict[str, Any]) -> Iterator[str]:
    way = f", direction {facts['direction']}" if "direction" in facts else ""
    yield f"{facts['decision']}{way}"
    reasons: dict[str, int] = {}
    for _way, reason in facts.get("tags", {}).values():
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        yield ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    for reason in facts.get("reasons", ()):
        yield reason
    held = ", ".join(f"{name} {value}" for name, value in facts.get("thresholds", {}).items())
    if held:
        yield f"thresholds: {held}"


def _posted(facts: dict[str, Any]) -> Iterator[str]:
    yield (
        f"number {facts['number']} at {facts['at']}: {facts['quantity']} of {facts['sku']} from "
        f"{facts['source']} to {facts['destination']} by {facts['origin']}, confidence "
        f"{facts['confidence']:.4f}"
    )


def _asked(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['reason']} ({facts['status']})"
    for says, probability in facts["hypotheses"]:
        yield f"{probability:>7.1%}  {says}"


def _resolved(facts: dict[str, Any]) -> Iterator[str]:
    note = f" ({facts['note']})" if facts["note"] else ""
    yield f"by {facts['by'] or 'nobody'} at {facts['at']}: {facts['says']}{note}"


def _plain(facts: dict[str, Any]) -> Iterator[str]:
    yield ", ".join(f"{name} {value}" for name, value in facts.items())


_TOLD: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "heard": _heard,
    "tags": _tags,
    "documents": _documents,
    "decision": _decision,
    "posted": _posted,
    "asked": _asked,
    "resolved": _resolved,
}
