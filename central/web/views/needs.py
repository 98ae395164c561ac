"""What needs somebody now, the most urgent first; each with the one tap that helps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, Row, func, select

from central import schema
from central.alerts import book
from central.alerts.model import Alert, Kind
from central.alerts.model import State as AlertState
from central.counts import tasks
from central.counts.model import State
from central.orders.model import OPEN
from central.reconcile.verdict import Hypothesis
from central.web.views.devices import DeviceRow

__all__ = ["TAPS", "Need", "Needs", "needs"]

SHOWN = 12
_EACH = 5
"""So many of a kind by themselves; the rest is a number."""
_ALERTS_SEEN = 200
_RAISED: tuple[AlertState, ...] = ("raised",)
_SAID_OTHERWISE = {Kind.DEVICE, Kind.LATE, Kind.REVIEW}
_URGENCY = {"critical": 0, "warning": 3, "info": 6}
TAPS = (
    "read:counts", "read:devices", "read:erp", "read:orders", "read:reviews", "write:alerts",
    "write:count-reviews",
)  # fmt: skip
"""What taps need; a rule of ``ops.css`` hides each from who may not."""
_hypotheses = msgspec.json.Decoder(tuple[Hypothesis, ...]).decode
_review, _out, _in = schema.review.c, schema.outbound_order.c, schema.inbound_order.c
_message = schema.erp_message.c


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One thing for somebody. ``urgency`` counts from 0, the most urgent; ``level`` is bad or
    warn. ``tap`` is what the button says: it goes to ``href``, or sends ``body`` to ``post``, after
    it was asked ``sure`` where that is said, and tells ``done``. It is for who has the permission
    ``needs`` (one of ``TAPS``): the page is drawn once for everybody, and shows it to those.
    """

    urgency: int
    key: str
    icon: str
    level: str
    title: str
    what: str
    at_us: int | None
    tap: str
    needs: str
    href: str = ""
    post: str = ""
    body: str = "{}"
    sure: str = ""
    done: str = ""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """The most urgent of ``count``; ``reviews`` of these are reviews."""

    rows: tuple[Need, ...]
    count: int
    reviews: int

    @property
    def more(self) -> int:
        """Those that are not shown."""
        return self.count - len(self.rows)


def needs(connection: Connection, devices: tuple[DeviceRow, ...]) -> Needs:
    """Everything that waits for a person. Every kind is asked for by an index."""
    now_us = time.time_ns() // 1_000
    reviews = _count(connection, select(func.count()).where(_review.status == "open"))
    found = [
        *_devices(devices),
        *_alerts(connection, now_us),
        *_late_out(connection, now_us),
        *_late_in(connection, now_us),
        *_dead_messages(connection),
        *_reviews(connection, reviews),
        *_counts(connection),
    ]
    found.sort(key=lambda one: (one.urgency, one.at_us or now_us, one.key))
    more = max(0, reviews - _EACH - 1)
    return Needs(rows=tuple(found[:SHOWN]), count=len(found) + more, reviews=reviews)


def _count(connection: Connection, query: Any) -> int:  # noqa: ANN401 (a count)
    return int(connection.execute(query).scalar_one())


def _devices(devices: tuple[DeviceRow, ...]) -> Iterator[Need]:
    """Those that do not run; one that is only starting has its time."""
    for one in devices:
        if one.level == "good" or (one.state == "starting" and not one.cause):
            continue
        part = "" if one.device == one.edge else f"/device/{quote(one.device, safe='')}"
        yield Need(
            urgency=0 if one.level == "bad" else 2, key=f"device-{one.edge}-{one.device}",
            icon="device", level=one.level, title=f"{one.device}: {one.cause or one.state}",
            what=one.hint or f"{one.driver} at {one.read_point}, on {one.edge}",
            at_us=one.last_us, tap="Look", needs="read:devices",
            href=f"/devices/{quote(one.edge, safe='')}{part}",
        )  # fmt: skip


def _alerts(connection: Connection, now_us: int) -> Iterator[Need]:
    """Those that nobody sees to, and that sleep for nobody."""
    for one in book.listing(connection, states=_RAISED, limit=_ALERTS_SEEN):
        if one.kind in _SAID_OTHERWISE or (one.snoozed_until_us or 0) > now_us:
            continue
        yield Need(
            urgency=_URGENCY[one.severity], key=f"alert-{one.no}", icon="bell",
            level="bad" if one.severity == "critical" else "warn", title=one.says,
            what=_where(one), at_us=one.raised_us, tap="I see to it",
            needs="write:alerts",
            href=f"/screen/items/{quote(one.sku, safe='')}" if one.sku else "",
            post=f"/alerts/{one.no}/acknowledge", done="You see to it",
        )  # fmt: skip


