"""``tallyport edge run``: the agent, and its status where somebody looks."""

# ruff: noqa: PLC0415 - a command imports what it needs when it runs

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edge.commands.command_line import DEFAULT, ConfigPath, fail, load

if TYPE_CHECKING:
    from edge.on_terminal import Shown

__all__ = ["run"]


def run(
    config: ConfigPath = DEFAULT,
    plain: Annotated[
        bool, typer.Option("--plain", help="Log lines only, also on a terminal.")
    ] = False,
) -> None:
    """Hear the devices, keep on disk, send to central, until SIGTERM or Ctrl-C.

    On a terminal a status stands at its foot, with the log above it; elsewhere stderr gets the
    log as JSON lines. Exit status 0 after a stop, 1 when a part failed.

    Example: `tallyport edge run --config /etc/tallyport/edge.toml`
    """
    settings = load(config, spare=True)
    from edge.agent import run as run_agent
    from edge.parts import AgentFault
    from edge.segments import Starved
    from gateway import logs
    from gateway.log_ring import LogRing
    from gateway.settled import settle

    level, style = settings.edge.log_level, settings.edge.log_format
    shown = _on_terminal(plain, style)
    ring = LogRing()
    logs.configure(level, style, stream=shown.screen.above if shown else None, ring=ring)
    why = ""
    settle()
    try:
        asyncio.run(
            run_agent(
                settings,
                settings_file=config.absolute(),
                logs=ring,
                beside=shown.beside if shown else None,
            )
        )
    except AgentFault as fault:
        why = f"the agent stopped by itself: {fault}; the log above tells more"
    except (OSError, Starved) as error:
        why = f"the data folder {settings.edge.data_dir} cannot be used: {error}"
    finally:
        if shown:
            shown.close()
    if why:
        fail(why, 1)


def _on_terminal(plain: bool, style: str) -> Shown | None:
    """The status at the foot of the terminal, where there is one that can show it."""
    from gateway.terminal.wanted import wanted

    if not wanted(sys.stderr, plain=plain, style=style):
        return None
    from edge.on_terminal import Shown

    return Shown(sys.stderr)
