"""Which archives the settings ask for."""

from __future__ import annotations

from central.archive.shelves import Bucket, Folder, Shelf
from central.config import ArchiveSection

__all__ = ["shelves_of"]


def shelves_of(asked: ArchiveSection) -> list[Shelf]:
    """A folder, a bucket, both or none."""
    found: list[Shelf] = []
    if asked.folder is not None:
        found.append(Folder(asked.folder))
    if asked.url:
        found.append(
            Bucket(
                asked.url, asked.endpoint, asked.region, asked.access_key, asked.secret_key,
                conditional=asked.conditional,
            )
        )  # fmt: skip
    return found
