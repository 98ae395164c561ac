"""A story told to people: a few sentences, before any number. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from central.reconcile.holdings import UNTAGGED
from central.stock.model import Movement
from central.stock.rows import DRAWN_FOR, HEARD_AT
from central.why.story import Story

__all__ = ["told"]

_CLOSE = 3
_TELLS = 0.2
"""Log-odds from which on a tag's company is worth a word."""
_WAYS = {"in": "came in", "out": "went out", "mixed": "crossed both ways"}
_WHY_NOT = {
    "stray": "stayed where it was",
    "known stray": "near the antennas all the time",
    "in doubt": "in doubt",
    "already inside": "inside already by the books",
    "already outside": "outside already by the books",
    "not on stock": "on no stock that could have left",
    "unknown item": "of an item that is not in the catalogue",
    "not an item": "no item",
}


def told(story: Story) -> list[str]:
    """What happened and why, in order; nothing where no trace of it is kept."""
    said = [one for stage in story.stages for one in _TOLD.get(stage.name, _nothing)(stage.facts)]
    said += [one for posted in story.posted for one in _lay(posted.movement)]
    if story.corrected_by:
        count = len(story.corrected_by)
        said.append(f"{_n(count, 'later movement')} put this right.")
    if story.versions is not None and story.log_id:
        said.append(
            f"Judged by Tallyport {story.versions.app}"
            + (f" with weights {story.versions.model}." if story.versions.model else ".")
        )
    return said


def _lay(movement: Movement) -> Iterator[str]:
    """How it is known where goods lay whose tags were not heard there."""
    if HEARD_AT in movement.evidence:
        yield (
            f"The tags of {movement.quantity} of {movement.sku} had been heard at "
            f"{movement.evidence[HEARD_AT]}; as many were brought to {movement.source} by hand "
            "since, so they are taken from there."
        )
    if DRAWN_FOR in movement.evidence:
        yield (
            f"{movement.evidence[DRAWN_FOR]} did not hold {movement.quantity} of {movement.sku}, "
            f"and {movement.source} within it did: they are taken from there."
        )
    if UNTAGGED in movement.evidence:
        yield (
            f"The tags of {movement.quantity} of {movement.sku} had never been heard; "
            f"{movement.source} held as many units of which no tag was known, so they are taken "
            "from there."
        )


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}".replace(",", "\u202f")


def _percent(probability: float) -> str:
    if probability >= 0.995:
        return "more than 99 %"
    return "less than 1 %" if probability < 0.005 else f"{probability * 100:.0f} %"


def _heard(facts: dict[str, Any]) -> Iterator[str]:
    if "tags" in facts:
        yield (
            f"The antennas heard {_n(facts['tags'], 'tag')}, read {_n(facts['reads'], 'time')} in "
            f"all, and it was judged {facts['judged']}."
        )


def _tags(facts: dict[str, Any]) -> Iterator[str]:
    rows = [dict(zip(facts["columns"], row, strict=True)) for row in facts["rows"]]
    rows.sort(key=lambda one: one["crossed"])
    if not rows:
        return
    least, most = rows[0], rows[-1]
    if len(rows) > _CLOSE:
        yield (
            f"That they crossed is {_percent(least['crossed'])} sure of the least sure tag, and "
            f"{_percent(most['crossed'])} of the surest."
        )
        rows = rows[:1]
    for one in rows:
        company = one["company"]
        level = one["peak_rssi_dbm"]
        loud = "its reader told no levels" if level is None else f"at best {level:.0f} dBm"
        with_it = "made that surer" if company > 0 else "spoke against it"
        yield (
            f"Tag …{one['epc'][-6:]} was read {_n(one['reads outside'], 'time')} outside and "
            f"{one['reads inside']} inside, {loud}: "
            f"{_percent(one['crossed'])} that it crossed"
            + (f"; what went along {with_it}." if abs(company) > _TELLS else ".")
        )


