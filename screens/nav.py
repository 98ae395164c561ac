"""The navigation: where one can go from everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

__all__ = ["Entry", "Group", "shown"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One place to go. ``key`` is what the place's pages say in their block ``here``, ``icon`` a
    symbol of ``icons.svg``, ``needs`` the permission without which there is nothing to see.
    ``thumb``: it stands in the bar at the bottom of a phone; five do.
    """

    key: str
    label: str
    address: str
    icon: str
    needs: str = ""
    thumb: bool = False


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Entries under a heading; the first group needs none."""

    label: str
    entries: tuple[Entry, ...]


def shown(groups: Iterable[Group], may: Callable[[str], bool]) -> list[Group]:
    """What somebody sees of it; ``may`` says whether they have a permission."""
    found = []
    for group in groups:
        entries = tuple(one for one in group.entries if not one.needs or may(one.needs))
        if entries:
            found.append(msgspec.structs.replace(group, entries=entries))
    return found
