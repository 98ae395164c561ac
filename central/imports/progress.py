"""How far an import has come, for whoever waits for it.

It is one transaction: with the process that writes it, it is gone as a whole. So what is known of
it need not outlive that process either.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import msgspec

__all__ = ["Jobs", "Progress", "Stage", "Told"]

_MOST = 200
Stage = Literal["reading", "writing", "kept", "refused", "failed"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """``done`` of ``rows`` rows are dealt with. Times are microseconds since 1970."""

    job: str
    kind: str
    stage: Stage
    rows: int
    done: int
    began_us: int
    ended_us: int | None


class Progress:
    """An import on its way; ``hears`` is called with how many rows are done, of how many."""

    def __init__(
        self, job: str, kind: str, hears: Callable[[int, int], None] | None = None
    ) -> None:
        self.job, self.kind = job, kind
        self.stage: Stage = "reading"
        self.rows = self.done = 0
        self._hears = hears
        self._began_us = time.time_ns() // 1_000
        self._ended_us: int | None = None

    def went(self, done: int) -> None:
        """So many more rows are done."""
        self.done += done
        if self._hears is not None:
            self._hears(self.done, self.rows)

    def end(self, stage: Stage) -> None:
        """It is over."""
        self.stage, self._ended_us = stage, time.time_ns() // 1_000

    def told(self) -> Told:
        """How far it is now."""
        return Told(
            job=self.job, kind=self.kind, stage=self.stage, rows=self.rows, done=self.done,
            began_us=self._began_us, ended_us=self._ended_us,
        )  # fmt: skip


class Jobs:
    """The imports of this process by the names that clients gave them, the newest ones."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, Progress] = OrderedDict()

    def begin(self, job: str, kind: str) -> Progress:
        """A new one; under a name that was used before, it takes its place."""
        made = Progress(job, kind)
        if job:
            self._jobs.pop(job, None)
            self._jobs[job] = made
            while len(self._jobs) > _MOST:
                self._jobs.popitem(last=False)
        return made

    def get(self, job: str) -> Progress | None:
        """The one of this name, if there is one."""
        return self._jobs.get(job)
