"""What people are told: a message of one or many happenings, as plain text and as HTML. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from central.alerts.model import SEVERITIES, Kind, Severity, What
from central.database.moments import from_us

__all__ = ["Message", "Told", "Words", "said", "severest"]

_SAID: dict[What, str] = {
    "raised": "Raised",
    "acknowledged": "Seen to",
    "snoozed": "Snoozed",
    "woken": "Still there",
    "escalated": "Nobody saw to it",
    "cleared": "Over",
}
_SPELT_OUT = 50
"""Happenings of one message that are told one by one; the others are counted."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an alert, and the alert as it was then."""

    event: int
    what: What
    at_us: int
    alert: int
    kind: Kind
    severity: Severity
    says: str
    value: int
    limit: int | None
    rule: str
    sku: str = ""
    location: str = ""
    subject: str = ""
    by: str = ""
    note: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel is told at once. It keeps its ``id`` however often it has to be sent."""

    id: str
    channel: str
    made_us: int
    told: tuple[Told, ...]


class Words(NamedTuple):
    """A message for people."""

    subject: str
    text: str
    html: str


def severest(told: Sequence[Told]) -> Severity:
    """The severity of the worst of it."""
    return max((one.severity for one in told), key=SEVERITIES.index)


def said(message: Message, url: str) -> Words:
    """A message in words, with links to ``url``, where central answers; without one, none."""
    shown, more = message.told[:_SPELT_OUT], len(message.told) - _SPELT_OUT
    blocks = [_block(one, url) for one in shown]
    if more > 0:
        blocks.append([f"And {more} more; see {url}/screen/alerts" if url else f"And {more} more."])
    text = "\n\n".join("\n".join(lines) for lines in blocks) + "\n"
    paragraphs = "\n".join(f"<p>{'<br>'.join(map(_html, lines))}</p>" for lines in blocks)
    page = f'<!DOCTYPE html>\n<html lang="en"><body>\n{paragraphs}\n</body></html>\n'
    return Words(_subject(message.told), text, page)


def _subject(told: Sequence[Told]) -> str:
    first = told[0]
    if len(told) == 1:
        line = f"[{first.severity}] {_SAID[first.what]}: {first.says}"
    else:
        counted = Counter(one.what for one in told)
        parts = ", ".join(f"{count} {what}" for what, count in counted.items())
        line = f"[{severest(told)}] {len(told)} alerts: {parts}"
    return " ".join(line.split())[:200]


def _block(one: Told, url: str) -> list[str]:
    """The lines of one happening."""
    when = from_us(one.at_us).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"{_SAID[one.what]}: {one.says}",
        f"{one.severity}, {when}, by rule {one.rule}",
    ]
    if one.by or one.note:
        lines.append(": ".join(part for part in (one.by, one.note) if part))
    if url:
        if one.sku:
            lines.append(f"{url}/screen/items/{quote(one.sku, safe='')}")
        lines.append(f"{url}/screen/alerts/{one.alert}")
    return lines


def _html(line: str) -> str:
    shown = escape(line)
    is_link = line.startswith(("http://", "https://")) and " " not in line
    return f'<a href="{shown}">{shown}</a>' if is_link else shown
