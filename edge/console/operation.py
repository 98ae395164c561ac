"""What an operation is, and which there are: a new one is a module of its own and a line here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

import msgspec

from edge.console.bench import Bench
from gateway.console import Troubled

__all__ = ["OPERATIONS", "Changing", "Operation", "Tell", "find"]

A = TypeVar("A", bound=msgspec.Struct)
Tell = Callable[[dict[str, Any]], None]
"""Tells progress: the whole picture as of now, in words that JSON has, at most ten a second."""


class Changing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of what changes something, or holds a device: ``who`` asks is put in by the page
    that hands it on, over whatever the browser says.
    """

    who: str = ""


class Operation(Generic[A]):
    """``work`` gets its arguments checked, tells progress and returns the result; it may be
    cancelled at any ``await``, and puts back what it changed for a while. What it raises of
    ``DeviceError`` or ``Troubled`` is told to whoever asked.
    """

    def __init__(
        self,
        arguments: type[A],
        work: Callable[[Bench, A, Tell], Awaitable[dict[str, Any]]],
    ) -> None:
        self.arguments = arguments
        self.work = work

    async def run(self, bench: Bench, arguments: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Run it. Raises ``Troubled`` for arguments that it does not take."""
        try:
            checked = msgspec.convert(arguments, self.arguments)
        except msgspec.ValidationError as error:
            raise Troubled("bad-arguments", f"This cannot be asked so: {error}.") from error
        return await self.work(bench, checked, tell)


OPERATIONS: dict[str, str] = {
    "calibrate": "edge.console.calibrate:CALIBRATE",
    "calibrate.finish": "edge.console.calibrate:FINISH",
    "calibrate.step": "edge.console.calibrate:STEP",
    "config.apply": "edge.console.config:APPLY",
    "config.check": "edge.console.config:CHECK",
    "config.diff": "edge.console.config:DIFF",
    "config.get": "edge.console.config:GET",
    "config.rollback": "edge.console.config:ROLLBACK",
    "config.schema": "edge.console.config:SCHEMA",
    "config.versions": "edge.console.config:VERSIONS",
    "device.add": "edge.console.adding:ADD",
    "device.edit": "edge.console.adding:EDIT",
    "device.remove": "edge.console.adding:REMOVE",
    "devices": "edge.console.devices:DEVICES",
    "diagnostics": "edge.console.support.diagnostics:DIAGNOSTICS",
    "diagnostics.part": "edge.console.support.diagnostics:PART",
    "discover": "edge.console.discover:DISCOVER",
    "kinds": "edge.console.trying:KINDS",
    "health": "edge.console.support.health:HEALTH",
    "listen": "edge.console.trial:LISTEN",
    "logs": "edge.console.support.logs:LOGS",
    "marks": "edge.console.marks:MARKS",
    "now": "edge.console.now:NOW",
    "record": "edge.console.record_ops:RECORD",
    "records": "edge.console.record_ops:RECORDS",
    "restart": "edge.console.config:RESTART",
    "retry": "edge.console.devices:RETRY",
    "sweep": "edge.console.sweep:SWEEP",
    "sweep.apply": "edge.console.sweep_apply:APPLY",
    "test_read": "edge.console.trial:TEST_READ",
    "try_device": "edge.console.trying:TRY_DEVICE",
    "walk": "edge.console.walk:WALK",
    "walk.finish": "edge.console.walk_finish:FINISH",
    "walk.observed": "edge.console.walk_finish:OBSERVED",
    "walk.tell": "edge.console.walk:TELL",
    "watch": "edge.console.watch:WATCH",
}
"""Name to ``module:operation``, imported when one is asked for: an edge that nobody looks at
spends no memory on it.
"""


def find(op: str) -> Operation[Any]:
    """The operation of this name. Raises ``Troubled`` where there is none."""
    place = OPERATIONS.get(op)
    if place is None:
        raise Troubled(
            "unknown-operation",
            f'This edge knows no operation "{op}".',
            "It may run an older version than central: update it.",
        )
    module, _, name = place.partition(":")
    found: Operation[Any] = getattr(import_module(module), name)
    return found
