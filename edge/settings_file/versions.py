"""Every version of the settings that was ever applied, kept as it was: numbered, dated, signed.

In the data folder, below ``settings``: ``000007.toml`` is the text, byte for byte, ``000007.json``
who wrote it, when and why, with the text's SHA-256. The second file is written last, so a version
without it never was. ``pending.json`` is there from the moment a version is about to be used to
the moment it has proved itself. All of it survives a power cut at any moment (``gateway.files``),
and is for its owner's eyes: settings hold secrets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.files import replace, sync_folder

_MODE = 0o600
_FOLDER_MODE = 0o700


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version. ``author`` is who applied it; ``of`` the version that it restores, or 0."""

    version: int
    sha256: str
    at_us: int
    author: str
    reason: str
    of: int = 0


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A version in its trial: ``healthy`` devices must run again, and the broker be reached where
    it was (``connected``), else ``back_to`` is restored.

    ``starts`` counts the agent's starts during the trial: settings that end the agent go back.
    """

    version: int
    back_to: int
    healthy: tuple[str, ...] = ()
    connected: bool = False
    starts: int = 0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a version: ``applied``, ``went_back`` (``why``), ``interrupted``."""

    state: str
    at_us: int
    why: str = ""


class NoVersion(LookupError):
    """There is no version of this number, or its file is damaged; the message says which."""


def sha256(content: bytes) -> str:
    """The content's hash, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


class Versions:
    """The versions in one folder, made when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Version]:
        """Every version, the newest first."""
        return sorted(self._read(), key=lambda one: one.version, reverse=True)

    def newest(self) -> Version | None:
        """The last one written."""
        return max(self._read(), key=lambda one: one.version, default=None)

    def of(self, content: bytes) -> Version | None:
        """The newest version with this content."""
        wanted = sha256(content)
        return next((one for one in self.all() if one.sha256 == wanted), None)

    def get(self, version: int) -> Version:
        """One version. Raises ``NoVersion``."""
        for one in self._read():
            if one.version == version:
                return one
        raise NoVersion(f"there is no version {version} of the settings")

    def content(self, version: int) -> bytes:
        """Its text, as it was. Raises ``NoVersion``, also where its hash does not fit."""
        meta = self.get(version)
        try:
            content = self._text(version).read_bytes()
        except OSError as error:
            raise NoVersion(f"version {version} of the settings cannot be read: {error}") from error
        if sha256(content) != meta.sha256:
            raise NoVersion(f"version {version} of the settings is damaged: its hash does not fit")
        return content

    def write(
        self, content: bytes, *, at_us: int, author: str, reason: str, of: int = 0
    ) -> Version:
        """Keep a new version, durably. Raises OSError, and there is none."""
        self._make()
        newest = self.newest()
        number = 1 if newest is None else newest.version + 1
        made = Version(
            version=number, sha256=sha256(content), at_us=at_us, author=author, reason=reason, of=of
        )
        replace(self._text(number), content, _MODE)
        replace(self._folder / f"{number:06}.json", msgspec.json.encode(made), _MODE)
        return made

    # ---- the trial of a version ---------------------------------------------------------------
    def pending(self) -> Pending | None:
        """The version in its trial."""
        try:
            return msgspec.json.decode((self._folder / "pending.json").read_bytes(), type=Pending)
        except (OSError, msgspec.MsgspecError):
            return None

    def begin(self, pending: Pending) -> None:
        """A trial begins, or goes on; durable when this returns."""
        replace(self._folder / "pending.json", msgspec.json.encode(pending), _MODE)

    def end(self, version: int, outcome: Outcome) -> None:
        """A trial is over; durable when this returns."""
        outcomes = self.outcomes() | {version: outcome}
        replace(self._folder / "outcomes.json", msgspec.json.encode(outcomes), _MODE)
        (self._folder / "pending.json").unlink(missing_ok=True)
        sync_folder(self._folder)

    def outcomes(self) -> dict[int, Outcome]:
        """What became of each version that was tried."""
        try:
            told = (self._folder / "outcomes.json").read_bytes()
            return msgspec.json.decode(told, type=dict[int, Outcome])
        except (OSError, msgspec.MsgspecError):
            return {}

    # ---- files --------------------------------------------------------------------------------
    def _make(self) -> None:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, mode=_FOLDER_MODE)
            sync_folder(self._folder.parent)

    def _text(self, version: int) -> Path:
        return self._folder / f"{version:06}.toml"

    def _read(self) -> Iterator[Version]:
        for path in self._folder.glob("[0-9]*.json"):
            try:
                yield msgspec.json.decode(path.read_bytes(), type=Version)
            except (OSError, msgspec.MsgspecError):
                continue  # what is damaged is no version
