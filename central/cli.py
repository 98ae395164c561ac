"""``tallyport central``: run, migrate, replay, verify."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from sqlalchemy import Connection

from central import broker_cli
from central.config import CentralSettings, ConfigError, load_settings

if TYPE_CHECKING:
    from central.store import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Central: receives what edges observed, judges it, keeps the ledger, shows it.\n\n"
        "Without a settings file it is one box: SQLite, DuckDB and an embedded broker in "
        "./tallyport-data, the screen on http://127.0.0.1:8080."
    ),
)
app.add_typer(broker_cli.app, name="broker")
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings (TOML); defaults without it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")]
T = TypeVar("T")


def _settings(config: Path | None) -> CentralSettings:
    try:
        return load_settings(config)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@app.command()
def run(config: Config = None) -> None:
    """Run central until SIGTERM or Ctrl-C. Logs go to stderr: for reading on a terminal, else
    JSON lines.
    """
    settings = _settings(config)
    from central import app as application  # noqa: PLC0415 (seconds of imports)
    from central.store import DatabaseInUse, SchemaMismatch  # noqa: PLC0415
    from gateway import logs  # noqa: PLC0415

    logs.configure(settings.central.log_level, settings.central.log_format)
    why: list[str] = []
    try:
        asyncio.run(application.run(settings))
    except* (OSError, DatabaseInUse, SchemaMismatch, application.PartEnded) as errors:
        why = [str(error) for error in _leaves(errors)]
    if why:
        typer.echo("\n".join(f"central cannot run: {reason}" for reason in why), err=True)
        raise typer.Exit(1)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors themselves, out of their groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@app.command()
def migrate(
    config: Config = None,
    to: Annotated[str, typer.Option(help="A revision to go to, up or down; base is empty.")] = (
        "head"
    ),
    yes: Annotated[bool, typer.Option("--yes", help="Yes, lose what the newer one added.")] = False,
) -> None:
    """Bring the database to this release's schema; harmless when it is there already.

    Going down (--to REVISION) drops what the newer revisions added: make a backup first.
    """
    if to != "head" and not yes:
        typer.echo("--to may lose data: make a backup, then say --yes as well", err=True)
        raise typer.Exit(2)
    settings = _settings(config)
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.store import Database, DatabaseInUse, SchemaMismatch  # noqa: PLC0415

    database = Database(settings.database_url)
    try:
        database.migrate(to)
    except (SQLAlchemyError, DatabaseInUse, SchemaMismatch) as error:
        reason = str(error).partition("\n")[0]
        typer.echo(f"the database cannot be migrated: {reason}", err=True)
        raise typer.Exit(1) from error
    finally:
        database.close()
    typer.echo(f"the database has {'this release' if to == 'head' else to}'s schema")


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
    settings = _settings(config)
    from central import grants  # noqa: PLC0415

    try:
        if not apply:
            typer.echo("\n".join(f"{statement};" for statement in grants.statements(role)))
            return
        _use(settings, lambda database: database.write_now(lambda c: grants.apply(c, role)))
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{role} can add to the ledger and the log, and change neither")


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
    """
    settings = _settings(config)
    from central.digests import read_digests  # noqa: PLC0415
    from central.stock import chain  # noqa: PLC0415
    from central.stock.projection import check_balances, check_tags  # noqa: PLC0415

    try:
        published = list(read_digests(digests)) if digests else []
    except (OSError, ValueError) as error:
        typer.echo(f"the digests cannot be read: {error}", err=True)
        raise typer.Exit(2) from error

    def work(conn: Connection) -> list[str]:
        return [
            *chain.verify(conn),
            *chain.compare(conn, published),
            *check_balances(conn),
            *check_tags(conn),
        ]

    _report(_read(settings, work), as_json, "the ledger is whole", "faults")


@app.command()
def replay(
    config: Config = None,
    as_json: AsJson = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="Write balances and tags' places anew from the ledger.")
    ] = False,
) -> None:
    """Judge the whole observation log again and compare with what was posted; build balances
    and tags' places again from the ledger and compare. Exit status 1 where the answers differ
    (there is no difference, or something is wrong).

    --mend, with central stopped, then puts the rebuilt ones in place of what differed. The
    ledger itself is never changed.
    """
    settings = _settings(config)
    from central.replay import differences  # noqa: PLC0415
    from central.stock import projection  # noqa: PLC0415

    def work(conn: Connection) -> list[str]:
        return [
            *differences(conn),
            *projection.check_balances(conn),
            *projection.check_tags(conn),
        ]

    found = _read(settings, work)
    if mend:
        for fault in _use(settings, lambda database: database.write_now(projection.rebuild)):
            typer.echo(f"mended: {fault}", err=True)
    _report(found, as_json, "judging again gives the same", "differences")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write.")], config: Config = None
) -> None:
    """Copy the whole database to a file, while central runs. Beside it stands a .json that says
    how far it goes: the ledger's head and every edge's watermark.
    """
    settings = _settings(config)
    from central import backup as copies  # noqa: PLC0415

    _copy(lambda: copies.backup(settings.database_url, target))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="A file that `central backup` wrote.")],
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help="Even over a ledger that is there.")] = (
        False
    ),
) -> None:
    """Put a backup in the database's place, with central stopped, and check it.

    Edges go back to the backup's watermarks by themselves: what they still hold comes again,
    and what they do not is counted as lost and told.
    """
    settings = _settings(config)
    from central import backup as copies  # noqa: PLC0415

    _copy(lambda: copies.restore(source, settings.database_url, force=force))


def _copy(work: Callable[[], str]) -> None:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.backup import BackupFailed  # noqa: PLC0415

    try:
        typer.echo(work())
    except (BackupFailed, OSError, SQLAlchemyError) as error:
        typer.echo(str(error).partition("\n")[0], err=True)
        raise typer.Exit(1) from error


def _read(settings: CentralSettings, work: Callable[[Connection], T]) -> T:
    return _use(settings, lambda database: database.read_now(work))


def _use(settings: CentralSettings, work: Callable[[Database], T]) -> T:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.store import Database, DatabaseInUse  # noqa: PLC0415

    database = Database(settings.database_url)
    try:
        return work(database)
    except (SQLAlchemyError, DatabaseInUse) as error:
        reason = str(error).partition("\n")[0]
        typer.echo(
            f"the database cannot be used: {reason}. Is it the right one? A new one is made by "
            "`tallyport central migrate`.",
            err=True,
        )
        raise typer.Exit(2) from error
    finally:
        database.close()


def _report(found: list[str], as_json: bool, well: str, name: str) -> None:
    if as_json:
        typer.echo(json.dumps({"ok": not found, name: found}))
    else:
        typer.echo("\n".join(found) if found else well)
    if found:
        raise typer.Exit(1)
