"""The settings file as it is read by people: shown, checked and compared, nothing changed."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import msgspec

from edge.config import ConfigError, EdgeConfig, check_text
from edge.settings_file.differences import Change, changes
from edge.settings_file.secrecy import hidden, hidden_mistake, unhidden
from edge.settings_file.trial import resolved
from edge.settings_file.versions import NoVersion, Versions, sha256
from gateway.console import Troubled
from gateway.settings_errors import Mistake

_NEED_A_START = tuple(name for name in EdgeConfig.model_fields if name not in {"devices", "fold"})


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a text came to: its settings, or its mistakes."""

    text: str
    config: EdgeConfig | None
    mistakes: tuple[Mistake, ...] = ()


class SettingsText:
    """One file, with the versions of it; ``config`` is what the agent was started with, and
    ``started_us`` when.
    """

    def __init__(self, path: Path, config: EdgeConfig, *, started_us: int = 0) -> None:
        self.path = path
        self.versions = Versions(config.edge.data_dir / "settings")
        self._config = config
        self._started_us = started_us

    def text(self) -> str:
        """The file as it is, with its secrets. Raises ``Troubled`` where it cannot be read."""
        try:
            return self.path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Troubled("no-file", f"{self.path} cannot be read: {error}.") from error

    def shown(self) -> dict[str, Any]:
        """The file for people: secrets hidden, with the hash that an ``apply`` begins from."""
        text = self.text()
        digest = sha256(text.encode())
        used = self.versions.of(text.encode())
        pending = self.versions.pending()
        return {
            "text": hidden(text),
            "sha256": digest,
            "path": str(self.path),
            "version": used.version if used is not None else 0,
            "started_us": self._started_us,
            "trial": pending.version if pending is not None else 0,
        }

    def check(self, shown: str) -> Checked:
        """Check a text in which secrets may be hidden."""
        try:
            text = unhidden(shown, self.text())
            config = resolved(check_text(text, origin=self.path.name), self.path)
        except ConfigError as error:
            told = tuple(hidden_mistake(one) for one in error.mistakes)
            return Checked(text=shown, config=None, mistakes=told)
        return Checked(text=text, config=config)

    def whole(self, shown: str) -> str:
        """A text with its secrets, from one in which they are hidden. Raises ``Troubled``."""
        try:
            return unhidden(shown, self.text())
        except ConfigError as error:
            raise Troubled("mistakes", str(error), "Nothing was changed.") from error

    def needs_a_start(self, config: EdgeConfig) -> list[str]:
        """The sections that differ from what runs, and cannot be changed while it runs."""
        return [
            name for name in _NEED_A_START if getattr(config, name) != getattr(self._config, name)
        ]

    def diff(self, old: int, new: int) -> list[str]:
        """A unified diff of two versions, secrets hidden; 0 is the file as it is."""
        texts = [self._of(old), self._of(new)]
        names = [f"version {one}" if one else "now" for one in (old, new)]
        lines = difflib.unified_diff(
            texts[0].splitlines(), texts[1].splitlines(), names[0], names[1], lineterm=""
        )
        return list(lines)

    def changes(self, old: int, new: int) -> list[Change] | None:
        """What differs between two versions key by key; 0 is the file as it is. ``None`` where one
        of them is no TOML.
        """
        texts = [
            self.text() if not one else self._content(one).decode("utf-8", "replace")
            for one in (old, new)
        ]
        return changes(*texts)

    def changed(self, text: str) -> list[Change] | None:
        """What a text with its secrets would change in the file as it is."""
        return changes(self.text(), text)

    def _of(self, version: int) -> str:
        if version == 0:
            return hidden(self.text())
        return hidden(self._content(version).decode("utf-8", "replace"))

    def _content(self, version: int) -> bytes:
        try:
            return self.versions.content(version)
        except NoVersion as error:
            raise Troubled("no-version", f"{error}.".capitalize()) from error
