"""What was found, brought together and judged: new, known, busy, or in a mode we cannot use. Pure.

Each source says what it saw (``Find``), one device perhaps several of them. Finds that share an
identity (a MAC address, a serial number) or a place (an address with its port, a serial port) are
one device. A device of ours is known by its identity, never by its address: at another address it
has moved, and another identity at its address is another device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

Source = Literal["llrp", "usb", "bluetooth", "mdns"]
SOURCES: tuple[Source, ...] = ("llrp", "usb", "bluetooth", "mdns")
"""Most telling first: of one device, what an earlier one says counts more."""
Condition = Literal["", "busy", "wrong_mode"]
State = Literal["new", "wrong_mode", "busy", "known"]
Kind = Literal["reader", "scale", "load_cell", "scanner", "serial", "broker", "tallyport", "other"]
_ORDER: tuple[State, ...] = ("new", "wrong_mode", "busy", "known")


class Find(msgspec.Struct, frozen=True, kw_only=True):
    """What one source saw. ``where`` is the place for people, ``places`` all its names.

    ``driver`` and ``options`` are what a device of the settings would have; an empty ``driver``
    means that a person has to choose. ``condition`` says why it cannot be used as it is,
    ``held_by`` by whom it is held, ``advice`` what to do.
    """

    source: Source
    kind: Kind
    title: str
    where: str
    places: tuple[str, ...] = ()
    identity: str = ""
    driver: str = ""
    options: Mapping[str, Any] = {}
    condition: Condition = ""
    held_by: str = ""
    detail: str = ""
    advice: str = ""


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """A device of the settings: what tells it from others, and whether it runs just now."""

    name: str
    where: str
    places: tuple[str, ...]
    identity: str = ""
    running: bool = False


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One device that is there. ``key`` stays the same from look to look.

    ``device`` is the device of ours that it is, ``moved_from`` where that was before.
    """

    key: str
    state: State
    kind: Kind
    title: str
    where: str
    sources: tuple[str, ...]
    identity: str = ""
    driver: str = ""
    options: Mapping[str, Any] = {}
    device: str = ""
    moved_from: str = ""
    held_by: str = ""
    detail: str = ""
    advice: str = ""


def judged(finds: Iterable[Find], ours: Sequence[Ours]) -> list[Hit]:
    """All finds as hits, what a technician wants first: new ones, then what is in the way."""
    hits = [_judge(group, ours) for group in _groups(finds)]
    return sorted(hits, key=lambda hit: (_ORDER.index(hit.state), hit.kind, hit.where))


def same(one: str, other: str) -> bool:
    """Whether two identities are one, however they are written."""
    return bool(one) and _plain(one) == _plain(other)


def _plain(identity: str) -> str:
    return identity.translate(str.maketrans("", "", ":-. ")).casefold()


def _groups(finds: Iterable[Find]) -> list[list[Find]]:
    """Finds of one device each, the most telling source first."""
    groups: list[list[Find]] = []
    for find in finds:
        mine = [group for group in groups if any(_one_device(find, other) for other in group)]
        joined = [find, *(other for group in mine for other in group)]
        groups = [group for group in groups if group not in mine] + [joined]
    return [sorted(group, key=lambda find: SOURCES.index(find.source)) for group in groups]


def _one_device(one: Find, other: Find) -> bool:
    if one.identity and other.identity:
        return same(one.identity, other.identity)
    return not set(one.places).isdisjoint(other.places)


def _judge(group: list[Find], ours: Sequence[Ours]) -> Hit:
    best = group[0]
    identity = next((find.identity for find in group if find.identity), "")
    places = {place for find in group for place in find.places}
    own, moved, stranger = _own(identity, places, ours)
    condition: Condition = next((find.condition for find in group if find.condition), "")
    held_by = next((find.held_by for find in group if find.held_by), "")
    advice = next((find.advice for find in group if find.advice), "")
    detail = next((find.detail for find in group if find.detail), "")
    if own is not None and own.running and not moved:
        condition, held_by, advice = "", f"this edge ({own.name})", ""
    if stranger is not None:
        detail = f"{stranger.name} was at this address; another device answers there now. {detail}"
    if moved and own is not None:
        advice = f"It is {own.name}, which was at {own.where}. Let {own.name} follow it."
    return Hit(
        key=identity or best.where,
        state=_state(condition, own),
        kind=best.kind,
        title=best.title,
        where=best.where,
        sources=tuple(dict.fromkeys(find.source for find in group)),
        identity=identity,
        driver=next((find.driver for find in group if find.driver), ""),
        options=next((find.options for find in group if find.options), {}),
        device=own.name if own is not None else "",
        moved_from=own.where if own is not None and moved else "",
        held_by=held_by,
        detail=detail.strip(),
        advice=advice,
    )


def _state(condition: Condition, own: Ours | None) -> State:
    if condition:
        return condition
    return "new" if own is None else "known"


def _own(
    identity: str, places: set[str], ours: Sequence[Ours]
) -> tuple[Ours | None, bool, Ours | None]:
    """The device of ours that this is, whether it moved, and whose place a stranger has."""
    for one in ours:
        if same(one.identity, identity):
            return one, places.isdisjoint(one.places), None
    for one in ours:
        if not places.isdisjoint(one.places):
            if one.identity and identity:
                return None, False, one
            return one, False, None
    return None, False, None
