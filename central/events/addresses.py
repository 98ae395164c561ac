"""Where webhooks may go: nowhere within, unless the settings say so.

Whoever may make a subscription chooses a URL that central then asks for. Without a guard he would
reach through central what he cannot reach himself: the machine's own ports, a cloud's metadata, the
company's network. The name is resolved anew for every connection, every address it stands for is
looked at, and the connection is made to one that was looked at: a name that changes its mind in
between gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from central.events.model import NotTaken

__all__ = ["Network", "is_open", "reachable"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_NAT64 = IPv6Network("64:ff9b::/96")


async def reachable(host: str, port: int, allowed: Sequence[Network]) -> tuple[str, bool]:
    """An address of ``host`` that may be asked, and whether it is one of the ``allowed`` ones
    within. Raises ``NotTaken``.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotTaken(f"{host} has no address: {error}", reached=False) from error
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    within = [any(_real(one) in network for network in allowed) for one in addresses]
    for address, is_allowed in zip(addresses, within, strict=True):
        if not is_allowed and not is_open(address):
            raise NotTaken(
                f"{host} is at {address}, which lies within: name its network in "
                "events.webhook_networks if webhooks may go there"
            )
    return str(addresses[0]), within[0]


def is_open(address: Address) -> bool:
    """Whether an address is one of the public network."""
    real = _real(address)
    return real.is_global and not real.is_multicast


def _real(address: Address) -> Address:
    """The address that one stands for that only wraps another one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
