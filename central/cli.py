"""``tallyport central``: run and migrate, the books and the broker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from central.commands import access as access_cli
from central.commands import archive as archive_cli
from central.commands import books as books_cli
from central.commands import broker as broker_cli
from central.commands import erp as erp_cli
from central.commands import labels as labels_cli
from central.commands import replay as replay_cli
from central.commands import reports as reports_cli
from central.commands import reviews as reviews_cli
from central.commands.command_line import Config, settings_from
from gateway.terminal.progress import working

if TYPE_CHECKING:
    from central.terminal.shown import Shown

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
app.add_typer(books_cli.app)
app.add_typer(replay_cli.app)
app.add_typer(reviews_cli.app)
app.add_typer(reports_cli.app)
app.add_typer(broker_cli.app, name="broker")
app.add_typer(archive_cli.app, name="archive")
app.add_typer(access_cli.app, name="users")
app.add_typer(erp_cli.app, name="erp")
app.add_typer(labels_cli.app, name="label")


@app.command()
def run(
    config: Config = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Log lines only, also on a terminal.")
    ] = False,
) -> None:
    """Run central until SIGTERM or Ctrl-C. On a terminal a status stands at its foot, with the log
    above it; elsewhere stderr gets the log as JSON lines.
    """
    settings = settings_from(config)
    from central import app as application  # noqa: PLC0415 (seconds of imports)
    from central.database.store import DatabaseInUse, SchemaMismatch  # noqa: PLC0415
    from gateway import logs  # noqa: PLC0415
    from gateway.settings_errors import ConfigError  # noqa: PLC0415

    level, style = settings.central.log_level, settings.central.log_format
    shown = _on_terminal(plain, style)
    logs.configure(
        level,
        style,
        stream=shown.screen.above if shown else None,
        ring=shown.ring if shown else None,
    )
    why: list[str] = []
    try:
        asyncio.run(application.run(settings, beside=shown.beside if shown else None))
    except* (
        OSError,
        ConfigError,
        DatabaseInUse,
        SchemaMismatch,
        application.PartEnded,
    ) as errors:
        why = [str(error) for error in _leaves(errors)]
    finally:
        if shown:
            shown.close()
    if why:
        typer.echo("\n".join(f"central cannot run: {reason}" for reason in why), err=True)
        raise typer.Exit(1)


def _on_terminal(plain: bool, style: str) -> Shown | None:
    """The status at the foot of the terminal, where there is one that can show it."""
    from gateway.terminal.wanted import wanted  # noqa: PLC0415

    if not wanted(sys.stderr, plain=plain, style=style):
        return None
    from central.terminal.shown import Shown  # noqa: PLC0415 (rich: only where it is seen)

    return Shown(sys.stderr)


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

    Going down (--to REVISION) drops what the newer revisions added: make a backup first. Roles
    that `central roles` made get their rights in what is new.
    """
    if to != "head" and not yes:
        typer.echo("--to may lose data: make a backup, then say --yes as well", err=True)
        raise typer.Exit(2)
    settings = settings_from(config)
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from central.database import grants  # noqa: PLC0415
    from central.database.store import Database, DatabaseInUse, SchemaMismatch  # noqa: PLC0415

    database = Database(settings.database_url)
    try:
        with working("Bringing the schema up to date" if to == "head" else f"Going to {to}"):
            database.migrate(to)
        said = database.write_now(grants.renew)
    except (SQLAlchemyError, DatabaseInUse, SchemaMismatch) as error:
        reason = str(error).partition("\n")[0]
        typer.echo(f"the database cannot be migrated: {reason}", err=True)
        raise typer.Exit(1) from error
    finally:
        database.close()
    typer.echo(
        "\n".join([f"the database has {'this release' if to == 'head' else to}'s schema", *said])
    )
