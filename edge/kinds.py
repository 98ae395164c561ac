"""Which kinds of device this edge can hear, and where each comes from: ``tallyport edge kinds``."""

from __future__ import annotations

import msgspec

from drivers import registry
from drivers.catalogue import ABOUT


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind. ``problem`` says why it cannot be used, or is empty."""

    kind: str
    source: str
    families: str = ""
    connection: str = ""
    problem: str = ""


def kinds() -> list[Kind]:
    """Our own kinds, and what other distributions offer, broken or not."""
    ours = []
    for kind in sorted(registry.DRIVERS):
        about = ABOUT.get(kind)
        ours.append(
            Kind(
                kind=kind,
                source="tallyport",
                families=about.families if about else "",
                connection=about.connection if about else "",
            )
        )
    theirs = [
        Kind(
            kind=one.kind,
            source=one.distribution,
            families=one.target,
            problem=one.problem,
        )
        for one in registry.plugins()
    ]
    return [*ours, *theirs]
