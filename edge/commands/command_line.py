"""What the edge's commands share: where the settings are, and how a command fails."""

# ruff: noqa: PLC0415 - checking a file needs no database

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from edge.config import EdgeConfig

__all__ = ["DEFAULT", "ConfigPath", "fail", "load"]

ConfigPath = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file (TOML).", metavar="FILE")
]
DEFAULT = Path("edge.toml")


def load(path: Path, *, spare: bool = False) -> EdgeConfig:
    """The settings; ends the command with status 1, and why, where they are wrong."""
    from edge.config import ConfigError
    from edge.config import load as load_file

    try:
        return load_file(path, spare=spare)
    except ConfigError as error:
        fail(str(error), 1)


def fail(sentence: str, status: int) -> NoReturn:
    """End the command with a sentence."""
    typer.echo(sentence, err=True)
    raise typer.Exit(status)
