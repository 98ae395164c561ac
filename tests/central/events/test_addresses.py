"""Webhooks go to public addresses, whatever form a private one hides in."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Network, ip_address
from typing import Any

import pytest

from central.events.addresses import is_open, reachable
from central.events.model import NotTaken


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_lies_within_is_not_open(address: str) -> None:
    assert not is_open(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_what_is_public_is(address: str) -> None:
    assert is_open(ip_address(address))


def _names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def found(*_: object, **__: object) -> list[Any]:
        if not addresses:
            raise socket.gaierror("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)


async def test_one_private_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, "93.184.216.34", "10.0.0.1")
    with pytest.raises(NotTaken, match="lies within") as refusal:
        await reachable("two.example", 443, [])
    assert refusal.value.reached, "it is told again some times, and put aside: not for ever"
    _names(monkeypatch, "93.184.216.34")
    assert await reachable("one.example", 443, []) == ("93.184.216.34", False)


async def test_allowed_networks_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, "10.0.0.7")
    assert await reachable("erp", 80, [IPv4Network("10.0.0.0/24")]) == ("10.0.0.7", True)
    with pytest.raises(NotTaken, match="lies within"):
        await reachable("erp", 80, [IPv4Network("10.0.1.0/24")])


async def test_a_name_without_an_address_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch)
    with pytest.raises(NotTaken, match="has no address") as refusal:
        await reachable("none.example", 443, [])
    assert not refusal.value.reached