def _where(alert: Alert) -> str:
    return f"{alert.severity} alert{f', at {alert.location}' if alert.location else ''}"


def _late_out(connection: Connection, now_us: int) -> Iterator[Need]:
    late = (_out.state.in_(OPEN), _out.due_us <= now_us)
    query = select(_out.id, _out.customer, _out.state, _out.due_us).where(*late)
    for row in connection.execute(query.order_by(_out.due_us, _out.id).limit(_EACH)):
        yield _late(
            row.id, f"for {row.customer} should have left", f"it is {row.state}", row.due_us
        )


def _late_in(connection: Connection, now_us: int) -> Iterator[Need]:
    late = (_in.status == "open", _in.expected_us <= now_us)
    query = select(_in.id, _in.supplier, _in.expected_us).where(*late)
    for row in connection.execute(query.order_by(_in.expected_us, _in.id).limit(_EACH)):
        says = f"from {row.supplier} should be here"
        yield _late(row.id, says, "not all of it came", row.expected_us)


def _late(order: str, says: str, what: str, at_us: int) -> Need:
    return Need(
        urgency=1, key=f"order-{order}", icon="clock", level="bad", title=f"Order {order} {says}",
        what=what, at_us=at_us, tap="Open", needs="read:orders",
        href=f"/screen/orders/{quote(order, safe='')}",
    )  # fmt: skip


def _dead_messages(connection: Connection) -> Iterator[Need]:
    dead = _count(connection, select(func.count()).where(_message.state == "dead"))
    if dead:
        yield Need(
            urgency=2, key="erp", icon="plug", level="bad",
            title=f"{dead:,} message{'' if dead == 1 else 's'} of the ERP came to nothing",
            what="nothing is lost: mend the cause and send again", at_us=None, tap="Look",
            needs="read:erp", href="/screen/erp?state=dead",
        )  # fmt: skip


def _reviews(connection: Connection, waiting: int) -> Iterator[Need]:
    """The oldest first, those that waited too long before all."""
    query = select(schema.review).where(_review.status == "open")
    query = query.order_by(_review.escalated_us.is_(None), _review.opened_us, _review.id)
    for row in connection.execute(query.limit(_EACH)):
        yield _asked(row)
    if waiting > _EACH:
        yield Need(
            urgency=5, key="reviews", icon="review", level="warn",
            title=f"{waiting - _EACH:,} more to review", what="what the sensors are not sure of",
            at_us=None, tap="All reviews", needs="read:reviews", href="/screen/reviews",
        )  # fmt: skip


def _asked(row: Row[Any]) -> Need:
    guesses = _hypotheses(row.hypotheses)
    best = f", most likely {guesses[0].says}" if guesses else ""
    return Need(
        urgency=4 if row.escalated_us is None else 1, key=f"review-{row.id}", icon="review",
        level="warn", title=row.reason, what=f"{row.read_point}{best}", at_us=row.event_us,
        tap="Answer", needs="read:reviews", href=f"/screen/reviews/{quote(row.id, safe='')}",
    )  # fmt: skip


def _counts(connection: Connection) -> Iterator[Need]:
    for one in tasks.list_tasks(connection, state=State.READY_TO_REVIEW, limit=_EACH):
        yield Need(
            urgency=5, key=f"count-{one.id}", icon="check", level="warn",
            title=f"Count {one.id} of {one.location} waits for approval",
            what="every difference was explained; approving posts them", at_us=one.counted_us,
            href=f"/screen/counts/{quote(one.id, safe='')}", tap="Approve",
            needs="write:count-reviews", post=f"/api/counts/{quote(one.id, safe='')}/review",
            sure="Approve: sure?", done="Approved, and on the ledger",
        )  # fmt: skip
    for state in (State.COUNTED, State.INVESTIGATING):
        for one in tasks.list_tasks(connection, state=state, limit=_EACH):
            yield Need(
                urgency=5, key=f"count-{one.id}", icon="check", level="warn",
                title=f"Count {one.id} of {one.location} differs from the books",
                what="somebody has to say why, or have it counted again", at_us=one.counted_us,
                href=f"/screen/counts/{quote(one.id, safe='')}", tap="Decide", needs="read:counts",
            )  # fmt: skip
