"""Bluetooth LE devices by what they advertise: scales, and bridges that carry a serial line.

What else is near (telephones, headphones) is counted, and not shown.
"""

from __future__ import annotations

import asyncio

from drivers.errors import DeviceError
from drivers.scales.ble_adverts import BTHOME_UUID, MI_10_UUID, MI_13_UUID
from drivers.transports.ble_link import full_uuid
from drivers.transports.ble_radio import Sighting, radio_of
from drivers.transports.ble_uart import UARTS
from edge.console.discovery.hits import Find, Kind
from edge.console.discovery.source import CannotLook, Ground, Talk

_ACAIA_NAMES = ("acaia", "pearl", "lunar", "pyxis", "cinco", "proch")
_BY_DATA = {
    full_uuid(f"{BTHOME_UUID:04x}"): ("ble-bthome", "BTHome sensor"),
    full_uuid(f"{MI_10_UUID:04x}"): ("ble-xiaomi", "Mi Smart Scale"),
    full_uuid(f"{MI_13_UUID:04x}"): ("ble-xiaomi", "Mi Body Composition Scale"),
}
_WEIGHT_SCALE, _DECENT, _ACAIA = full_uuid("181d"), full_uuid("fff0"), full_uuid("1820")


async def look(ground: Ground, talk: Talk) -> str:
    """Listen for ``ground.seconds``. Raises ``CannotLook`` where there is no usable Bluetooth."""
    near: dict[str, Sighting] = {}
    shown = 0
    now = asyncio.get_running_loop().time
    ends_at = now() + ground.seconds
    talk.say("listening to what advertises itself")
    try:
        async with radio_of(None).listening(None) as ear:
            while (left_s := ends_at - now()) > 0:
                sighting = await ear.next(left_s)
                if sighting is None:
                    break
                before = near.get(sighting.address)
                whole = _joined(before, sighting)
                near[sighting.address] = whole
                find = find_of(whole)
                if find is not None and (before is None or find_of(before) != find):
                    shown += before is None or find_of(before) is None
                    talk.put(find)
    except DeviceError as error:
        raise CannotLook(str(error), error.hint) from error
    return f"{shown} of use among {len(near)} Bluetooth devices near"


def _joined(before: Sighting | None, sighting: Sighting) -> Sighting:
    """What a device said in all its advertisements: some say the name, others the services."""
    if before is None:
        return sighting
    return Sighting(
        sighting.address,
        sighting.name or before.name,
        sighting.device,
        tuple(sorted({*before.service_uuids, *sighting.service_uuids})),
        {**before.service_data, **sighting.service_data},
        before.rssi_dbm,  # the first: a figure that moves is no news of the device
    )


def find_of(seen: Sighting) -> Find | None:
    """What a device is, by what it advertises; ``None`` for one that we have no use for."""
    name = seen.name.casefold()
    uuids = set(seen.service_uuids)
    for uuid, (driver, title) in _BY_DATA.items():
        if uuid in seen.service_data:
            return _found(seen, "scale", driver, title)
    if name.startswith(_ACAIA_NAMES) or _ACAIA in uuids:
        return _found(seen, "scale", "ble-acaia", "Acaia scale")
    if "decent" in name or (_DECENT in uuids and "scale" in name):
        return _found(seen, "scale", "ble-decent", "Decent scale")
    if _WEIGHT_SCALE in uuids:
        return _found(seen, "scale", "ble-weight-scale", "Scale with the Weight Scale Service")
    for bridge in UARTS:
        if full_uuid(bridge.service) in uuids:
            return _found(seen, "serial", "", f"Serial bridge ({bridge.name})")
    return None


def _found(seen: Sighting, kind: Kind, driver: str, title: str) -> Find:
    bridge = not driver
    rssi = f"heard with {seen.rssi_dbm} dBm" if seen.rssi_dbm is not None else ""
    return Find(
        source="bluetooth",
        kind=kind,
        title=f"{title}: {seen.name}" if seen.name else title,
        where=seen.address,
        places=(seen.address.lower(), *((seen.name.casefold(),) if seen.name else ())),
        identity=seen.address.lower(),
        driver=driver,
        options={"ble": {"address": seen.address}} if bridge else {"address": seen.address},
        detail=rssi,
        advice="Choose the protocol of the scale behind it." if bridge else "",
    )
