"""Whether a channel's addresses are such as its way can use."""

from __future__ import annotations

import re
from collections.abc import Callable

from central.alerts.model import Channel, ChannelKind
from central.alerts.telling.fan_out import is_service
from central.alerts.telling.programs import check_hook, check_topic
from central.catalogue.errors import NotValid

__all__ = ["check"]

_MAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[^@\s<>,;:\"()\[\]\\]{1,190}")


def check(channel: Channel, secret: str) -> None:
    """Raises ``NotValid``."""
    _CHECKS[channel.kind](channel, secret)


def _mail(channel: Channel, secret: str) -> None:
    if not channel.to:
        raise NotValid("a channel for email names in `to` whom it goes to")
    for one in channel.to:
        if not _MAIL.fullmatch(one):
            raise NotValid(f"{one!r} is no address of mail such as anna@example.com")
    if secret:
        raise NotValid("a channel for email has no secret: the login stands in [mail]")


def _service(channel: Channel, secret: str) -> None:
    if channel.to:
        raise NotValid("a channel for apprise has no `to`: its secret is the service's URL")
    if not is_service(secret):
        raise NotValid(
            "`secret` is no URL of a service that Apprise knows, such as ntfy://ntfy.sh/my-topic; "
            "what reaches only the machine that central runs on is not taken"
        )


_CHECKS: dict[ChannelKind, Callable[[Channel, str], None]] = {
    "email": _mail,
    "apprise": _service,
    "webhook": check_hook,
    "mqtt": check_topic,
}
