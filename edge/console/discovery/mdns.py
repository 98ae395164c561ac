"""What announces itself on the network (multicast DNS, RFC 6762 and 6763), through zeroconf."""

from __future__ import annotations

import asyncio
from typing import Any

from zeroconf import InterfaceChoice, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from edge.console.discovery.hits import Find
from edge.console.discovery.source import CannotLook, Ground, Talk

TYPES = {
    "_llrp._tcp.local.": "reader",
    "_esphomelib._tcp.local.": "load_cell",
    "_tallyport._tcp.local.": "tallyport",
    "_mqtt._tcp.local.": "broker",
}
_ANSWER_MS = 2_000


async def look(ground: Ground, talk: Talk) -> str:
    """Listen for ``ground.seconds``. Raises ``CannotLook`` where there is no multicast."""
    interfaces: Any = list(ground.mdns_interfaces) or InterfaceChoice.All
    try:
        mdns = AsyncZeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)
    except OSError as error:
        raise CannotLook(
            f"Announcements cannot be heard here: {error.strerror or error}.",
            "Is a network up, and may this program use multicast (UDP port 5353)?",
        ) from error
    heard: set[str] = set()
    asking: set[asyncio.Task[None]] = set()

    async def ask(kind: str, name: str) -> None:
        info = AsyncServiceInfo(kind, name)
        if await info.async_request(mdns.zeroconf, _ANSWER_MS):
            for find in finds(kind, name, info):
                heard.add(name)
                talk.put(find)

    def changed(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is not ServiceStateChange.Removed:
            task = asyncio.get_running_loop().create_task(ask(service_type, name))
            asking.add(task)
            task.add_done_callback(asking.discard)

    try:
        browser = AsyncServiceBrowser(mdns.zeroconf, list(TYPES), handlers=[changed])
        talk.say("listening to what announces itself")
        await asyncio.sleep(ground.seconds)
        await browser.async_cancel()
        await asyncio.gather(*asking)
    finally:
        for task in asking:
            task.cancel()
        await mdns.async_close()
    return f"{len(heard)} announced themselves"


def finds(kind: str, name: str, info: AsyncServiceInfo) -> list[Find]:
    """What one announcement means, one for each of its addresses."""
    short = name.removesuffix(f".{kind}")
    said = {
        key.decode("utf-8", "replace"): (value or b"").decode("utf-8", "replace")
        for key, value in info.properties.items()
    }
    port = info.port or 0
    return [
        _find(TYPES[kind], short, host, port, said)
        for host in info.parsed_addresses(IPVersion.V4Only)
    ]


def _find(kind: str, short: str, host: str, port: int, said: dict[str, str]) -> Find:
    place = f"{host}:{port}"
    match kind:
        case "reader":
            return Find(
                source="mdns", kind="reader", title=short, where=place, places=(place,),
                identity=_mac(said.get("mac", "")), driver="llrp",
                options={"host": host} if port == 5084 else {"host": host, "port": port},
                detail=f"It calls itself {short}.",
            )  # fmt: skip
        case "load_cell":
            return _node(short, host, place, said)
        case "broker":
            return Find(
                source="mdns", kind="broker", title=f"MQTT broker {short}", where=place,
                places=(place,), detail="Where nodes and edges publish: [mqtt] in the settings.",
            )  # fmt: skip
    return Find(
        source="mdns", kind="tallyport", title=f"Tallyport {said.get('role', '')} {short}".strip(),
        where=place, places=(place,), identity=said.get("id", ""),
        detail=", ".join(f"{key} {value}" for key, value in said.items() if key != "id"),
    )  # fmt: skip


def _node(short: str, host: str, place: str, said: dict[str, str]) -> Find:
    """An ESPHome node: a load cell where its project says so, else a person decides."""
    project = said.get("project_name", "")
    version = said.get("version", "")
    return Find(
        source="mdns",
        kind="load_cell",
        title=said.get("friendly_name") or short,
        where=place,
        places=(place, f"node:{short}", host),
        identity=_mac(said.get("mac", "")),
        driver="load-cell-mqtt",
        options={"node": short},
        detail=", ".join(filter(None, (f"ESPHome {version}".strip(), project))),
        advice="It is heard through the MQTT broker: its topic is tallyport/nodes/" + short + ".",
    )


def _mac(written: str) -> str:
    digits = written.replace(":", "").replace("-", "").lower()
    if len(digits) != 12:
        return written
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))
