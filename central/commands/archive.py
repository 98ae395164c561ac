"""``tallyport central archive``: prove what is kept of the ledger elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from central.commands.command_line import AsJson, Config, read_books, report, settings_from
from gateway.terminal.progress import working

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from central.archive.shelves import Shelf
    from central.config import CentralSettings

app = typer.Typer(
    no_args_is_help=True, help="The archive of the ledger: each sealed block, written once."
)


@app.callback()
def archive() -> None:
    """The archive of the ledger: each sealed block, written once."""


@app.command()
def verify(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The archive's folder; without it, the archive of the settings."),
    ] = None,
    config: Config = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Ask no database: prove the archive by itself.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute the ledger's chain again from the archive alone, and hold it against the database.
    Exit status 1 when something does not fit.
    """
    settings = settings_from(config)
    from central.archive.proof import prove  # noqa: PLC0415
    from central.archive.shelves import ArchiveUnavailable  # noqa: PLC0415
    from central.stock import chain  # noqa: PLC0415

    try:
        with working("Proving the archive") as went:
            proof = asyncio.run(prove(_shelf(folder, settings), went))
    except ArchiveUnavailable as error:
        typer.echo(f"the archive cannot be read: {error}", err=True)
        raise typer.Exit(2) from error

    def against(conn: Connection) -> tuple[list[str], int]:
        return chain.compare(conn, proof.heads), chain.head(conn).no

    found, last = proof.faults, len(proof.heads)
    if not alone:
        differences, last = read_books(settings, against)
        found = [*found, *differences]
    well = f"the archive is whole: {len(proof.heads)} of {last} blocks"
    report(found, as_json, well, "faults", blocks=len(proof.heads), of=last)


def _shelf(folder: Path | None, settings: CentralSettings) -> Shelf:
    from central.archive.shelves import Folder  # noqa: PLC0415
    from central.archive.wanted import shelves_of  # noqa: PLC0415

    if folder is not None:
        if not folder.is_dir():
            typer.echo(f"there is no folder {folder}", err=True)
            raise typer.Exit(2)
        return Folder(folder)
    wanted = shelves_of(settings.archive)
    if not wanted:
        typer.echo("name a folder, or set [archive] folder or url in the settings", err=True)
        raise typer.Exit(2)
    return wanted[0]
