"""A connection as a subscriber: its events are told in order by ``central.events``, mapped, to its
webhook or into its folder; what became of each is kept beside what came.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from central.catalogue.changes import Told
from central.config import EventsSection
from central.database.store import Database
from central.erp import messages
from central.erp.applying import came_by
from central.erp.config import ErpConnection, Out, OutDocument
from central.erp.fields import Fault, Wrong
from central.erp.folder import ErpFolder
from central.erp.messages import Came, Outcome, State
from central.erp.outward import Document, document_for, is_of_order, render
from central.events import stream, subscriptions
from central.events.model import Letter, NotTaken, Secret, Subscription, Target
from central.events.reading import Reads
from central.events.targets import Keys, Sends
from central.events.webhook import Webhook
from gateway.clock import Clock

__all__ = ["KIND", "ErpTargets", "subscribe", "subscription_id"]

KIND = "erp"
"""The kind of the target of such a subscription."""
_UNNAMED = "the settings do not name the connection"
_LATER = {408, 425, 429}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def subscription_id(connection: str) -> str:
    """What a connection's subscription is called."""
    return f"erp_{connection}"


def subscribe(conn: Connection, connections: Mapping[str, ErpConnection], at_us: int) -> None:
    """Have each connection that is told something subscribed, from when it was first seen on; one
    that the settings do not name any more is told nothing.
    """
    for name, one in connections.items():
        if one.out is not None:
            asked = [kind for document in one.out.documents.values() for kind in document.kinds]
            wanted = Subscription(
                id=subscription_id(name),
                name=f"ERP {name}",
                target=Target(kind=KIND, broker=name),
                kinds=tuple(dict.fromkeys(asked)),
                attempts=one.out.attempts,
                created_us=at_us,
            )
            there = subscriptions.ensure(conn, wanted, stream.head(conn), at_us)
            if there.status != "active" and there.why == _UNNAMED:
                told = Told(by="settings", at_us=at_us)
                subscriptions.change(conn, msgspec.structs.replace(there, status="active"), told)
    for there in subscriptions.active(conn):
        if there.target.kind == KIND:
            known = connections.get(there.target.broker)
            if known is None or known.out is None:
                subscriptions.turn_off(conn, there, _UNNAMED, at_us, status="paused")


