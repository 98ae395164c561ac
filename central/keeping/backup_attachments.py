"""The attachments of a backup: a folder beside the copy, ``<copy>.attachments``.

The books are copied first. A file that they name was in its folder before it was named, and stays
for days after it was removed, so it is still there when it is its turn. Files never change and are
named by their SHA-256: what a backup before has is proved and kept, only the rest is copied. What
the new books do not name goes last, when the new backup is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect

from central.attachments import store
from central.attachments.folder import Folder
from central.attachments.model import NotThere

__all__ = ["complete", "folder_of", "let_go", "listed", "named"]

_MOST_LISTED = 20


def named(conn: Connection) -> dict[str, str]:
    """The SHA-256 of every file that books name, with what it is there. Books from before there
    were attachments name none.
    """
    if not inspect(conn).has_table("attachment"):
        return {}
    return {
        one.sha256: f"{one.name} of {one.kind.replace('-', ' ')} {one.subject} ({one.sha256})"
        for one in store.every(conn)
    }


def folder_of(copy: Path) -> Folder:
    """Where the attachments of a copy lie."""
    return Folder(copy.with_name(copy.name + ".attachments"))


def complete(wanted: Mapping[str, str], into: Folder, source: Folder) -> tuple[int, list[str]]:
    """Let ``into`` have all of these files, each proved against its hash; how many were copied,
    and which neither has (or has damaged), as ``wanted`` calls them. Raises OSError.
    """
    copied, missing = 0, []
    for sha256, called in sorted(wanted.items(), key=lambda one: one[1]):
        if into.has(sha256):
            into.renew(sha256)
            continue
        try:
            content = source.read(sha256)
        except NotThere:
            missing.append(called)
            continue
        with into.coming(len(content)) as coming:
            coming.take(content)
            coming.finish()
            into.place(coming, sha256)
        copied += 1
    return copied, missing


def let_go(wanted: Iterable[str], folder: Folder) -> None:
    """Delete what these books do not name. Raises OSError."""
    folder.drop(set(folder.names()) - set(wanted))


def listed(missing: Sequence[str]) -> str:
    """Files in a sentence."""
    more = len(missing) - _MOST_LISTED
    rest = f", and {more} more" if more > 0 else ""
    return f"{len(missing)} attachments: {'; '.join(missing[:_MOST_LISTED])}{rest}"
