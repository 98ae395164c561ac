"""What differs between two texts of a settings file, key by key, as a person would say it. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import tomlkit

from edge.settings_file.secrecy import HIDDEN, hidden, is_secret

__all__ = ["Change", "changes"]

_NAMES = ("name", "antenna", "slave", "node", "plate")
"""What tells the tables of a list apart, the first that each of them has."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """``where`` is a section or a device; ``before`` and ``after`` are as TOML writes them, and
    ``None`` where the key was or is not there. A whole device that came or went has no ``key``.
    """

    where: str
    key: str
    before: str | None
    after: str | None


def changes(old: str, new: str) -> list[Change] | None:
    """What is another value now, in the order of the file; ``None`` where one of them is no TOML.
    Comments and order are no values; of a secret it is only said that it is another one.
    """
    try:
        shown = [tomllib.loads(hidden(one)) for one in (old, new)]
        whole = [tomllib.loads(one) for one in (old, new)]
    except tomllib.TOMLDecodeError:
        return None
    found = list(_tables(*shown))
    known = {(one.where, one.key) for one in found}
    for one in _tables(*whole):
        leaf = one.key.rpartition(".")[2].rpartition(": ")[2]
        if is_secret(leaf) and (one.where, one.key) not in known:
            found.append(Change(where=one.where, key=one.key, before=HIDDEN, after="another one"))
    return found


def _tables(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for section in _both(before, after):
        was, now = before.get(section), after.get(section)
        if section == "devices" and (_named(was) is not None or _named(now) is not None):
            yield from _devices(_named(was) or {}, _named(now) or {})
        else:
            yield from _values(f"[{section}]", "", was, now)


def _devices(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in _both(before, after):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            one = was or now or {}
            kind = f"{one.get('driver', 'a device')} at {one.get('read_point', 'no read point')}"
            yield Change(
                where=name, key="", before=kind if was else None, after=kind if now else None
            )
        else:
            yield from _values(name, "", was, now)


def _values(where: str, key: str, was: Any, now: Any) -> Iterator[Change]:  # noqa: ANN401 - TOML's
    """Down to what is no table any more."""
    parts = [_parts(one) for one in (was, now)]
    if any(one is not None and its is None for one, its in zip((was, now), parts, strict=True)):
        if was != now:
            yield Change(where=where, key=key, before=_text(was), after=_text(now))
        return
    was_parts, now_parts = (one or {} for one in parts)
    in_list = isinstance(was, list) or isinstance(now, list)
    for part in _both(was_parts, now_parts):
        deeper = f"{part}: " if in_list else part if not key else f"{key}.{part}"
        deeper = deeper.replace(": .", ": ")
        yield from _values(where, deeper, was_parts.get(part), now_parts.get(part))


def _parts(value: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - TOML's
    if isinstance(value, dict):
        return value
    return _named(value)


def _named(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - TOML's
    """A list of tables by what tells them apart."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return None
    for name in _NAMES:
        if all(name in one for one in value):
            label = "" if name == "name" else f"{name} "
            return {f"{label}{one[name]}": one for one in value}
    return None


def _both(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*after, *before]))


def _text(value: Any) -> str | None:  # noqa: ANN401 - TOML's
    return None if value is None else tomlkit.item(value).as_string()
