"""A walk test that is finished from central is judged by central: on what it would have sent.

The edge keeps the record, so it is told before it writes it. Where central cannot judge, the record
is kept all the same, with the edge's own word on direction and why.
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from datetime import datetime
from importlib.metadata import version
from typing import Any

import msgspec
import structlog

from central.reconcile.portal import crossing
from central.reconcile.rehearsal import Names, Rehearsal, Told
from gateway.console import Ask, Troubled
from gateway.contract import Observation, TagResident, TagSighting
from screens.console.bundle import asked as answered
from screens.console.port import Desk

__all__ = ["FINISH", "judge", "with_judging"]

FINISH = "walk.finish"
_OBSERVED = "walk.observed"
_MOST_BYTES = 64 * 2**20
_log = structlog.get_logger("central.console")


class _Pass(msgspec.Struct):
    number: int
    want: str
    began: datetime
    heard: int
    missed: tuple[str, ...]
    log: list[tuple[int, Observation]]


class _Walk(msgspec.Struct):
    read_point: str
    expected: tuple[str, ...]
    passes: list[_Pass]


_walk = msgspec.json.Decoder(_Walk)


async def with_judging(desk: Desk, ask: Ask) -> Ask:
    """The same ask, with what central makes of the walk."""
    try:
        data = await _fetched(desk, str(ask.arguments.get("session", "")))
        more: dict[str, Any] = {"judging": await asyncio.to_thread(judge, data)}
    except (Troubled, ValueError, zlib.error) as error:
        _log.warning("walk_not_judged", ask=ask.id, why=str(error))
        more = {"unjudged": str(error)[:500]}
    return msgspec.structs.replace(ask, arguments=ask.arguments | more)


async def _fetched(desk: Desk, session: str) -> bytes:
    data = b""
    while True:
        arguments = {"session": session, "offset": len(data)}
        told, trouble = await answered(desk, _OBSERVED, arguments)
        if trouble is not None:
            raise Troubled(trouble.code, trouble.text, trouble.hint)
        data += base64.b64decode(told["base64"])
        if len(data) >= int(told["bytes"]) or not told["base64"]:
            return data


def judge(data: bytes) -> dict[str, Any]:
    """What the judging of production makes of passes; raises ``ValueError`` for what is none."""
    unpacking = zlib.decompressobj()
    raw = unpacking.decompress(data, _MOST_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError(f"the walk is larger than {_MOST_BYTES // 2**20} MiB")
    walk = _walk.decode(raw)
    names, rehearsal = Names(), Rehearsal(walk.read_point)
    expected = frozenset(walk.expected)
    passes = []
    for one in walk.passes:
        log = [(at_us, _renamed(seen, names)) for at_us, seen in one.log]
        told = list(rehearsal.judged(log, one.began))
        passes.append(_said(one, expected, [_named(each, names) for each in told]))
    clean = all(
        not (each["wrong"] or each["unknown"] or each["others"] or one.missed)
        for each, one in zip(passes, walk.passes, strict=True)
    )
    return {
        "software": f"Tallyport {version('tallyport')}",
        "weights": crossing.model(),
        "passes": passes,
        "verdict": "pass" if clean and passes else "fail",
    }


def _renamed(seen: Observation, names: Names) -> Observation:
    if isinstance(seen, TagSighting | TagResident):
        return msgspec.structs.replace(seen, epc=names.ours(seen.epc))
    return seen


def _named(told: Told, names: Names) -> Told:
    return told._replace(epc=names.theirs(told.epc))


def _said(one: _Pass, expected: frozenset[str], told: list[Told]) -> dict[str, int]:
    """How many of the carried tags were told the right way, and what else was told."""
    want = 1 if one.want == "in" else -1
    posted: dict[str, int] = {}
    for each in told:
        if not each.asked:
            posted[each.epc] = posted.get(each.epc, 0) + each.way
    own = {epc: way for epc, way in posted.items() if epc in expected and way}
    right = sum(way * want > 0 for way in own.values())
    asked = len({each.epc for each in told if each.asked} & expected - own.keys())
    return {
        "number": one.number,
        "right": right,
        "wrong": len(own) - right,
        "asked": asked,
        "unknown": max(0, one.heard - len(own) - asked),
        "others": sum(bool(way) for epc, way in posted.items() if epc not in expected),
    }
