"""Why something cannot run on a machine."""

from __future__ import annotations


class NotHere(RuntimeError):
    """A benchmark cannot run on this machine; the text says what it lacks."""
