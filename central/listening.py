"""The socket on which central's screens answer, and what it does when file handles run out.

asyncio takes an ``accept`` that fails for want of a handle for one of many, and asks on, two
thousand times a round, a round for each of them a second later: central would do nothing else.
Here it hears of it once a second. And visitors never get the last handles: those are for the
database, the series and the broker.
"""

from __future__ import annotations

import errno
import resource
import socket
from collections import Counter
from typing import Any

import structlog

from gateway.clock import Clock, SystemClock

__all__ = ["Listening", "listen"]

KEPT_FREE = 64
"""File handles that no visitor gets."""
_REST_S = 0.5
"""Shorter than the second after which asyncio asks again."""
_QUEUE = 2_048
_MOST_UNSENT = 32 * 1_024
_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_log = structlog.get_logger("central.listening")


class Listening(socket.socket):
    """See the module. ``counters``: ``refused`` visitors, for whom there was no handle left."""

    def __init__(self, family: socket.AddressFamily) -> None:
        # With the protocol told, asyncio turns Nagle's waiting off: an answer of two segments
        # would wait for the client's acknowledgement of the first, 40 ms.
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.clock: Clock = SystemClock()
        self._rests_until_s = 0.0
        self.counters: Counter[str] = Counter()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next visitor. Raises ``BlockingIOError`` when there is none, or none is let in."""
        now_s = self.clock.steady_s()
        if now_s < self._rests_until_s:
            raise BlockingIOError
        try:
            visitor, address = super().accept()
        except OSError as error:
            if error.errno in _SHORTAGES:
                self._rests_until_s = now_s + _REST_S
            raise
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if visitor.fileno() < most - KEPT_FREE:
            return visitor, address
        visitor.close()
        self.counters["refused"] += 1
        _log.error("visitor_refused", why=f"{most} file handles, nearly all in use")
        raise BlockingIOError


def listen(host: str, port: int) -> Listening:
    """Listen there. Raises ``OSError`` with what to do about it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = Listening(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OSError(
            f"cannot listen on {host}:{port}: {error.strerror}; another program uses the port: "
            "choose another http.port, or 0 for any free one"
        ) from error
    _keep_fresh(listening)
    listening.listen(_QUEUE)
    listening.setblocking(False)
    return listening


def _keep_fresh(listening: socket.socket) -> None:
    """A visitor that reads slowly leaves its answers with us, not in the kernel: a live screen
    skips then what is out of date, and the kernel holds no megabytes for it. Linux; every visitor
    inherits it.
    """
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
