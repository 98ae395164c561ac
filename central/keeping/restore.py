"""A backup put in the books' place: proven whole beside them first, then exchanged in one step.

The books of before are kept under another name, and the answer says which. A restore that is
cut at any moment leaves the old books or the new ones, never something between.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection, inspect, make_url, text

from central.attachments.folder import Folder
from central.database.store import Database
from central.keeping import restore_postgres, restore_sqlite
from central.keeping.backup import checked
from central.keeping.backup_attachments import complete, folder_of, listed, named
from central.keeping.backup_files import BackupFailed, Incomplete, Manifest, Reach, manifest_of
from central.keeping.digest_files import read_digests, say_restored
from central.stock import chain
from gateway.contract import Digest
from gateway.terminal.progress import Went, nobody

__all__ = ["restore"]


def restore(
    source: Path,
    url: str,
    *,
    force: bool = False,
    digests: Path | None = None,
    attachments: Path | None = None,
    without_missing: bool = False,
    went: Went = nobody,
) -> tuple[Reach, list[str]]:
    """Put a copy in the place of the database at ``url``; how far it goes, and sentences about
    what was kept and what is left to do.

    ``attachments`` is the folder that the files named by the books are put into, before the
    books; one that neither the backup nor the folder has is told (``Incomplete``), unless the
    books are wanted ``without_missing`` ones. ``digests`` is the file of heads that were
    published outside the database: the copy must agree with those that it reaches, and the
    restore is noted there. Raises ``BackupFailed``,
    also where a ledger stands there and ``force`` was not given, and while central runs there;
    nothing has changed then.
    """
    parsed = make_url(url)
    manifest = manifest_of(source)
    if manifest.engine != parsed.get_backend_name():
        raise BackupFailed(
            f"{source} is a backup of {manifest.engine}, and the database is "
            f"{parsed.get_backend_name()}: restore it to one of its own kind"
        )
    places = restore_sqlite if manifest.engine == "sqlite" else restore_postgres
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    with places.place_for(parsed, stamp) as place:
        if place.taken and not force:
            _refuse_over_a_ledger(url)
        place.fill(source)
        wanted = _prove(place.fresh, source, manifest, digests, went)
        files = _with_files(wanted, source, attachments, without_missing=without_missing)
        said = place.take(manifest.roles)
    return manifest, [*said, *files, *_noted(manifest, digests)]


def _with_files(
    wanted: dict[str, str], source: Path, attachments: Path | None, *, without_missing: bool
) -> list[str]:
    """Put back the files that the books name; sentences about them."""
    if not wanted:
        return []
    copied, missing = 0, list(wanted.values())
    if attachments is not None:
        copied, missing = complete(wanted, Folder(attachments), folder_of(source))
    if missing and not without_missing:
        raise Incomplete(
            f"nothing is restored: neither {source.name}.attachments nor the folder of attachments "
            f"has {listed(missing)}. Put {source.name}.attachments beside the backup, or say "
            "--without-missing"
        )
    said = [
        f"{copied} attached files were put back, {len(wanted) - copied - len(missing)} were there"
    ]
    return [*said, f"missing are {listed(missing)}"] if missing else said


def _prove(
    url: str, source: Path, manifest: Manifest, digests: Path | None, went: Went
) -> dict[str, str]:
    """The copy is whole, is what its manifest says, and is what was published of it; the files
    that it names.
    """
    wanted: dict[str, str] = {}

    def against_what_was_published(conn: Connection) -> None:
        wanted.update(named(conn))
        published = read_digests(digests) if digests is not None and digests.exists() else ()
        faults = chain.compare(conn, (one for one in published if one.no <= manifest.block))
        if faults:
            raise BackupFailed(f"{source} is not what was published: {faults[0]}")

    found = msgspec.structs.asdict(checked(url, str(source), against_what_was_published, went))
    said = msgspec.structs.asdict(manifest)
    other = [name for name, value in found.items() if said[name] != value]
    if other:
        raise BackupFailed(f"{source} and its manifest disagree about {', '.join(other)}")
    return wanted


def _noted(manifest: Manifest, digests: Path | None) -> list[str]:
    """Tell the file of digests that what it says of later blocks is of books that are no more."""
    if digests is None:
        return []
    head = Digest(
        no=manifest.block, last_seq=manifest.ledger_seq, hash=manifest.hash, at=datetime.now(UTC)
    )
    try:
        say_restored(digests, head)
    except OSError as error:
        return [
            f"{digests} could not be told of it ({error}): holding the ledger against it will "
            "miss what the restore took back"
        ]
    return []


def _refuse_over_a_ledger(url: str) -> None:
    database = Database(url)

    def holds_one(conn: Connection) -> bool:
        if "movement" not in inspect(conn).get_table_names():
            return False
        return conn.execute(text("SELECT 1 FROM movement LIMIT 1")).scalar() is not None

    try:
        if database.read_now(holds_one):
            raise BackupFailed(
                "there is a ledger in the database already: say --force to put the backup in "
                "its place (the ledger is kept beside it)"
            )
    finally:
        database.close()
