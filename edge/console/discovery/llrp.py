"""RFID readers by knocking: every address of a network, 256 at once, is asked at LLRP's port.

Who refuses LLRP is there all the same, and may be a reader in another mode: its web page tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from drivers.llrp.hello import Hello, hello
from edge.console.discovery.hits import Find
from edge.console.discovery.source import Ground, Talk
from edge.console.discovery.subnets import mac_addresses, targets
from edge.console.discovery.web_face import maker_of, web_face

_AT_ONCE = 256
_WRONG_MODE = {
    "Impinj": "Switch it to LLRP: on its web page, Home, reader information, Change Interface; or "
    "by SSH: config rfid interface llrp.",
    "Zebra": "Switch LLRP on: on its web page, Communication, LLRP settings; leave IoT Connector "
    "off, as it takes the radio.",
}
_BUSY = (
    "A reader serves one client. Stop the other one; if it is gone, the reader lets go within a "
)
_BUSY += "minute or when it is restarted."


async def look(ground: Ground, talk: Talk) -> str:
    """Ask through the networks. Raises ``CannotLook`` where there is none to ask."""
    hosts, networks = targets(ground.subnets)
    at_once = asyncio.Semaphore(_AT_ONCE)
    asked = 0
    found: list[Find] = []

    async def one(host: str) -> None:
        nonlocal asked
        async with at_once:
            find = await _one(host, ground)
        asked += 1
        if find is not None:
            found.append(find)
            talk.put(find)
        talk.say(f"{asked} of {len(hosts)} addresses of {networks}")

    await asyncio.gather(*(one(host) for host in hosts))
    readers = "1 reader" if len(found) == 1 else f"{len(found)} readers"
    return f"{readers} at {len(hosts)} addresses of {networks}"


async def _one(host: str, ground: Ground) -> Find | None:
    place = f"{host}:{ground.llrp_port}"
    if place in ground.leave_alone:
        return _ours(host, ground)
    seen = await hello(host, ground.llrp_port)
    if seen.state == "closed":
        return await _without_llrp(host, ground)
    if seen.state == "absent":
        return None
    # Connecting has made the kernel ask for the MAC address, which a busy reader does not tell.
    return _find(seen, mac_addresses(ground.arp))


def _find(seen: Hello, macs: Mapping[str, str]) -> Find:
    place = f"{seen.host}:{seen.port}"
    base = Find(
        source="llrp",
        kind="reader",
        title=seen.title,
        where=place,
        places=(place,),
        identity=seen.identity or macs.get(seen.host, ""),
        driver="llrp",
        options=_options(seen.host, seen.port),
    )
    changes: dict[str, Any]
    if seen.state == "free":
        changes = {"detail": _described(seen)}
    elif seen.state == "busy":
        maker = maker_of(base.identity, "")
        changes = {
            "title": f"{maker} reader" if maker else "LLRP reader",
            "condition": "busy", "held_by": seen.holder, "advice": _BUSY,
        }  # fmt: skip
    else:
        said = "says nothing" if seen.state == "silent" else "answers something else than LLRP"
        changes = {
            "title": f"Something at port {seen.port}", "condition": "wrong_mode",
            "detail": f"It takes connections at LLRP's port, and {said}.",
            "advice": "Is it an RFID reader? It may want TLS (set tls and port), or hang: restart "
            "it.",
        }  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def _options(host: str, port: int) -> dict[str, object]:
    return {"host": host} if port == 5084 else {"host": host, "port": port}


def _described(seen: Hello) -> str:
    antennas = f"{seen.antennas} antennas" if seen.antennas else ""
    firmware = f"firmware {seen.firmware}" if seen.firmware else ""
    return ", ".join(filter(None, (antennas, firmware)))


def _ours(host: str, ground: Ground) -> Find:
    place = f"{host}:{ground.llrp_port}"
    identity = mac_addresses(ground.arp).get(host, "")
    maker = maker_of(identity, "")
    return Find(
        source="llrp", kind="reader", title=f"{maker} reader".strip() if maker else "LLRP reader",
        where=place, places=(place,), identity=identity, driver="llrp",
        options=_options(host, ground.llrp_port),
    )  # fmt: skip


async def _without_llrp(host: str, ground: Ground) -> Find | None:
    """Somebody is there and refuses LLRP: a reader in another mode, or no reader at all."""
    mac = mac_addresses(ground.arp).get(host, "")
    place = f"{host}:{ground.llrp_port}"
    secure = await hello(host, ground.llrp_tls_port)
    if secure.state in {"silent", "no_llrp"}:
        return Find(
            source="llrp", kind="reader", title=f"{maker_of(mac, '')} LLRP reader".strip(),
            where=f"{host}:{ground.llrp_tls_port}", places=(place, f"{host}:{secure.port}"),
            identity=mac, driver="llrp", options={"host": host, "tls": {}},
            condition="wrong_mode",
            detail=f"Port {ground.llrp_tls_port} answers: LLRP by TLS.",
            advice="Add it by hand with tls = { ca_file = ... }, or switch TLS off in the reader.",
        )  # fmt: skip
    face = await web_face(host, ground.web_ports)
    maker = maker_of(mac, face)
    if not maker:
        return None
    return Find(
        source="llrp", kind="reader", title=f"{maker} reader", where=host,
        places=(place,), identity=mac, driver="llrp",
        options=_options(host, ground.llrp_port), condition="wrong_mode",
        detail="It answers on the web, and not by LLRP.",
        advice=_WRONG_MODE.get(maker, "Switch LLRP on in the reader."),
    )  # fmt: skip
