"""Where each key of a TOML text stands: line and column, for mistakes that name them. Pure.

For texts that a TOML parser has accepted already (toml.io/en/v1.0.0): this finds places, and
judges nothing. A path is a tuple of keys and indexes, ``("devices", 0, "host")``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n\r]*")
_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_AT = re.compile(r"line (\d+), column (\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """One key: where it is written, and from where to where its value goes (offsets in the text;
    a table's value is empty, and lies at its header).
    """

    key: int
    value: int
    end: int


class Places:
    """All keys of one text."""

    def __init__(self, text: str, places: Mapping[Path, Place]) -> None:
        self.text = text
        self.places = places

    def of(self, path: Path) -> Place | None:
        """A key's place; of one that is not written, that of the nearest table around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def line_of(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def path_of(key: str) -> Path:
    """``devices[0].host`` as a path; empty for the file as a whole."""
    if key == "file":
        return ()
    return tuple(int(index) if index else name for name, index in _PART.findall(key))


def broken_at(text: str, problem: str) -> tuple[int, int]:
    """Where a TOML parser stopped, from its sentence (tomllib names line and column)."""
    found = _AT.search(problem)
    if found is not None:
        return int(found[1]), int(found[2])
    return text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1


def places_of(text: str) -> Places:
    """Find every key. For a text that is no TOML: what was found up to the mistake."""
    walk = _Walk(text)
    with suppress(_LostError):  # the parser has said what is wrong there
        walk.document()
    return Places(text, walk.found)


class _LostError(Exception):
    """The text is not what a parser would have accepted."""


class _Walk:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, Place] = {}
        self._arrays: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        start = self.at
        many = self.text.startswith("[[", start)
        self.at += 2 if many else 1
        keys = self._keys()
        self._expect("]]" if many else "]")
        path: Path = ()
        for key in keys[:-1]:
            path = self._into((*path, key))
            self.found.setdefault(path, Place(start, start, start))
        path = (*path, keys[-1])
        if many:
            index = self._arrays[path] = self._arrays.get(path, -1) + 1
            self.found.setdefault(path, Place(start, start, start))
            path = (*path, index)
        else:
            path = self._into(path)
        self.found[path] = Place(start, start, start)
        return path

    def _into(self, path: Path) -> Path:
        """Of an array of tables, its last one."""
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _pair(self, table: Path) -> None:
        start = self.at
        keys = self._keys()
        self._expect("=")
        self._skip(_SPACE)
        path = (*table, *keys)
        for length in range(len(table) + 1, len(path)):
            self.found.setdefault(path[:length], Place(start, start, start))
        value = self.at
        self._value(path)
        self.found[path] = Place(start, value, self.at)

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _key(self) -> str:
        for pattern in (_STRINGS[2], _STRINGS[3]):
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return found[0][1:-1]
        found = _BARE_KEY.match(self.text, self.at)
        if found is None:
            raise _LostError
        self.at = found.end()
        return found[0]

    def _value(self, path: Path) -> None:
        for pattern in _STRINGS:
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return
        if self.text.startswith("[", self.at):
            self._array(path)
        elif self.text.startswith("{", self.at):
            self._inline(path)
        else:
            found = _BARE_VALUE.match(self.text, self.at)
            assert found is not None, "it matches nothing, too"
            self.at = found.start() + len(found[0].rstrip())
            if not found[0].strip():
                raise _LostError

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self.text.startswith("]", self.at):
                self.at += 1
                return
            start = self.at
            self._value((*path, index))
            self.found[*path, index] = Place(start, start, self.at)
            index += 1
            self._skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith("]", self.at):
                raise _LostError

    def _inline(self, path: Path) -> None:
        self.at += 1
        while True:
            self._skip(_BLANK)
            if self.text.startswith("}", self.at):
                self.at += 1
                return
            self._pair(path)
            self._skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith("}", self.at):
                raise _LostError

    def _expect(self, sign: str) -> None:
        self._skip(_SPACE)
        if not self.text.startswith(sign, self.at):
            raise _LostError
        self.at += len(sign)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        assert found is not None, "it matches nothing, too"
        self.at = found.end()
