"""How far the transaction that runs may reach: where whoever asked for it was granted that.

A request's commands pass through many functions; what must not be forgotten in any of them stands
beside the transaction instead of in each one's parameters. Central's own work (judging, schedules,
commands on the machine) runs on nobody's behalf and reaches everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy import Connection

from central.access.model import Actor

__all__ = ["Roots", "asker", "carried", "reaching", "roots"]

T = TypeVar("T")
Roots = frozenset[str] | None
"""Locations, each with all that lies within it; ``None`` is everywhere."""
_roots: ContextVar[Roots] = ContextVar("roots", default=None)
_asker: ContextVar[Actor | None] = ContextVar("asker", default=None)


def roots() -> Roots:
    """Where what runs now may reach."""
    return _roots.get()


def asker() -> Actor | None:
    """Who asked for what runs now; ``None`` for central's own work, and for strangers."""
    return _asker.get()


class reaching:  # noqa: N801 (used as a function is)
    """``with reaching(places, actor)``: what runs within reaches no further than these places, for
    ``actor``.
    """

    __slots__ = ("_actor", "_before", "_places")

    def __init__(self, places: Roots, actor: Actor | None = None) -> None:
        self._places = places
        self._actor = actor

    def __enter__(self) -> None:
        self._before = _asker.set(self._actor), _roots.set(self._places)

    def __exit__(self, *_raised: object) -> None:
        told, token = self._before
        _roots.reset(token)
        _asker.reset(told)


def carried(work: Callable[[Connection], T]) -> Callable[[Connection], T]:
    """``work`` for another thread, reaching as far as here."""
    places = _roots.get()
    if places is None:
        return work

    def as_here(connection: Connection) -> T:
        with reaching(places):
            return work(connection)

    return as_here
