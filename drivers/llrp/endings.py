"""Why a connection to an LLRP reader ended, in words for people, with what to do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from drivers.errors import DeviceUnavailable
from drivers.llrp.holder import holder_here
from drivers.llrp.link import Link
from drivers.llrp.link_settings import LinkSettings
from drivers.llrp.tls import trouble

_HELD_BY_ITS_OWN_CALL, _HELD_BY_A_CLIENT = 1, 2
"""Statuses of a ConnectionAttemptEvent (LLRP 1.0.1, section 16.2.7.6.10)."""


def gone(link: Link, settings: LinkSettings, *, begun: bool) -> DeviceUnavailable:
    """The reader hung up, or the connection broke; ``begun``: not before it had said hello."""
    broke = link.reader.broke
    if broke is not None:
        network = "Check the network between this computer and the reader."
        words, hint = trouble(broke) or (str(broke), network)
        words = f"The connection to the LLRP reader at {link.where} broke: {words}"
        error = DeviceUnavailable(words, hint=hint)
        error.__cause__ = broke
        return error
    hint = "It restarted, or another program made it hang up."
    if not begun and settings.tls is None:
        hint = "It said nothing before: if it wants TLS, set tls (and port)."
    elif not begun:
        hint = "It said nothing before: if it wants a certificate of ours, set tls.certificate."
    return DeviceUnavailable(f"The LLRP reader at {link.where} closed the connection", hint=hint)


def silent(where: str, idle_s: float) -> DeviceUnavailable:
    """The reader was set up, and says nothing any more."""
    return DeviceUnavailable(
        f"The LLRP reader at {where} sent nothing for {idle_s:g} s, not even a keepalive",
        hint="The link is dead: check cables, switch and the reader's power.",
    )


def not_set_up(where: str, setup_s: float, missing: str) -> DeviceUnavailable:
    """The reader does not answer what it is asked for its setup."""
    return DeviceUnavailable(
        f"The LLRP reader at {where} did not finish setup in {setup_s:g} s; missing: {missing}",
        hint="Restart the reader's LLRP service; is it an LLRP port?",
    )


def not_admitted(link: Link, status: int) -> DeviceUnavailable:
    """The reader refused the connection with this status of its ConnectionAttemptEvent."""
    if status == _HELD_BY_ITS_OWN_CALL:
        return DeviceUnavailable(
            f"The LLRP reader at {link.where} is busy: it has itself called another client",
            hint="It is set to dial a server (reader-initiated connection): switch that off in "
            "the reader, or let it dial this computer and use listen.",
        )
    if status == _HELD_BY_A_CLIENT:
        return DeviceUnavailable(
            f"The LLRP reader at {link.where} is busy: another client is connected to it; "
            f"{_holder(link.writer)}",
            hint="A reader serves one client. Stop the other one (a second edge, the maker's "
            "software); if it is gone, the reader lets go in a minute or on restart.",
        )
    return DeviceUnavailable(
        f"The LLRP reader at {link.where} refused the connection (status {status})",
        hint="Restart the reader's LLRP service.",
    )


def _holder(writer: asyncio.StreamWriter) -> str:
    with suppress(ValueError, TypeError, OSError):  # no list, no addresses: nothing is known
        reader, ours = (writer.get_extra_info(name)[:2] for name in ("peername", "sockname"))
        return holder_here(reader, ours) or (
            "no other connection to it is from this computer, and LLRP does not tell whose it is"
        )
    return "LLRP does not tell whose it is"
