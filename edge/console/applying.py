"""A change of one device's settings by an operation: the one way from here into the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edge.console.bench import Bench
from edge.console.operation import Tell
from gateway.console import Troubled

Edit = Callable[[Any], None]
"""Changes the device's ``[[devices]]`` table (tomlkit's) in place."""


async def change_device(
    bench: Bench, device: str, edit: Edit, *, why: str, who: str, tell: Tell
) -> dict[str, Any]:
    """Edit, check, apply, and see that the device runs. Raises ``Troubled`` where nothing was
    changed, or where it went back.
    """
    settings = getattr(bench, "settings", None)
    if settings is None:
        raise Troubled(
            "no-settings-file",
            "This agent was not started with a settings file, so nothing can be written into it.",
            "Start it with --config FILE, or copy the figures from here into its settings.",
        )
    done: dict[str, Any] = await settings.change(device, edit, why=why, who=who, tell=tell)
    return done
