"""Fan-out to chat, push and paging services (ntfy, Slack, PagerDuty, Telegram, ...) by Apprise.

The channel's secret is the service's URL in Apprise's notation: it holds the keys of the service,
so no answer, error or log shows it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from urllib.parse import unquote

from central.alerts.model import Channel, Severity
from central.alerts.telling.ways import NotTaken
from central.alerts.telling.words import Message, said, severest

__all__ = ["FanOut", "is_service"]

_KINDS: dict[Severity, str] = {"info": "info", "warning": "warning", "critical": "failure"}
_WORD = re.compile(r"[^/?&=:@,;#]{4,}")


def _quiet() -> None:
    """The library writes URLs into its log."""
    log = logging.getLogger("apprise")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())


def is_service(url: str) -> bool:
    """Whether the library knows such a service. One that reaches this machine's own screen, files
    or programs is none of ours.
    """
    from apprise import Apprise  # noqa: PLC0415 (slow to import, and mostly unused)

    _quiet()
    scheme = url.partition("://")[0].lower()
    return scheme not in _LOCAL and bool(Apprise().add(url))


_LOCAL = frozenset(
    {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows", "file", "smpp"}
)


class FanOut:
    """``url`` is where central answers, for links. One service at a time: the library tells what
    went wrong in one log for all.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = asyncio.Lock()

    async def send(self, channel: Channel, secret: str, message: Message) -> str:
        """See ``Way``."""
        del channel
        async with self._turn:
            why = await asyncio.to_thread(self._send, secret, message)
        if why:
            raise NotTaken(_without(secret, f"the service did not take it: {why}"))
        return ""

    def _send(self, secret: str, message: Message) -> str:
        """Empty, or what went wrong."""
        from apprise import Apprise, LogCapture, NotifyFormat, NotifyType  # noqa: PLC0415 (above)

        _quiet()
        # By itself, not among several: those wait for one another in threads that never end.
        service = Apprise.instantiate(secret)
        if service is None:
            return "its URL is not one that Apprise knows: set it anew"
        words = said(message, self._url)
        with LogCapture(level=logging.WARNING, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
            done = service.notify(
                body=words.text,
                title=words.subject,
                notify_type=NotifyType(_KINDS[severest(message.told)]),
                body_format=NotifyFormat.TEXT,
            )
            return "" if done else log.getvalue().strip() or "it does not say why"


def _without(secret: str, told: str) -> str:
    """``told`` without anything that stands in the secret behind its scheme."""
    shown = told.replace(secret, "***")
    for word in sorted(set(_WORD.findall(secret.partition("://")[2])), key=len, reverse=True):
        shown = shown.replace(word, "***").replace(unquote(word), "***")
    return shown[:300]
