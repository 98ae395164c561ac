"""What every source of discovery is handed, and how it says that it cannot look here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from edge.console.discovery.hits import Find

BY_ID = Path("/dev/serial/by-id")
INPUT_BY_ID = Path("/dev/input/by-id")
ARP = Path("/proc/net/arp")


class CannotLook(Exception):
    """A source does not work on this machine: why, and in ``hint`` what would help."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where to look. ``subnets`` empty: the networks of this machine's own addresses.

    ``leave_alone`` are places that our own agent uses just now: nobody knocks there. ``sniff``
    lets serial ports be listened to, and asked for a model and a weight, nothing that changes
    a device. ``mdns_interfaces`` empty: all.
    """

    subnets: tuple[str, ...] = ()
    llrp_port: int = 5084
    llrp_tls_port: int = 5085
    web_ports: tuple[int, ...] = (80, 443)
    seconds: float = 4.0
    sniff: bool = True
    listen_s: float = 2.0
    by_id: Path = BY_ID
    input_by_id: Path = INPUT_BY_ID
    arp: Path = ARP
    mdns_interfaces: tuple[str, ...] = ()
    mdns_port: int = 5353
    leave_alone: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """How a source speaks while it looks: ``put`` for what it found, ``say`` for how far it is."""

    put: Callable[[Find], None]
    say: Callable[[str], None]


LookAt = Callable[[Ground, Talk], Awaitable[str]]
"""A source: looks, and returns what it did, in words. Raises ``CannotLook``."""
