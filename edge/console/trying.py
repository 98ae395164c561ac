"""The operation ``try_device``: live data of a device that stands in no file yet.

What it proves is put into a *proof*, without which ``device.add`` adds nothing: a seal over the
driver and how the device is reached, good for an hour and for this run of the agent.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
import tomllib
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from drivers.llrp.hello import Hello, hello
from drivers.readings import DeviceEvent, Reading, TagRead
from edge.config import ConfigError, DeviceConfig, check_device
from edge.console.bench import Bench
from edge.console.discovery.looking import ours_of
from edge.console.operation import Operation, Tell
from edge.console.tag_sight import named
from edge.decode import as_json
from edge.kinds import kinds
from edge.probe import Finding, probe
from gateway.console import Troubled
from gateway.gs1 import decode_epc

__all__ = ["KINDS", "TRY_DEVICE", "is_proved"]

_SEAL = secrets.token_bytes(32)
_LASTS_S = 3_600
_ENOUGH = 4
_SHOWN = 6
_PLACING = frozenset(
    {"name", "read_point", "plate", "antennas", "fold", "identity", "calibration", "gpis"}
)
"""What says where a device is, not how it is reached."""


class TryArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``fields`` are the device's own keys, as in the settings, ``more`` further ones as TOML;
    ``seconds`` how long to wait.
    """

    fields: dict[str, Any]
    more: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    seconds: Annotated[float, msgspec.Meta(ge=1, le=300)] = 60.0


async def try_device(bench: Bench, asked: TryArguments, tell: Tell) -> dict[str, Any]:
    """Connect as the agent does, and tell what comes, until enough has come."""
    fields = _whole(asked)
    device = checked(fields)
    _not_ours(bench, device)
    tell({"state": "connecting", "where": _where(device)})
    reader = await _reader(device)

    def news(finding: Finding) -> None:
        tell(_picture(finding))

    finding = await probe(device, asked.seconds, news=news, enough_readings=_ENOUGH)
    if not finding.ok:
        raise Troubled("not-there", finding.problem, finding.hint)
    if not finding.readings:
        raise Troubled("nothing-heard", f"{finding.identity or 'It answers'}, but nothing came "
                       f"within {asked.seconds:g} s.", _nothing_hint(device))  # fmt: skip
    return _picture(finding) | {
        "identity": reader.identity if reader else _serial_number(finding.identity),
        "ports": reader.antennas if reader else 0,
        "notes": list(finding.notes),
        "fields": fields,
        "proof": _proof(fields, time.time()),
    }


def checked(fields: Mapping[str, Any]) -> DeviceConfig:
    """The device that these keys describe; a missing name or place is made up. Raises ``Troubled``
    with every mistake.
    """
    try:
        return check_device({"name": "new", "read_point": "new"} | dict(fields))
    except ConfigError as error:
        sentences = " ".join(str(one) for one in error.mistakes)
        raise Troubled("mistakes", sentences, "Go back, and correct it.") from error


def is_proved(fields: Mapping[str, Any], proof: str) -> bool:
    """Whether ``try_device`` gave this proof for a device that is reached so, within the hour."""
    stamp, _, _ = proof.partition(".")
    if not stamp.isdigit() or time.time() - int(stamp) > _LASTS_S:
        return False
    return hmac.compare_digest(proof, _proof(fields, int(stamp)))


def _proof(fields: Mapping[str, Any], at_s: float) -> str:
    reached = {key: value for key, value in fields.items() if key not in _PLACING}
    said = msgspec.json.encode([int(at_s), reached], order="sorted")
    return f"{int(at_s)}.{hmac.new(_SEAL, said, hashlib.sha256).hexdigest()}"


def _not_ours(bench: Bench, device: DeviceConfig) -> None:
    (new,) = ours_of([device], {})
    for one in ours_of(bench.fleet.devices, {}):
        if not {*one.places}.isdisjoint(new.places):
            raise Troubled(
                "known", f"This is {one.name} already.", "Open its page, or choose another device."
            )


def _whole(asked: TryArguments) -> dict[str, Any]:
    try:
        more = tomllib.loads(asked.more)
    except ValueError as error:
        raise Troubled("no-toml", f"The further settings are no TOML: {error}.") from error
    return asked.fields | more


async def _reader(device: DeviceConfig) -> Hello | None:
    """What a reader says of itself, of those that are dialled in clear."""
    host, port = getattr(device.options, "host", None), getattr(device.options, "port", None)
    secure = getattr(device.options, "tls", None) is not None
    if device.driver != "llrp" or not host or not isinstance(port, int) or secure:
        return None
    return await hello(host, port, connect_s=3.0)


def _serial_number(identity: str) -> str:
    _, _, number = identity.partition("serial number ")
    return number.split(",")[0].strip()


def _where(device: DeviceConfig) -> str:
    return str(getattr(device.options, "where", device.driver))


def _nothing_hint(device: DeviceConfig) -> str:
    if device.driver == "llrp":
        return "Hold a tag in front of an antenna. Are the antennas screwed on, and switched on?"
    if device.driver.startswith("scanner"):
        return "Scan any code."
    return "Put something on the scale, or press its print key."


def _picture(finding: Finding) -> dict[str, Any]:
    """What came so far, for a page."""
    heard = [one for one in finding.readings if not isinstance(one, DeviceEvent)]
    antennas = Counter(str(one.antenna) for one in heard if isinstance(one, TagRead))
    return {
        "state": "hearing" if heard else "connected",
        "says": finding.identity,
        "count": len(heard),
        "antennas": dict(sorted(antennas.items())),
        "readings": [_reading(one) for one in heard[-_SHOWN:]],
    }


def _reading(one: Reading) -> dict[str, Any]:
    """A reading, and what a tag's code means."""
    said = {key: value for key, value in as_json(one).items() if value is not None}
    return said | named(decode_epc(one.epc)) if isinstance(one, TagRead) else said


class KindsArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to say."""


async def tell_kinds(_bench: Bench, _asked: KindsArguments, _tell: Tell) -> dict[str, Any]:
    """Which kinds of device this edge can hear."""
    found = await asyncio.to_thread(kinds)
    return {"kinds": [msgspec.to_builtins(one) for one in found if not one.problem]}


KINDS = Operation(KindsArguments, tell_kinds)
TRY_DEVICE = Operation(TryArguments, try_device)
