"""Tells subscribers what standing queries find: by ``central.events``, as query documents."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from central.access.behalf import reaching
from central.catalogue.errors import NotFound
from central.config import EventsSection
from central.database.moments import from_us, to_us
from central.epcis import query, standing
from central.epcis.from_ledger import moment
from central.epcis.model import document
from central.epcis.names import Names
from central.epcis.query import Place
from central.epcis.standing import Terms, signature
from central.epcis.timetable import due_after
from central.events.deliveries import Standing
from central.events.model import Letter, Position, Subscription
from central.events.reading import NEVER_S, Chunk, Reads
from central.events.targets import Keys, Sends
from central.events.webhook import Webhook
from gateway.clock import Clock, SystemClock

__all__ = ["Reading", "Reports"]

_MOST = 50
"""Events of one document."""
_HEADERS = {
    "content-type": "application/ld+json",
    "gs1-epcis-version": "2.0.0",
    "gs1-cbv-version": "2.0.0",
}
_encode = msgspec.json.Encoder(order="deterministic").encode


class Reports:
    """See ``central.events.courier.Brings``."""

    def __init__(
        self, names: Names, settings: EventsSection, *, clock: Clock | None = None
    ) -> None:
        self._names, self._settings = names, settings
        self._clock = clock or SystemClock()

    def reader_of(self, subscription: Subscription) -> Reads | None:
        """Reads what a query finds."""
        return Reading(subscription, self._names, self._clock)

    def target_of(self, subscription: Subscription, keys: Keys, /) -> Sends:
        """The URL that a subscriber named."""

        def signed(letter: Letter) -> Mapping[str, str]:
            held = tuple(keys())
            return {"gs1-signature": signature(held, letter.body)} if held else {}

        settings = self._settings
        return Webhook(
            subscription.target.url, keys,
            clock=self._clock,
            allowed=settings.webhook_networks,
            timeout_s=settings.webhook_timeout_s,
            tls=ssl.create_default_context(cafile=settings.webhook_ca_file),
            headers=_HEADERS,
            also=signed,
        )  # fmt: skip

    def put_aside(
        self, conn: Connection, subscription: Subscription, letter: Letter, why: str
    ) -> None:
        """It lies with what was not taken; nothing else keeps it."""


class Reading:
    """One subscription, as it stood when it was read."""

    def __init__(self, subscription: Subscription, names: Names, clock: Clock) -> None:
        self._mine, self._names, self._clock = subscription, names, clock
        self._terms = msgspec.convert(subscription.terms, Terms)

    def __call__(self, conn: Connection, now: Standing) -> Chunk:
        """See ``Reads``. What was missed while central stood still is reported once."""
        at_us = self._clock.now_us()
        rest_s = self._rest_s(now, at_us)
        if rest_s > 0:
            return Chunk([], now.position, rest_s=rest_s)
        try:
            made = standing.find(conn, self._mine.target.broker)
        except NotFound:
            return Chunk([], now.position)  # it goes, and so does this
        since_us = max(made.wanted.ge_record_us or 0, self._terms.since_us)
        wanted = msgspec.structs.replace(made.wanted, ge_record_us=since_us or None)
        after = Place(now.ledger_seq, now.captured_seq, now.log_seq)
        with reaching(frozenset(self._mine.locations) or None):
            events, more = query.query(conn, wanted, self._names, after=after, limit=_MOST)
        behind = standing.position(more or query.head(conn))
        passed = sum(behind) - sum(now.position)
        letters = list[tuple[Position, Letter]]()
        if events:
            letters = [(behind, self._letter(events, at_us, "-".join(map(str, behind))))]
        elif self._terms.if_empty and self._terms.schedule:
            letters = [(behind, self._letter([], at_us, f"nothing-{now.looked_us}"))]
        if more is not None:
            return Chunk(letters, behind, passed, rest_s=0.0)
        if not self._terms.schedule:
            return Chunk(letters, behind, passed)
        return Chunk(letters, behind, passed, rest_s=0.0, looked_us=at_us)

    def _rest_s(self, now: Standing, at_us: int) -> float:
        """How long until it is to report."""
        if not self._terms.schedule:
            return 0.0
        since_us = max(now.looked_us, self._mine.created_us, self._terms.since_us)
        due = due_after(self._terms.schedule, from_us(since_us))
        return min((to_us(due) - at_us) / 1e6, NEVER_S) if due is not None else NEVER_S

    def _letter(self, events: list[dict[str, object]], at_us: int, which: str) -> Letter:
        name = self._mine.target.broker
        told = document(events, moment(from_us(at_us)), query=name, subscription=self._mine.id)
        return Letter(
            f"{self._mine.id}-{which}", "EPCISQueryDocument", "epcis", name, _encode(told)
        )