class ErpTargets:
    """Makes a target of a subscription; see ``central.events.courier.Brings``."""

    def __init__(
        self, database: Database, connections: Mapping[str, ErpConnection],
        settings: EventsSection, *, clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._connections = connections
        self._settings = settings
        self._clock = clock

    @staticmethod
    def reader_of(_: Subscription) -> Reads | None:
        """A connection is told of what happens, as everybody."""
        return None

    def target_of(self, subscription: Subscription, _: Keys, /) -> Sends:
        """Where a connection is told. Raises ``NotTaken`` for one that is not in the settings."""
        name = subscription.target.broker
        connection = self._connections.get(name)
        if connection is None or connection.out is None:
            raise NotTaken(f"the settings name no connection {name} that is told", reached=False)
        return _ErpTarget(name, connection, self._database, self._clock, self._posts(connection))

    def put_aside(
        self, conn: Connection, subscription: Subscription, letter: Letter, why: str
    ) -> None:
        """A letter is told no more until somebody says so."""
        name, now_us = subscription.target.broker, self._clock.now_us()
        there = messages.find(conn, name, "out", letter.id)
        faults = there.faults if there and there.faults else (_fault("not-taken", why),)
        came = Came(name, letter.id, letter.kind, "", letter.body)
        messages.record(conn, came, Outcome(state="dead", faults=faults), now_us, tried=False)

    def _posts(self, connection: ErpConnection) -> Callable[[str, str], Sends]:
        """A webhook for documents of a media type, to the connection's URL."""
        assert connection.out is not None
        out: Out = connection.out
        keys = tuple(Secret(key=one.get_secret_value()) for one in connection.secrets[:1])
        settings = self._settings

        def made(media: str, document: str) -> Sends:
            more = {name.lower(): one.get_secret_value() for name, one in out.headers.items()}
            return Webhook(
                out.url, lambda: keys,
                clock=self._clock,
                allowed=settings.webhook_networks,
                timeout_s=settings.webhook_timeout_s,
                tls=ssl.create_default_context(cafile=settings.webhook_ca_file),
                headers={**more, "content-type": media, "tallyport-document": document},
            )  # fmt: skip

        return made


class _ErpTarget:
    """One connection."""

    def __init__(
        self, name: str, connection: ErpConnection, database: Database, clock: Clock,
        posts: Callable[[str, str], Sends],
    ) -> None:  # fmt: skip
        self._name, self._connection = name, connection
        self._database, self._clock = database, clock
        self._posts = posts
        self._webhooks: dict[tuple[str, str], Sends] = {}

    async def send(self, letter: Letter) -> None:
        """See ``Sends``. What nobody has to hear is passed over."""
        found = document_for(self._connection, letter.kind)
        if found is None:
            return
        title, document = found
        if not await self._is_theirs(document, letter):
            return
        event = {**_decode(letter.body), "kind": letter.kind}
        try:
            told = render(document, self._connection, event)
        except Wrong as wrong:
            fault = wrong.at(f"out.documents.{title}")
            await self._keep(letter, "failed", "", (fault,))
            raise NotTaken(str(fault), final=True) from wrong
        try:
            origin = await self._told(title, letter, told)
        except NotTaken as refusal:
            kind = "refused" if refusal.reached else "nobody-answers"
            await self._keep(letter, "failed", told.body.decode(), (_fault(kind, str(refusal)),))
            raise _judged(refusal) from refusal
        await self._keep(letter, "applied", told.body.decode(), (), origin)

    async def close(self) -> None:
        """See ``Sends``."""
        for one in self._webhooks.values():
            await one.close()

    async def _is_theirs(self, document: OutDocument, letter: Letter) -> bool:
        if document.orders == "all" or not is_of_order(letter.kind):
            return True
        return await self._database.read(lambda c: came_by(c, self._name, letter.subject))

    async def _told(self, title: str, letter: Letter, told: Document) -> str:
        """Where to. Raises ``NotTaken``."""
        out = self._connection.out
        assert out is not None
        if not out.url:
            return await self._laid(title, letter, told)
        key = (told.media, title)
        if key not in self._webhooks:
            self._webhooks[key] = self._posts(*key)
        await self._webhooks[key].send(letter._replace(body=told.body))
        return "webhook"

    async def _laid(self, title: str, letter: Letter, told: Document) -> str:
        root = self._connection.folder
        assert root is not None
        folder = ErpFolder(root, settle_s=0, most_bytes=0, clock=self._clock)
        name = _UNSAFE.sub("_", f"{title}-{letter.id}") + told.suffix
        try:
            await asyncio.to_thread(folder.lay, name, told.body)
        except OSError as error:
            raise NotTaken(f"{root}: {error}", reached=False) from error
        return f"file {name}"

    async def _keep(
        self, letter: Letter, state: State, mapped: str, faults: tuple[Fault, ...],
        origin: str = "",
    ) -> None:  # fmt: skip
        now_us = self._clock.now_us()
        came = Came(self._name, letter.id, letter.kind, "", letter.body)

        def work(conn: Connection) -> None:
            there = messages.find(conn, self._name, "out", letter.id)
            # One that is told once more when somebody asked is dead again, without more tries.
            again = state == "failed" and there is not None and there.state == "received"
            outcome = Outcome(
                state="dead" if again else state, mapped=mapped, subject=letter.subject,
                origin=origin, faults=faults,
            )  # fmt: skip
            messages.record(conn, came, outcome, now_us)

        await self._database.write(work)


def _fault(kind: str, what: str) -> Fault:
    return Fault(kind=kind, place="", what=what)


def _judged(refusal: NotTaken) -> NotTaken:
    """Whether telling it again can help: what a client did wrong stays wrong (RFC 9110, 15.5)."""
    final = 400 <= refusal.status < 500 and refusal.status not in _LATER
    return NotTaken(
        str(refusal), reached=refusal.reached, wait_s=refusal.wait_s, status=refusal.status,
        final=final,
    )  # fmt: skip
