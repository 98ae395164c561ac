"""``tallyport central``: run, migrate, replay, verify."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from central.config import CentralSettings, ConfigError, load_settings

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
    """Run central until SIGTERM or Ctrl-C."""
    settings = _settings(config)
    from central import app as application  # noqa: PLC0415 (seconds of imports)
    from central.store import DatabaseInUse  # noqa: PLC0415

    why: list[str] = []
    try:
        asyncio.run(application.run(settings))
    except* (OSError, DatabaseInUse, application.PartEnded) as errors:
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
def migrate(config: Config = None) -> None:
    """Bring the database to this release's schema; harmless when it is there already."""
    settings = _settings(config)
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.store import Database, DatabaseInUse  # noqa: PLC0415

    database = Database(settings.database_url)
    try:
        database.migrate()
    except (SQLAlchemyError, DatabaseInUse) as error:
        reason = str(error).partition("\n")[0]
        typer.echo(f"the database cannot be migrated: {reason}", err=True)
        raise typer.Exit(1) from error
    finally:
        database.close()
    typer.echo("the database has this release's schema")


@app.command()
def verify(config: Config = None, as_json: AsJson = False) -> None:
    """Check the ledger: every block's hash, every balance against the movements, every item's
    sum over all locations. Exit status 1 when something does not fit.
    """
    settings = _settings(config)
    from central.stock.chain import verify as chain  # noqa: PLC0415
    from central.stock.projection import check_balances  # noqa: PLC0415

    def work(conn: Connection) -> list[str]:
        return [*chain(conn), *check_balances(conn)]

    _report(_read(settings, work), as_json, "the ledger is whole", "faults")


@app.command()
def replay(config: Config = None, as_json: AsJson = False) -> None:
    """Judge the whole observation log again and compare with what was posted. Exit status 1
    where the answers differ (there is no difference, or something is wrong).
    """
    settings = _settings(config)
    from central.replay import differences  # noqa: PLC0415

    _report(_read(settings, differences), as_json, "judging again gives the same", "differences")


def _read(settings: CentralSettings, work: Callable[[Connection], T]) -> T:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.store import Database  # noqa: PLC0415

    database = Database(settings.database_url)
    try:
        return database.read_now(work)
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        typer.echo(
            f"the database cannot be read: {reason}. Is it the right one? A new one is made by "
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
