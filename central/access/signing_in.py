"""People sign in: by password, by a link that is good once, and the very first of them by a token.

Each try is counted by name and by address before it is looked at, and kept in the audit.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from urllib.parse import quote

from sqlalchemy import Connection

from central import audit
from central.access import accounts, grants, sessions
from central.access.errors import NotYours, TooOften
from central.access.keeper import Keeper
from central.access.model import Grant, Role
from central.access.passwords import Passwords, check_new
from central.access.provider import Identity, grants_of
from central.access.rates import Rate
from central.audit import Change
from central.catalogue.changes import Told
from central.database.bulk import storable

__all__ = ["SigningIn", "make_link"]

_WRONG = "name or password is wrong"
_QUARTER_S = 900.0
_SETUP = "setup"
_PASSWORD = "password"  # noqa: S105 (a purpose)
_SETUP_US = 3_600 * 1_000_000
_LINK_US = 72 * 3_600 * 1_000_000


class SigningIn:
    """How people come to a session. Ten wrong passwords of a name, or thirty from an address, in
    a quarter of an hour: then one has to wait.
    """

    def __init__(self, keeper: Keeper, passwords: Passwords) -> None:
        self._keeper = keeper
        self.passwords = passwords
        self._by_name = Rate(10, per_s=_QUARTER_S)
        self._by_address = Rate(30, per_s=_QUARTER_S)
        self._unknown_kept = Rate(10, per_s=60)

    async def log_in(self, name: str, password: str, *, address: str, agent: str) -> str:
        """The secret of a new session. Raises ``NotYours``, as slowly for a name that is not
        there as for a wrong password, and ``TooOften``.
        """
        name = storable(name.strip().casefold()[:64])
        now_s = self._keeper.clock_us() / 1e6
        waits = (self._by_name.wait_s(name, now_s), self._by_address.wait_s(address, now_s))
        if wait_s := max(waits):
            self._keeper.counters["too_often"] += 1
            raise TooOften(wait_s)
        self._by_name.count(name, now_s)
        self._by_address.count(address, now_s)
        kept = await self._keeper.database.read(lambda c: accounts.password_of(c, name))
        checked = await self.passwords.check(password, kept)
        if not checked.right:
            await self._refused(name, known=kept is not None, address=address)
            raise NotYours(_WRONG)
        self._by_name.forget(name)
        self._by_address.give_back(address)
        told = self._keeper.told(name)

        def work(conn: Connection) -> str:
            if checked.renewed is not None:
                accounts.renew_hash(conn, name, checked.renewed)
            return self.begin(conn, name, told, address=address, agent=agent)

        return await self._keeper.change(work)

    async def _refused(self, name: str, *, known: bool, address: str) -> None:
        """Whoever tries names that are not there (or passwords as names) does not fill the audit
        with them.
        """
        self._keeper.counters["turned_away"] += 1
        if not known and self._unknown_kept.take("", self._keeper.clock_us() / 1e6):
            return
        subject = accounts.subject_of(name if known else "unknown")
        change = Change(subject, None, {"address": address})
        await self._keeper.database.write(
            lambda c: audit.record(
                c, [change], actor="log-in", action="failed log-in", at_us=self._keeper.clock_us()
            )
        )

    def begin(self, conn: Connection, name: str, told: Told, *, address: str, agent: str) -> str:
        """A new session, and the audit's entry of it."""
        change = Change(accounts.subject_of(name), None, {"address": address, "agent": agent[:200]})
        audit.record(conn, [change], actor=told.by, action="log in", at_us=told.at_us)
        return sessions.begin(conn, name, told, self._keeper.lifetimes, address, agent)

    async def by_provider(
        self, who: Identity, roles: Mapping[str, str], *, address: str, agent: str
    ) -> str:
        """A new session of who comes from a provider, with what their groups give by now. Raises
        ``NotYours`` for who is in no group that gives anything, or was disabled here.
        """
        wanted = grants_of(who.groups, roles)
        told = self._keeper.told("log-in")

        def work(conn: Connection) -> str:
            known = accounts.find_external(conn, who.external)
            if not wanted or (known is not None and known.status != "active"):
                raise NotYours("none of your groups gives you a role here: ask who manages access")
            name = known.name if known is not None else self._joined(conn, who, told)
            grants.replace(conn, accounts.subject_of(name), wanted, told)
            return self.begin(conn, name, self._keeper.told(name), address=address, agent=agent)

        return await self._keeper.change(work)

    @staticmethod
    def _joined(conn: Connection, who: Identity, told: Told) -> str:
        """A new account. A name that somebody has here already is not given twice: whoever chooses
        their name at the provider must not become them.
        """
        wished = re.sub(r"[^a-z0-9._@-]", "-", who.name.casefold())[:48].lstrip("._@-") or "user"
        names = {one.name for one in accounts.listed(conn, limit=1_000_000)}
        name = next(
            one for n in itertools.count(1)
            if (one := wished if n == 1 else f"{wished}-{n}") not in names
        )  # fmt: skip
        account = accounts.Account(
            name=name, full_name=storable(who.full_name), email=storable(who.email),
            external=storable(who.external),
        )  # fmt: skip
        return accounts.add(conn, account, told).name

    async def set_password(
        self, name: str, password: str, *, link: str | None = None, before: str | None = None
    ) -> None:
        """By a link that is good once, or by who knows the one ``before``. Ends all of their
        sessions. Raises ``NotYours``, ``NotValid``, ``TooOften``.
        """
        check_new(password, name)
        if before is not None:
            self._keeper.take(self._by_name, name)
            kept = await self._keeper.database.read(lambda c: accounts.password_of(c, name))
            if not (await self.passwords.check(before, kept)).right:
                raise NotYours("the password of before is wrong")
        hash_ = await self.passwords.hash(password)

        def work(conn: Connection) -> None:
            if link is not None:
                owner = sessions.take_once(conn, _PASSWORD, link, now_us=self._keeper.clock_us())
                if owner != name:
                    raise NotYours("this link is somebody else's")
            accounts.set_password(conn, name, hash_, self._keeper.told(name))

        await self._keeper.change(work)

    def password_link(self, conn: Connection, name: str) -> str:
        """See ``make_link``."""
        return make_link(conn, name, now_us=self._keeper.clock_us())

    async def set_up(self, token: str, name: str, password: str) -> None:
        """The first administrator, by the token that the first start printed. Raises as adding an
        account does, and ``NotYours``.
        """
        check_new(password, name)
        hash_ = await self.passwords.hash(password)
        told = self._keeper.told(name)

        def work(conn: Connection) -> None:
            sessions.take_once(conn, _SETUP, token, now_us=told.at_us)
            if grants.has_admin(conn):
                raise NotYours("there is an administrator already")
            accounts.add(conn, accounts.Account(name=name), told)
            accounts.set_password(conn, name, hash_, told)
            grants.grant(conn, accounts.subject_of(name), Grant(role=Role.ADMIN), told)

        await self._keeper.change(work)

    def setup_token(self, conn: Connection) -> str | None:
        """A token for the first administrator, good for an hour; ``None`` where there is one."""
        if grants.has_admin(conn):
            return None
        return sessions.make_once(
            conn, _SETUP, None, expires_us=self._keeper.clock_us() + _SETUP_US
        )


def make_link(conn: Connection, name: str, *, now_us: int) -> str:
    """The path of a page on which somebody sets their password, once, within three days. Raises
    ``NotFound``.
    """
    accounts.get(conn, name)
    secret = sessions.make_once(conn, _PASSWORD, name, expires_us=now_us + _LINK_US)
    return f"/password?name={quote(name)}&token={secret}"
