"""What judging asks, in people's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from central.stock.model import Movement

__all__ = ["KINDS", "asked", "kind_of", "moves_told", "outage"]

KINDS = {
    "portal": "Portals",
    "shelf": "Shelves",
    "scan": "Scans",
    "zone": "Zones",
    "receipt": "Receipts",
}
"""The kinds of reviews that a person filters by: of what kind of read point it is."""
_REASONS = {
    "low confidence": "The sensors are not sure enough",
    "not on stock": "Goods went out that stock does not have",
    "already inside": "Goods came in that are inside already",
    "already outside": "Goods went out that are outside already",
    "directions contradict": "Tags went both ways at once",
    "antenna sides unknown": "Which way each antenna looks is not set",
    "reader tells no levels": "The reader does not tell how loud it hears tags",
    "unknown item": "Tags of an item that is not in the catalogue",
    "tags in doubt beside it": "Some tags beside goods that moved may have gone along",
    "held by a technician": "Goods may have gone by while a technician had the portal",
    "heard in part": "Goods may have gone by while the portal did not hear",
    "left behind by their company": "Some of what crossed a moment ago may have gone on, too",
}
_ICONS = {"portal": "portal", "shelf": "scale", "scan": "scan", "zone": "antenna", "receipt": "box"}


_OUTAGES = {
    "held": "was held by a technician",
    "retrying": "was not reached",
    "refused": "was not reached",
    "stopped": "was switched off",
    "starting": "was switched off",
}


def asked(reason: str) -> str:
    """A review's reason as a headline."""
    told = _REASONS.get(reason)
    return told if told is not None else reason[:1].upper() + reason[1:]


def outage(evidence: Mapping[str, object]) -> tuple[str, datetime, datetime | None] | None:
    """The time in which a portal did not hear what a review asks about: what it was, in words,
    from when and until when (``None``: it did not hear yet when this was asked).
    """
    told = evidence.get("outage")
    if not isinstance(told, dict):
        return None
    what = _OUTAGES.get(str(told["state"]), "did not hear")
    cause = str(told["cause"]).rstrip(".")
    until = told["until"]
    return (
        f"{what} ({cause[:1].lower()}{cause[1:]})" if cause else what,
        datetime.fromisoformat(str(told["from"])),
        None if until is None else datetime.fromisoformat(str(until)),
    )


def kind_of(kind: str) -> tuple[str, str]:
    """A kind's icon and its name for one."""
    name = KINDS.get(kind, "Others").removesuffix("s").replace("Shelve", "Shelf")
    return _ICONS.get(kind, "review"), name


def moves_told(movements: Sequence[Movement], places: dict[str, str]) -> list[tuple[str, int, str]]:
    """What would be posted, by item and way: the item, how many, and from where to where."""
    units: dict[tuple[str, str, str], int] = {}
    for one in movements:
        key = (one.sku, one.source, one.destination)
        units[key] = units.get(key, 0) + one.quantity
    return [
        (sku, count, f"{places.get(source, source)} → {places.get(destination, destination)}")
        for (sku, source, destination), count in units.items()
    ]
