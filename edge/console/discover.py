"""The operation ``discover``: look around for devices, telling what is found as it is found."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from edge.console.bench import Bench
from edge.console.discovery.hits import SOURCES, Ours, Source
from edge.console.discovery.looking import look_around, ours_of
from edge.console.discovery.source import Ground
from edge.console.operation import Operation, Tell

__all__ = ["DISCOVER"]


class DiscoverArguments(msgspec.Struct, frozen=True, kw_only=True):
    """``subnets`` empty: this machine's own networks. ``sniff``: ask at serial ports too."""

    sources: tuple[Source, ...] = SOURCES
    subnets: tuple[str, ...] = ()
    seconds: Annotated[float, msgspec.Meta(ge=0.5, le=60)] = 4.0
    llrp_port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 5084
    sniff: bool = True


async def discover(bench: Bench, asked: DiscoverArguments, tell: Tell) -> dict[str, Any]:
    """Look around once; our own devices are known, and left alone while they run."""

    def ours() -> list[Ours]:
        states = {name: one.health.state for name, one in bench.supervisors.items()}
        return ours_of(bench.fleet.devices, states)

    ground = Ground(
        subnets=asked.subnets, seconds=asked.seconds, llrp_port=asked.llrp_port, sniff=asked.sniff
    )
    return await look_around(ground, ours, tell, asked.sources)


DISCOVER = Operation(DiscoverArguments, discover)
