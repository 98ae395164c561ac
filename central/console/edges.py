"""Every edge's desk at central, and the answers that come back from there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

import structlog

from central.console.desk import Publish, RemoteDesk
from central.console.walks import FINISH, with_judging
from gateway import topics
from gateway.console import Told
from gateway.console_codec import BadWord
from screens.console.port import Desk, NoSuchEdge

__all__ = ["EdgeConsoles"]

_log = structlog.get_logger("central.console")
_MOST_EDGES = 10_000


class EdgeConsoles:
    """The desks, by edge. ``heard_of`` is told of every edge that shows, ``arrived`` of every
    answer. ``ended`` is called with every last word, and the edge it is from. ``counters``:
    ``asked``, ``answered``, ``unanswered``, ``unreadable``.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._sites: dict[str, str] = {}
        self._desks: dict[str, RemoteDesk] = {}
        self.ended: Callable[[str, Told], None] = lambda _edge, _told: None
        self.counters: Counter[str] = Counter()

    def heard_of(self, site: str, edge: str) -> None:
        """An edge shows, in a site."""
        if self._sites.get(edge) == site:
            return
        if edge in self._sites or len(self._sites) < _MOST_EDGES:
            self._sites[edge] = site
            self._desks.pop(edge, None)  # of another site: the way to it is another one

    def remember(self, known: Iterable[tuple[str, str]]) -> None:
        """Sites and edges that are known, though nothing was heard of them yet."""
        for site, edge in known:
            if edge not in self._sites:
                self.heard_of(site, edge)

    def arrived(self, topic: str, payload: bytes) -> None:
        """An answer of an edge; one that cannot be read is counted."""
        address = topics.parse_command(topic)
        if address is None or self._sites.get(address.edge) != address.site:
            return
        try:
            self._desk(address.edge, address.site).arrived(payload)
        except BadWord as error:
            self.counters["unreadable"] += 1
            _log.warning("answer_unreadable", edge=address.edge, op=address.op, why=str(error))

    def desk(self, edge: str) -> Desk:
        """The way to an edge's desk. Raises ``NoSuchEdge``."""
        site = self._sites.get(edge)
        if site is None:
            raise NoSuchEdge(f'Central has never heard of an edge "{edge}".')
        return self._desk(edge, site)

    def _desk(self, edge: str, site: str) -> RemoteDesk:
        if edge not in self._desks:
            self._desks[edge] = RemoteDesk(
                site, edge, self._publish, counters=self.counters,
                ended=lambda told: self.ended(edge, told), before={FINISH: with_judging},
            )  # fmt: skip
        return self._desks[edge]

    async def close(self) -> None:
        """Mind nothing any more."""
        await asyncio.gather(*(desk.close() for desk in self._desks.values()))