def _beam(facts: dict[str, Any]) -> Iterator[str]:
    dark = len(facts["dark"])
    if dark:
        yield f"The photo-eye was dark {_n(dark, 'time')} meanwhile: something went through."
    else:
        yield "The photo-eye stayed free, which speaks against a crossing."


def _ledger(facts: dict[str, Any]) -> Iterator[str]:
    place = facts["columns"].index("ledger")
    said = [row[place] for row in facts["rows"]]
    out, into = sum(one < 0 for one in said), sum(one > 0 for one in said)
    if out:
        yield f"The ledger had {_n(out, 'tag')} inside, which could only go out."
    if into:
        yield f"The ledger did not have {_n(into, 'tag')} inside, which could only come in."


def _documents(facts: dict[str, Any]) -> Iterator[str]:
    expected = sum(bool(row[1]) for row in facts["rows"])
    if expected:
        yield f"A document announced {_n(expected, 'of these tag')}, which settled a doubt."


def _weight(facts: dict[str, Any]) -> Iterator[str]:
    if not {"before_mg", "after_mg"} <= facts.keys():
        return
    change = (facts["after_mg"] - facts["before_mg"]) / 1000
    unit = facts.get("unit_learned_mg") or facts.get("unit_mg") or 0
    yield (
        f"The weight on plate {facts.get('plate')} went from {facts['before_mg'] / 1000:,.1f} g to "
        f"{facts['after_mg'] / 1000:,.1f} g ({change:+,.1f} g)."
    )
    if unit:
        pieces = change * 1000 / unit
        yield (
            f"A piece weighs {unit / 1000:,.2f} g, so that is {pieces:+.2f} pieces; "
            f"{abs(facts.get('residual_mg', 0)) / 1000:,.2f} g are left over."
        )


def _code(facts: dict[str, Any]) -> Iterator[str]:
    if "code" in facts:
        yield f"The code {facts['code']} was scanned."


def _decision(facts: dict[str, Any]) -> Iterator[str]:
    tags: dict[str, list[str]] = facts.get("tags", {})
    crossed = sum(way != "none" for way, _reason in tags.values())
    if crossed:
        way = _WAYS.get(str(facts.get("direction")), "crossed")
        yield f"Decided: {_n(crossed, 'tag')} {way}."
    counts: dict[str, int] = {}
    for way, reason in tags.values():
        if way == "none":
            counts[reason] = counts.get(reason, 0) + 1
    for reason, count in counts.items():
        yield f"Left out: {_n(count, 'tag')} ({_WHY_NOT.get(reason, reason)})."
    if facts["decision"] == "review" and not facts.get("reasons"):
        yield "Not all of it was sure enough to post: a person is asked."
    held: dict[str, float] = facts.get("thresholds", {})
    if tags and "SURE_TAG" in held:
        yield (
            f"A tag counts as crossed from {held['CROSSED_AT']:.0%} on, and moves without asking "
            f"from {held['SURE_TAG']:.0%} on."
        ).replace("%", " %")


def _late(facts: dict[str, Any]) -> Iterator[str]:
    yield "Observations came late and changed what was decided before."


def _asked(facts: dict[str, Any]) -> Iterator[str]:
    best = facts["hypotheses"][0] if facts["hypotheses"] else None
    yield f"A person was asked ({facts['reason']})" + (
        f"; most likely: {best[0]}, {_percent(best[1])}." if best else "."
    )


def _resolved(facts: dict[str, Any]) -> Iterator[str]:
    yield f"{facts['by'] or 'Central'} answered: {facts['says']}."


def _posted(facts: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Posted as ledger line {facts['number']}: {facts['quantity']} of {facts['sku']} from "
        f"{facts['source']} to {facts['destination']}, {_percent(facts['confidence'])} sure."
    )


def _nothing(_facts: dict[str, Any]) -> Iterator[str]:
    yield from ()


_TOLD: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "heard": _heard,
    "tags": _tags,
    "beam": _beam,
    "documents": _documents,
    "ledger": _ledger,
    "weight": _weight,
    "code": _code,
    "decision": _decision,
    "late": _late,
    "asked": _asked,
    "resolved": _resolved,
    "posted": _posted,
}
