"""Lets people and programs in: what their requests show is looked up, and counted.

Who was let in is remembered for a moment, so that a program's thousand requests are not as many
look-ups; whatever changes access here forgets it all at once. Several workers notice each other's
changes after ``REMEMBERED_S``.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from central.access import accounts, grants, keys, sessions
from central.access.errors import AccessError, NotYours, TooOften
from central.access.model import Actor
from central.access.rates import Rate
from central.access.sessions import Lifetimes, Session
from central.access.tokens import Claims, Signer, hashed
from central.catalogue.changes import Told
from central.database.store import Database

__all__ = ["REMEMBERED_S", "Keeper", "Shown"]

T = TypeVar("T")
REMEMBERED_S = 5.0
_MOST_REMEMBERED = 10_000
_NOTED_EVERY_US = 60_000_000
"""How often it is written down that a key or session is in use."""


class Shown(NamedTuple):
    """Who was let in, and by which session where it was one."""

    actor: Actor
    session: Session | None = None


class Keeper:
    """``counters``: ``let_in``, ``turned_away``, ``too_often``."""

    def __init__(
        self,
        database: Database,
        *,
        signer: Signer,
        lifetimes: Lifetimes,
        per_minute: int,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self.database = database
        self.signer = signer
        self.lifetimes = lifetimes
        self.clock_us = clock_us
        self._known: OrderedDict[str, tuple[float, Shown]] = OrderedDict()
        self.limit_requests(per_minute)
        self._strangers = Rate(60, per_s=60)
        self.counters: Counter[str] = Counter()

    # ---- what a request shows -------------------------------------------------------------
    async def key(self, shown: str) -> Shown:
        """A program with its key. Raises ``NotYours``."""

        def look(conn: Connection) -> tuple[Shown, bool]:
            found = keys.check(conn, shown, now_us=self.clock_us())
            return Shown(keys.actor_of(conn, found)), self._is_stale(found.used_us)

        return await self._let_in(
            shown, look, lambda c, who: keys.used(c, who.actor.subject[4:], now_us=self.clock_us())
        )

    async def token(self, shown: str) -> Shown:
        """A program with a signed token. Raises ``NotYours``."""
        claims = self.signer.read(shown, now_us=self.clock_us())

        def look(conn: Connection) -> tuple[Shown, bool]:
            kind, _, name = claims.subject.partition(":")
            if kind == "key":
                key = keys.get(conn, name)
                keys.check_good(key, now_us=self.clock_us())
                actor = keys.actor_of(conn, key)
            else:
                actor = _person(conn, name)
            return Shown(msgspec.structs.replace(actor, scopes=_both(actor, claims))), False

        return await self._let_in(shown, look, None)

    async def cookie(self, secret: str) -> Shown:
        """A person's browser. Raises ``NotYours``."""

        def look(conn: Connection) -> tuple[Shown, bool]:
            now_us = self.clock_us()
            found = sessions.find(conn, secret, self.lifetimes, now_us=now_us)
            return Shown(_person(conn, found.account), found), self._is_stale(found.seen_us)

        def note(conn: Connection, who: Shown) -> None:
            assert who.session is not None
            sessions.touch(conn, who.session.id, now_us=self.clock_us())

        return await self._let_in(secret, look, note)

    async def _let_in(
        self,
        secret: str,
        look: Callable[[Connection], tuple[Shown, bool]],
        note: Callable[[Connection, Shown], None] | None,
    ) -> Shown:
        key, now_s = hashed(secret), time.monotonic()
        known = self._known.get(key)
        if known is not None and now_s < known[0]:
            return known[1]
        try:
            shown, stale = await self.database.read(look)
        except AccessError as error:
            self.counters["turned_away"] += 1
            raise NotYours(str(error)) from error
        if stale and note is not None:
            await self.database.write(lambda c: note(c, shown))
        self.counters["let_in"] += 1
        self._known[key] = (now_s + REMEMBERED_S, shown)
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return shown

    def _is_stale(self, noted_us: int | None) -> bool:
        return noted_us is None or self.clock_us() - noted_us > _NOTED_EVERY_US

    def forget(self) -> None:
        """Access was changed: look everybody up anew."""
        self._known.clear()

    async def change(self, work: Callable[[Connection], T]) -> T:
        """Change something about access; it holds from the next request on."""
        try:
            return await self.database.write(work)
        finally:
            self.forget()

    # ---- how often ---------------------------------------------------------------------------
    def limit_requests(self, per_minute: int) -> None:
        """Of each user and key."""
        self._requests = Rate(per_minute, per_s=60)

    def count_request(self, subject: str) -> None:
        """Raises ``TooOften``."""
        self.take(self._requests, subject)

    def count_stranger(self, address: str) -> None:
        """Something wrong was shown from there. Raises ``TooOften``."""
        self.take(self._strangers, address)

    def take(self, rate: Rate, key: str) -> None:
        """Raises ``TooOften``."""
        if wait_s := rate.take(key, self.clock_us() / 1e6):
            self.counters["too_often"] += 1
            raise TooOften(wait_s)

    def told(self, by: str) -> Told:
        """Who changes something, and now."""
        return Told(by=by, at_us=self.clock_us())


def _person(conn: Connection, name: str) -> Actor:
    account = accounts.get(conn, name)
    if account.status != "active":
        raise NotYours(f"{name} is {account.status}")
    subject = accounts.subject_of(name)
    return Actor(name=name, subject=subject, grants=grants.of(conn, subject))


def _both(actor: Actor, claims: Claims) -> frozenset[str] | None:
    """What both a key and the token made with it leave."""
    if actor.scopes is None or claims.scopes is None:
        return actor.scopes if claims.scopes is None else claims.scopes
    return actor.scopes & claims.scopes
