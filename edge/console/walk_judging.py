"""A walk test for central's judging: what it would have sent, and what central makes of it.

Central judges no readings but what the edge folds them into, and by more than this walk: the same
folding is done here as in production, with the settings of the device.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from drivers.recording import Recording
from edge.config import DeviceConfig
from edge.console.walk_model import Pass
from edge.describing import describe
from edge.replaying import replay_recording
from gateway.console import Troubled
from gateway.contract import DeviceHealth, Observation

__all__ = ["Judging", "PassJudged", "by_central", "observed"]

_APART = timedelta(minutes=2)
"""Passes are put so far apart: judging is not told of what was discarded between them."""
_AFTERWARDS_US = 60_000_000
_Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class PassJudged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pass: tags told ``right``, ``wrong``, ``asked`` of a person, not told at all
    (``unknown``), and ``others`` that were told to have moved and were not carried.
    """

    number: _Count
    right: _Count
    wrong: _Count
    asked: _Count
    unknown: _Count
    others: _Count


class Judging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What central made of a walk, and by which version of its judging."""

    software: Annotated[str, msgspec.Meta(max_length=64)]
    weights: Annotated[str, msgspec.Meta(max_length=64)]
    passes: tuple[PassJudged, ...]
    verdict: Literal["pass", "fail"]


def by_central(passes: Sequence[Pass], judging: Judging) -> list[Pass]:
    """The passes with central's word on direction. Raises ``Troubled`` where others were walked."""
    if [one.number for one in passes] != [one.number for one in judging.passes]:
        raise Troubled(
            "walked-on",
            "A pass was walked or discarded while central judged.",
            "Finish again: nothing is lost.",
        )
    return [
        msgspec.structs.replace(
            one, right=said.right, wrong=said.wrong, unknown=said.unknown, asked=said.asked,
            others=said.others,
        )
        for one, said in zip(passes, judging.passes, strict=True)
    ]  # fmt: skip


def observed(
    device: DeviceConfig,
    at: datetime,
    passes: Sequence[Pass],
    made: Sequence[Recording],
    expected: Collection[str],
) -> bytes:
    """What each pass would have sent to central, as zlib-compressed JSON."""
    told = []
    for one, recording in zip(passes, made, strict=True):
        header = msgspec.structs.replace(recording.header, started_at=at + one.number * _APART)
        moved = Recording(header=header, heard=recording.heard, truths=())
        log = list(_log(device, moved, header.started_at))
        began = header.started_at.isoformat()
        told.append({
            "number": one.number, "want": one.want, "missed": one.missed, "began": began,
            "heard": one.heard, "log": log,
        })  # fmt: skip
    whole = {"read_point": device.read_point, "expected": sorted(expected), "passes": told}
    return zlib.compress(msgspec.json.encode(whole))


def _log(
    device: DeviceConfig, recording: Recording, began: datetime
) -> Iterator[tuple[int, Observation]]:
    """As the edge would keep it: the reader described first, and a word from it long after."""
    at_us = round(began.timestamp() * 1e6)
    yield at_us, describe(device, at_us)
    for at_us, observation in replay_recording(recording, device.fold):
        yield at_us, msgspec.structs.replace(observation, device=device.name)
    at_us += _AFTERWARDS_US
    last = datetime.fromtimestamp(at_us / 1e6, began.tzinfo)
    yield (
        at_us,
        DeviceHealth(
            device=device.name, read_point=device.read_point, event_time=last, state="running"
        ),
    )
