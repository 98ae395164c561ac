"""What central's commands share: where the settings are, and how answers are given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from central.config import CentralSettings, ConfigError, load_settings

__all__ = ["AsJson", "Config", "settings_from"]

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
