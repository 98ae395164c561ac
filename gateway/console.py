"""What a technician asks of an edge, and what comes back: the same words on its own page and
over the broker. Pure.

An *ask* names an operation and has an id made by whoever asks. What is *told* of it is progress,
as often as there is news, and one last word: ``done``, ``failed`` or ``cancelled``. Each progress
is the whole picture as of now and replaces the one before, so that whoever misses one misses
nothing. An id that is asked again is not run again: it renews the lease, and the newest word is
told again.
"""

from __future__ import annotations

import secrets
import time
from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "BY_CENTRAL", "CANCEL", "ENDS", "FINAL", "READS", "Ask", "Id", "Op", "State", "Told", "Trouble",
    "Troubled", "changes_something", "new_id",
]  # fmt: skip

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Op = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_.]{0,40}\Z")]
State = Literal["running", "done", "failed", "cancelled"]
FINAL: frozenset[str] = frozenset({"done", "failed", "cancelled"})

CANCEL = "cancel"
"""No operation: ends the one of the same id."""

ENDS = "ends"
"""No operation: tells ``state`` and, where one failed, ``code`` of the asks ``ids``, of those that
are known. Nothing is run or renewed by it.
"""

READS: frozenset[str] = frozenset(
    {
        "config.check", "config.diff", "config.get", "config.schema", "config.versions",
        "devices", "diagnostics", "diagnostics.part",
        "health", "kinds", "listen", "logs", "now", "record", "records", "watch",
    }
)  # fmt: skip
"""Operations that change nothing, not even for a moment. All others hold a device, or change one
or a file: central keeps in its audit who asked for them.
"""


BY_CENTRAL: frozenset[str] = frozenset({"judging", "unjudged"})
"""Arguments that central alone puts in, never who asks."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why an operation failed: ``code`` for programs, ``text`` what happened, ``hint`` what to
    do about it.
    """

    code: str
    text: str
    hint: str = ""


class Troubled(Exception):
    """An operation cannot do what was asked."""

    def __init__(self, code: str, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.trouble = Trouble(code=code, text=text, hint=hint)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """``arguments`` are the operation's own. Nobody who asks again within ``lease_s``: the
    operation is ended, and what it changed for a while is put back.
    """

    id: Id
    op: Op
    arguments: dict[str, Any] = {}
    lease_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 30.0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A word about an ask: ``progress`` while it runs, ``result`` when it is done, ``error`` when
    it failed.
    """

    id: Id
    state: State
    progress: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    error: Trouble | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be told."""
        return self.state in FINAL


def changes_something(op: str) -> bool:
    """Whether an operation must be allowed to whoever asks, and be kept in the audit."""
    return op not in READS


def new_id() -> str:
    """A fresh id: a UUID of version 7 (RFC 9562), in order of time."""
    stamp = (time.time_ns() // 1_000_000) & ((1 << 48) - 1)
    random = secrets.randbits(74)
    number = stamp << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
