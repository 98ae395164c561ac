"""``tallyport central``, the books: verify, audit, backup, restore, roles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from sqlalchemy import Connection

from central.commands.command_line import (
    AsJson,
    Config,
    read_books,
    report,
    settings_from,
    use_books,
)
from gateway.terminal.progress import working

app = typer.Typer()


@app.command()
def roles(
    role: Annotated[str, typer.Argument(help="The role that central will connect as.")],
    config: Config = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it, as the owner of the tables.")] = (
        False
    ),
) -> None:
    """Take the right to change what was written from the role that central runs as.

    PostgreSQL only. Prints the statements, or runs them with --apply, connected as the tables'
    owner. Afterwards put the role into database.url; the owner stays for `central migrate`.
    """
    settings = settings_from(config)
    from central.database import grants  # noqa: PLC0415

    try:
        if not apply:
            typer.echo("\n".join(f"{statement};" for statement in grants.statements(role)))
            return
        use_books(settings, lambda database: database.write_now(lambda c: grants.apply(c, role)))
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{role} can add to the ledger and the log, and change neither")


audit_app = typer.Typer(invoke_without_command=True)
app.add_typer(audit_app, name="audit")


@audit_app.callback()
def audit(
    context: typer.Context,
    config: Config = None,
    as_json: AsJson = False,
    action: Annotated[str | None, typer.Option(help="Only these, as `re-zero`.")] = None,
    last: Annotated[int, typer.Option(min=1, help="So many, the newest first.")] = 50,
) -> None:
    """List who changed what: people by command, and judging, which sets the zero of a plate anew
    where that had moved and the plate was empty (`re-zero`).
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_from(config)
    from central import audit as entries  # noqa: PLC0415
    from central.database.moments import from_us  # noqa: PLC0415

    found = read_books(settings, lambda c: entries.entries(c, action=action, limit=last))
    if as_json:
        typer.echo(msgspec.json.encode({"rows": found}).decode())
        return
    for one in found:
        at = from_us(one.at_us).isoformat(timespec="seconds")
        typer.echo(f"{at} {one.actor}: {one.action} {one.subject}: {one.before} -> {one.after}")
    if not found:
        typer.echo("nothing was changed")


@audit_app.command(name="verify")
def verify_audit(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The archive's folder; without it, the archive of the settings."),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check the audit: every block's hash and, where there is an archive, that no block is another
    than was kept there when it was sealed. Exit status 1 when something does not fit.
    """
    settings = settings_from(config)
    from central.archive.audit import read_heads  # noqa: PLC0415
    from central.archive.shelves import ArchiveUnavailable, Folder  # noqa: PLC0415
    from central.archive.wanted import shelves_of  # noqa: PLC0415
    from central.audit import chain as audit_chain  # noqa: PLC0415

    if folder is not None and not folder.is_dir():
        typer.echo(f"there is no folder {folder}", err=True)
        raise typer.Exit(2)
    kept: list[audit_chain.Block] = []
    faults: list[str] = []
    shelves = [Folder(folder)] if folder is not None else shelves_of(settings.archive)
    try:
        for shelf in shelves[:1]:
            kept, faults = asyncio.run(read_heads(shelf))
    except ArchiveUnavailable as error:
        typer.echo(f"the archive cannot be read: {error}", err=True)
        raise typer.Exit(2) from error

    def look(conn: Connection) -> tuple[list[str], int]:
        found = audit_chain.verify(conn) or audit_chain.compare(conn, kept)
        return found, audit_chain.head(conn).no

    found, last = read_books(settings, look)
    held = f"{len(kept)} of {last} blocks are kept in the archive"
    if not shelves:
        held = "and was held against nothing outside: set [archive], or name a folder"
    report([*faults, *found], as_json, f"the audit is whole; {held}", "faults",
           blocks=last, kept=len(kept))  # fmt: skip


@app.command()
def verify(
    config: Config = None,
    as_json: AsJson = False,
    digests: Annotated[
        Path | None,
        typer.Option(help="A file of published digests to hold the chain against, too."),
    ] = None,
) -> None:
    """Check the ledger: every block's hash, every balance against the movements, every item's
    sum over all locations, where every tag lies. Exit status 1 when something does not fit.

    With --digests also that no block was rewritten since it was published: the file that
    central appends to (digests.jsonl), or your own copy of it.

    The content is a hash of what the movements say, whenever and in whatever order they were
    posted: two ledgers of the same observations have the same.
    """
    settings = settings_from(config)
    from central.keeping import digest_files  # noqa: PLC0415
    from central.keeping.soundness import faults  # noqa: PLC0415
    from central.stock.content import content  # noqa: PLC0415

    def look(conn: Connection) -> tuple[list[str], str]:
        found = faults(conn, published, went)
        return found, "" if found else content(conn)

    try:
        if digests is not None:
            for digest in digest_files.restores(digests):
                typer.echo(
                    f"note: a restore put the books back to block {digest.no} on {digest.at}",
                    err=True,
                )
        published = digest_files.read_digests(digests) if digests else ()
        with working("Verifying the ledger") as went:
            found, says = read_books(settings, look)
    except (OSError, ValueError) as error:
        typer.echo(f"the digests cannot be read: {error}", err=True)
        raise typer.Exit(2) from error
    report(found, as_json, f"the ledger is whole; content {says}", "faults", content=says)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write.")], config: Config = None
) -> None:
    """Copy the whole database to a file, while central runs. Beside it stands a .json that says
    how far it goes (the ledger's head and every edge's watermark), and a folder .attachments with
    the files that the books name, each proved against its hash. Exit status 1 where one is
    missing, too: the backup is made then, and which ones is told.
    """
    settings = settings_from(config)
    from central.keeping import backup as copies  # noqa: PLC0415

    def work() -> str:
        with working("Copying and proving the books") as went:
            return copies.backup(
                settings.database_url, target, settings.attachments_path, went=went
            )

    _copy(work)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A file that `central backup` wrote.")],
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help="Even over a ledger that is there.")] = (
        False
    ),
    without_missing: Annotated[
        bool,
        typer.Option("--without-missing", help="Even if attached files are nowhere to be found."),
    ] = False,
) -> None:
    """Put a backup in the database's place, with central stopped.

    It is proven first, beside the books that are there: its bytes against its manifest, chain,
    balances, tags, and the digests published of it. The books of before are kept, and where is
    said. On PostgreSQL the roles that `central roles` made get their rights again.

    Edges go back to the backup's watermarks by themselves: what they still hold comes again,
    and what they do not is counted as lost and told.
    """
    settings = settings_from(config)
    from central.keeping.restore import restore as put_back  # noqa: PLC0415

    def work() -> str:
        with working("Proving the backup and putting it in place") as went:
            reach, said = put_back(
                source,
                settings.database_url,
                force=force,
                digests=settings.digest_path,
                attachments=settings.attachments_path,
                without_missing=without_missing,
                went=went,
            )
        return "\n".join([f"restored: {reach.said()}", *said])

    _copy(work)


def _copy(work: Callable[[], str]) -> None:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.keeping.backup_files import BackupFailed  # noqa: PLC0415

    try:
        typer.echo(work())
    except (BackupFailed, OSError, SQLAlchemyError) as error:
        typer.echo(str(error).partition("\n")[0], err=True)
        raise typer.Exit(1) from error
