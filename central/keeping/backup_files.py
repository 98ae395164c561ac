"""A backup as files: the copy, and the manifest beside it that says what it is.

The copy counts from the moment a manifest with its hash lies beside it. Everything is synced
before it gets its name, and the copy gets its name before its manifest does, so that a power
cut leaves the backup of before, the new one, or something that is told to be no backup.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from gateway import files

__all__ = ["BackupFailed", "Incomplete", "Manifest", "Reach", "keep", "manifest_of"]


class BackupFailed(Exception):
    """A copy could not be made or put back, or is not whole; the text says why and what to do."""


class Incomplete(BackupFailed):
    """The books are copied, or can be put back, but files that they name are not there."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """How far books go: the ledger's head, the observation log, every living edge's watermark."""

    engine: str
    block: int
    ledger_seq: int
    hash: str
    log_id: int
    watermarks: dict[str, int]

    def said(self) -> str:
        """In a sentence."""
        edges = ", ".join(f"{edge} up to {upto}" for edge, upto in sorted(self.watermarks.items()))
        return (
            f"the ledger up to number {self.ledger_seq} (block {self.block}, {self.hash[:12]}...), "
            f"{self.log_id} observations" + (f"; {edges}" if edges else "")
        )


class Manifest(Reach, frozen=True, kw_only=True):
    """What a copy holds, the roles that had rights in it, and its bytes."""

    roles: tuple[str, ...]
    bytes: int
    sha256: str


def keep(fresh: Path, target: Path, reach: Reach, roles: tuple[str, ...]) -> None:
    """Give a finished copy its name, with its manifest beside it (``<target>.json``).

    What was there before is a whole backup until the very rename that makes this one whole:
    between the two renames the manifest is found under ``<target>.json.new``.
    """
    files.sync(fresh)
    manifest = Manifest(
        **msgspec.structs.asdict(reach),
        roles=roles,
        bytes=fresh.stat().st_size,
        sha256=_sha256(fresh),
    )
    name = _manifest_name(target)
    coming = _coming(name)
    files.replace(coming, msgspec.json.encode(manifest) + b"\n")
    fresh.replace(target)
    files.sync_folder(target.parent)
    coming.replace(name)
    files.sync_folder(target.parent)


def manifest_of(source: Path) -> Manifest:
    """The manifest of a copy whose bytes are what it says. Raises ``BackupFailed``."""
    if not source.exists():
        raise BackupFailed(f"there is no backup {source}")
    name = _manifest_name(source)
    written = [path for path in (name, _coming(name)) if path.exists()]
    if not written:
        raise BackupFailed(
            f"{source} is no whole backup: {name.name} is missing beside it, which is written last"
        )
    size = source.stat().st_size
    digest = _sha256(source)
    for path in written:
        try:
            manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # torn: the other one may speak of the copy
        if (manifest.bytes, manifest.sha256) == (size, digest):
            return manifest
    raise BackupFailed(
        f"{source} is no whole backup: its {size} bytes are not those that {name.name} speaks of "
        "(it was cut short, or changed since)"
    )


def _manifest_name(copy: Path) -> Path:
    return copy.with_name(copy.name + ".json")


def _coming(name: Path) -> Path:
    return name.with_name(name.name + ".new")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
