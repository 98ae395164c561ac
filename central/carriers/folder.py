"""A carrier that reads and writes files: the adapter that others are held against.

Each shipment is a JSON file in one folder, whole or not there at all. Each tracking message is a
JSON file in another; one that is taken is removed, one that is torn, foreign or refused goes to the
quarantine with its reason beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from central.carriers.model import CarrierUnavailable, Consignment, Notice, Tracked
from central.reconcile.identity import derived_id
from gateway import files
from gateway.clock import Clock, SystemClock

__all__ = ["FolderCarrier", "Folders"]

_log = structlog.get_logger("central.carriers")
_MOST_BYTES = 65_536
_MOST_FILES = 500
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Tracked).decode


class Folders(NamedTuple):
    """Where shipments are written, tracking files are read, and what is wrong goes."""

    shipments: Path
    tracking: Path
    quarantine: Path


class FolderCarrier:
    """See the module. A file that cannot be read as JSON may still be being written: it is left
    alone until ``torn_after_s`` after its last change. Names that begin with a dot or end in
    ``.part`` are left alone for good. ``counters``: ``written``, ``taken``, ``quarantined``.
    """

    def __init__(
        self, folders: Folders, *, torn_after_s: float = 60.0, clock: Clock | None = None
    ) -> None:
        self._folders = folders
        self._torn_after_s = torn_after_s
        self._clock = clock or SystemClock()
        self.counters: Counter[str] = Counter()

    async def hand_over(self, consignment: Consignment) -> None:
        """See ``Carrier``."""
        await asyncio.to_thread(self._write, consignment)
        self.counters["written"] += 1

    async def told(self) -> list[Notice]:
        """See ``Carrier``."""
        return await asyncio.to_thread(self._read)

    async def settle(self, notice: Notice, refused: str = "") -> None:
        """See ``Carrier``."""
        await asyncio.to_thread(self._settle, notice, refused)
        self.counters["taken"] += not refused

    def _write(self, one: Consignment) -> None:
        plain = _PLAIN.fullmatch(one.shipment)
        name = one.shipment if plain else derived_id("shipment", one.shipment)
        try:
            self._folders.shipments.mkdir(parents=True, exist_ok=True)
            files.replace(self._folders.shipments / f"{name}.json", _encode(one) + b"\n")
        except OSError as error:
            raise CarrierUnavailable(f"{self._folders.shipments}: {error}") from error

    def _read(self) -> list[Notice]:
        try:
            self._folders.tracking.mkdir(parents=True, exist_ok=True)
            names = sorted(
                one.name
                for one in self._folders.tracking.iterdir()
                if not one.name.startswith(".") and not one.name.endswith(".part")
                and (one.is_symlink() or not one.is_dir())
            )  # fmt: skip
            found = [self._notice(name) for name in names[:_MOST_FILES]]
        except OSError as error:
            raise CarrierUnavailable(f"{self._folders.tracking}: {error}") from error
        return sorted((one for one in found if one), key=lambda one: (one.said.at, one.key))

    def _notice(self, name: str) -> Notice | None:
        path = self._folders.tracking / name
        if path.is_symlink() or not path.is_file() or path.suffix != ".json":
            self._put_aside(path, "this is no tracking file: those are plain files, NAME.json")
            return None
        content = b"" if path.stat().st_size > _MOST_BYTES else path.read_bytes()
        try:
            return Notice(name, _decode(content))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            torn = not isinstance(error, msgspec.ValidationError)
            age_s = self._clock.now_us() / 1e6 - path.stat().st_mtime
            if not torn or age_s >= self._torn_after_s:
                self._put_aside(path, f"this is no tracking message: {error}")
            return None

    def _settle(self, notice: Notice, refused: str) -> None:
        path = self._folders.tracking / notice.key
        try:
            if refused:
                self._put_aside(path, refused)
            else:
                path.unlink(missing_ok=True)
                files.sync_folder(path.parent)
        except OSError as error:
            raise CarrierUnavailable(f"{path}: {error}") from error

    def _put_aside(self, path: Path, why: str) -> None:
        """The reason first: nothing lies there without one. Raises OSError."""
        aside = self._folders.quarantine
        aside.mkdir(parents=True, exist_ok=True)
        stamp = path.lstat()
        mark = hashlib.sha256(f"{path.name!a} {stamp.st_mtime_ns} {stamp.st_ino}".encode())
        name = f"{mark.hexdigest()[:12]}-{path.name[-50:]}"
        files.replace(aside / f"{name}.why", f"{why}\n".encode())
        path.rename(aside / name)
        files.sync_folder(aside)
        self.counters["quarantined"] += 1
        _log.warning("tracking_file_quarantined", file=ascii(path.name), why=why)
