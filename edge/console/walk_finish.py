"""``walk.finish`` ends a walk test and keeps its record; ``walk.observed`` tells what the walk
would have sent to central, for central to judge it before it is finished (``walk_judging``).
"""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated, Any

import msgspec

from edge.console import records
from edge.console.bench import Bench
from edge.console.calibrate import software
from edge.console.operation import Changing, Operation, Tell
from edge.console.trial import back_again
from edge.console.walk import walk_of
from edge.console.walk_judging import Judging, by_central, observed
from edge.console.walk_record import keep_recordings, made_of
from gateway.console import Troubled

__all__ = ["FINISH", "OBSERVED"]


class WalkFinishArguments(Changing, frozen=True, kw_only=True):
    """``signer`` accepts the portal; ``signed_for`` is whom they sign for. ``judging`` is
    central's, ``unjudged`` why it has none: no page puts them in.
    """

    session: str
    signer: Annotated[str, msgspec.Meta(max_length=64)] = ""
    signed_for: Annotated[str, msgspec.Meta(max_length=64)] = ""
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    judging: Judging | None = None
    unjudged: Annotated[str, msgspec.Meta(max_length=500)] = ""


class ObservedArguments(Changing, frozen=True, kw_only=True):
    """From which byte on."""

    session: str
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 0


async def tell_observed(_bench: Bench, asked: ObservedArguments, _tell: Tell) -> dict[str, Any]:
    """A part of what the passes walked so far would have sent to central, in base64."""
    here = walk_of(asked.session)
    if asked.offset == 0 or here.observed is None:
        here.walking.end("hand")
        here.observed = await asyncio.to_thread(
            observed,
            here.device,
            here.begun_at,
            list(here.walking.passes),
            here.recordings(),
            here.walking.expected,
        )
    part = here.observed[asked.offset : asked.offset + records.PART_BYTES]
    return {"bytes": len(here.observed), "base64": base64.b64encode(part).decode("ascii")}


async def finish(bench: Bench, asked: WalkFinishArguments, tell: Tell) -> dict[str, Any]:
    """Give the portal back, keep the record and the recording."""
    here = walk_of(asked.session)
    here.walking.end("hand")
    if not here.walking.passes:
        raise Troubled(
            "nothing-walked",
            "No pass was walked yet: none of the expected tags was heard.",
            "Walk through, or cancel. If you did walk: are these the tags on the trolley?",
        )
    if asked.judging is not None:
        by_central(here.walking.passes, asked.judging)
    here.finished.set()
    tell({"phase": "giving the portal back"})
    await here.released.wait()
    back = await back_again(bench, here.device.name)
    record = made_of(
        here.walking,
        here.device,
        at=here.begun_at,
        blind_s=round(here.now_s(), 1),
        by=here.by,
        identity=here.identity,
        signer=asked.signer,
        signed_for=asked.signed_for,
        note=asked.note,
        site=bench.config.edge.site,
        edge=bench.config.edge.name,
        software=software(),
        judging=asked.judging,
        unjudged=asked.unjudged,
    ) | {"back": back}
    name = records.name_of("walk", here.device.name, here.begun_at)
    path = records.folder(bench.data_dir) / f"{name}.tar.gz"
    await asyncio.to_thread(keep_recordings, path, here.walking.passes, here.recordings())
    record["recording"] = path.name
    await asyncio.to_thread(records.keep, bench.data_dir, name, record)
    return {"record": name, "acceptance": record}


FINISH = Operation(WalkFinishArguments, finish)
OBSERVED = Operation(ObservedArguments, tell_observed)
