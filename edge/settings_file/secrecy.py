"""Secrets of a settings file: hidden before its text is shown, kept when it comes back. Pure.

A secret is told by its key: ``password``, ``pin``, ``token``, and whatever has ``secret`` in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from gateway.settings_errors import ConfigError, Mistake
from gateway.toml_places import Path, Place, Places, path_of, places_of

HIDDEN = "********"
_ENDS = ("password", "token", "pin")


def is_secret(key: str) -> bool:
    """Whether the value of this key is nobody's business."""
    return key.casefold().endswith(_ENDS) or "secret" in key.casefold()


def hidden(text: str) -> str:
    """The text with each secret's value replaced by ``HIDDEN``."""
    places = places_of(text)
    for _, place in sorted(_secrets(places), key=lambda one: -one[1].value):
        text = text[: place.value] + f'"{HIDDEN}"' + text[place.end :]
    return text


def unhidden(shown: str, kept: str) -> str:
    """``shown`` with each secret that is still hidden taken from ``kept``.

    A device's secrets are found by the device's name, so that moving its table loses nothing.
    Raises ``ConfigError`` for one that is hidden and not known.
    """
    known = {name: kept[place.value : place.end] for name, place in _named_secrets(kept)}
    mistakes: list[Mistake] = []
    found = [
        (name, place)
        for name, place in _named_secrets(shown)
        if shown[place.value : place.end].strip("\"'") == HIDDEN
    ]
    places = places_of(shown)
    text = shown
    for name, place in sorted(found, key=lambda one: -one[1].value):
        if name in known:
            text = text[: place.value] + known[name] + text[place.end :]
            continue
        line, column = places.line_of(place.value)
        mistakes.append(
            Mistake(
                key=name, value=f'"{HIDDEN}"', line=line, column=column,
                problem="no value is known here that these stars could stand for",
                accepted="the secret itself",
            )
        )  # fmt: skip
    if mistakes:
        raise ConfigError("settings", mistakes)
    return text


def _secrets(places: Places) -> Iterator[tuple[Path, Place]]:
    for path, place in places.places.items():
        if place.end > place.value and isinstance(path[-1], str) and is_secret(path[-1]):
            yield path, place


def _named_secrets(text: str) -> Iterator[tuple[str, Place]]:
    """Each secret with a name that outlives a new order of the devices."""
    try:
        tables = tomllib.loads(text).get("devices", [])
    except ValueError:
        tables = []  # judged elsewhere
    for path, place in _secrets(places_of(text)):
        yield _name(path, tables), place


def _name(path: Path, tables: Any) -> str:  # noqa: ANN401 - whatever the file has there
    words = [str(part) for part in path]
    if path[0] == "devices" and len(path) > 1 and isinstance(tables, list):
        index = path[1]
        table = tables[index] if isinstance(index, int) and index < len(tables) else {}
        if isinstance(table, dict) and "name" in table:
            words[1] = f'"{table["name"]}"'
    return ".".join(words)


def hidden_mistake(mistake: Mistake) -> Mistake:
    """A mistake of a secret does not say its value."""
    path = path_of(mistake.key)
    if mistake.value is not None and path and is_secret(str(path[-1])):
        return Mistake(
            key=mistake.key, problem=mistake.problem, value="hidden", accepted=mistake.accepted,
            nearest=mistake.nearest, line=mistake.line, column=mistake.column,
        )  # fmt: skip
    return mistake
