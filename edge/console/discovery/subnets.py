"""Which addresses to ask: networks that a person names, or the machine's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_network
from pathlib import Path

import ifaddr

from edge.console.discovery.source import CannotLook

MOST_ADDRESSES = 4_096
_OWN_PREFIX = 24


def targets(subnets: Sequence[str]) -> tuple[list[str], str]:
    """The addresses to ask, and in words which networks these are. Raises ``CannotLook``."""
    networks = [_network(one) for one in subnets] if subnets else own_networks()
    if not networks:
        raise CannotLook(
            "This computer has no address in a network.",
            "Plug in its network cable, or name a network, such as 192.168.1.0/24.",
        )
    count = sum(one.num_addresses for one in networks)
    if count > MOST_ADDRESSES:
        raise CannotLook(
            f"That is {count} addresses; at most {MOST_ADDRESSES} are asked at once.",
            "Name a smaller network, such as 192.168.1.0/24.",
        )
    hosts = dict.fromkeys(str(host) for network in networks for host in network.hosts())
    return list(hosts), ", ".join(str(network) for network in networks)


def _network(written: str) -> IPv4Network:
    try:
        network = ip_network(written.strip(), strict=False)
    except ValueError as error:
        raise CannotLook(
            f'"{written}" is no network: {error}.', "Write it like 192.168.1.0/24."
        ) from error
    if not isinstance(network, IPv4Network):
        raise CannotLook(
            f"{written} is an IPv6 network, which is too large to ask through.",
            "Give the device by hand, or name its IPv4 network.",
        )
    return network


def own_networks() -> list[IPv4Network]:
    """The networks of this machine's addresses, none of them larger than 256 addresses."""
    found = [
        IPv4Interface(f"{ip.ip}/{max(ip.network_prefix, _OWN_PREFIX)}")
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4
    ]
    return _networks(found)


def _networks(addresses: Iterable[IPv4Interface]) -> list[IPv4Network]:
    """Without the loopback and what gave itself an address (RFC 3927)."""
    return sorted({one.network for one in addresses if not (one.is_loopback or one.is_link_local)})


def mac_addresses(arp: Path) -> dict[str, str]:
    """Which address has which MAC address, as the kernel knows (proc_net(5), /proc/net/arp)."""
    try:
        lines = arp.read_text().splitlines()[1:]
    except OSError:
        return {}  # not on this system: identities come from the readers alone
    rows = [line.split() for line in lines]
    return {
        str(IPv4Address(row[0])): row[3].lower()
        for row in rows
        if len(row) >= 4 and row[3] != "00:00:00:00:00:00"
    }
