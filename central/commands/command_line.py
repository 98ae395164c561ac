"""What central's commands share: where the settings are, and how answers are given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from central.config import CentralSettings, ConfigError, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from central.database.store import Database

__all__ = ["AsJson", "Config", "read_books", "report", "settings_from", "use_books"]

T = TypeVar("T")

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings (TOML); defaults without it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")]


def settings_from(config: Path | None) -> CentralSettings:
    """The settings; ends the command with status 2, and why, where they are wrong."""
    try:
        return load_settings(config)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def read_books(settings: CentralSettings, work: Callable[[Connection], T]) -> T:
    """What ``work`` finds in the database; see ``use_books``."""
    return use_books(settings, lambda database: database.read_now(work))


def use_books(settings: CentralSettings, work: Callable[[Database], T]) -> T:
    """What ``work`` makes of the database; ends the command with status 2, and why, where it cannot
    be used.
    """
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 (seconds of imports)

    from central.database.store import Database, DatabaseInUse  # noqa: PLC0415

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


def report(found: list[str], as_json: bool, well: str, name: str, **more: object) -> None:
    """Say what was found, or that all is ``well``; status 1 where something was."""
    if as_json:
        typer.echo(json.dumps({"ok": not found, name: found} | more))
    else:
        typer.echo("\n".join(found) if found else well)
    if found:
        raise typer.Exit(1)
