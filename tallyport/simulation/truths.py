"""Stock as the world knows it, held against the ledger, place by place and item by item.

What a person is asked about is excused by no more than what the question offers: the ledger,
together with one of each question's hypotheses, must come to the truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.reconcile.verdict import Hypothesis
from gateway.contract import Observation, WeightSettled
from tallyport.simulation.witness import Witness
from tallyport.simulation.world import GTINS, OPENING, UNIT_MG, Happening, Site, hall, sku_of

_SKUS = tuple(sorted(map(sku_of, GTINS)))
_MOST_WAYS = 10_000
_APART = timedelta(seconds=15)
_decode: msgspec.json.Decoder[Observation] = msgspec.json.Decoder(Observation)
_decode_level = msgspec.json.Decoder(WeightSettled).decode
_decode_hypotheses = msgspec.json.Decoder(list[Hypothesis]).decode


class Told(NamedTuple):
    """An event as it was told to an edge: its observations, as the edge encodes them."""

    happening: Happening
    bodies: list[bytes]


class Compared(NamedTuple):
    """``found`` are sentences about stock that is wrong. Of ``balances`` (each item at each
    place), ``compared`` could be held against the truth, ``asked`` of them with a question open.
    """

    found: list[str]
    balances: int
    compared: int
    asked: int


def compare(
    conn: Connection, witness: Witness, told: Mapping[str, list[Told]], sites: Iterable[Site]
) -> Compared:
    """Hold the ledger against all that central heard of, whole and at the right time."""
    on_hand: Counter[tuple[str, str]] = Counter()
    for row in conn.execute(text("SELECT location, sku, on_hand FROM balance")):
        on_hand[row.location, row.sku] += row.on_hand
    whole = Compared([], 0, 0, 0)
    for site in sites:
        arrived = _arrived(conn, site.edge)
        heard = {*arrived, *(_arrived(conn, site.partner) if site.partner else ())}
        for part in (
            _shelf(conn, site, witness, told[site.edge], arrived, on_hand),
            _hall(conn, site, witness, told[site.edge], heard, on_hand),
        ):
            whole = Compared(*(one + other for one, other in zip(whole, part, strict=True)))  # type: ignore[operator]
    return whole


def _arrived(conn: Connection, edge: str) -> list[bytes]:
    rows = text("SELECT body FROM observation WHERE edge = :edge ORDER BY log_id")
    bodies = conn.execute(rows, {"edge": edge}).scalars()
    return [body.encode() if isinstance(body, str) else bytes(body) for body in bodies]


def _shelf(  # noqa: PLR0917 (what one comparison needs)
    conn: Connection,
    site: Site,
    witness: Witness,
    told: Sequence[Told],
    arrived: Sequence[bytes],
    on_hand: Mapping[tuple[str, str], int],
) -> Compared:
    """Pieces between the first level that was heard, which is the baseline, and the last. What
    was heard in part at last, judging may still wait with: many pieces for the level said again.
    """
    if site.edge in witness.jumped:
        return Compared([], 1, 0, 0)
    change = _change_of_level(arrived)
    allowed = {change}
    last = next((one for one in reversed(told) if one.happening.kind == "weight"), None)
    if last is not None and not set(arrived).issuperset(last.bodies):
        allowed.add(_change_of_level([body for body in arrived if body not in last.bodies]))
    pieces = on_hand[f"shelf-{site.edge}", "PIECE"] - OPENING
    wrong = f"shelf of {site.edge}: {pieces} moved, but the plate says {change}"
    ways = _ways(_questions(conn, f"shelf-{site.edge}", f"shelf-{site.edge}", ("PIECE",)), 1)
    asked = any(way[0] for way in ways)
    good = any((level - pieces,) in ways for level in allowed)
    return Compared([] if good else [wrong], 1, 1, int(asked))


def _change_of_level(arrived: Iterable[bytes]) -> int:
    levels = [_decode_level(body) for body in arrived if b'"weight_settled"' in body]
    levels.sort(key=lambda one: one.event_time)
    return (levels[-1].gross_mg - levels[0].gross_mg) // UNIT_MG if levels else 0


def _hall(  # noqa: PLR0917 (what one comparison needs)
    conn: Connection,
    site: Site,
    witness: Witness,
    told: Sequence[Told],
    arrived: set[bytes],
    on_hand: Mapping[tuple[str, str], int],
) -> Compared:
    """What scans and passes brought and took. Of a pass that was heard in part, or that was not
    alone in the door, judging may have made all or nothing: what it is worth there is measured
    elsewhere. Those items count as not compared, but must stay within that.
    """
    if witness.jumped & {site.edge, site.partner}:
        return Compared([], len(_SKUS), 0, 0)
    truth, least, most = Counter[str](), Counter[str](), Counter[str]()
    crowded = _at_once(told)
    for number, one in enumerate(told):
        heard = arrived.issuperset(one.bodies) and number not in crowded
        for sku, quantity in one.happening.moves.items() if one.happening.kind != "weight" else ():
            if heard:
                truth[sku] += quantity
            elif one.happening.kind == "pass":
                (least if quantity < 0 else most)[sku] += quantity
    ledger = {sku: on_hand[hall(site.edge), sku] for sku in _SKUS}
    off = [ledger[sku] - truth[sku] for sku in _SKUS]
    ways = _ways(_questions(conn, f"dock-{site.edge}", hall(site.edge), _SKUS), len(_SKUS))
    good = any(
        all(
            least[sku] <= less + more <= most[sku]
            for sku, less, more in zip(_SKUS, off, way, strict=True)
        )
        for way in ways
    )
    wrong = [
        f"{sku} in {hall(site.edge)}: {ledger[sku]} on the ledger, {truth[sku]} in truth"
        for sku, less in zip(_SKUS, off, strict=True)
        if less
    ]
    exact = [n for n, sku in enumerate(_SKUS) if not (least[sku] or most[sku])]
    asked = sum(any(way[n] for way in ways) for n in exact)
    return Compared([] if good else wrong, len(_SKUS), len(exact), asked)


def _at_once(told: Sequence[Told]) -> set[int]:
    """The numbers of passes that overlap, or follow each other at once."""
    spans = []
    for number, one in enumerate(told):
        if one.happening.kind == "pass" and one.bodies:
            times = [_decode.decode(body).event_time for body in one.bodies]
            spans.append((min(times), max(times), number))
    return {
        number
        for earlier, later in pairwise(sorted(spans))
        if later[0] <= earlier[1] + _APART
        for number in (earlier[2], later[2])
    }


def _questions(
    conn: Connection, read_point: str, place: str, skus: Sequence[str]
) -> Iterator[frozenset[tuple[int, ...]]]:
    """For each open question of a read point, what its hypotheses would bring to a place."""
    rows = text("SELECT hypotheses FROM review WHERE status = 'open' AND read_point = :point")
    for offered in conn.execute(rows, {"point": read_point}).scalars():
        changes = set()
        for hypothesis in _decode_hypotheses(offered):
            change: Counter[str] = Counter()
            for movement in hypothesis.movements:
                change[movement.sku] += movement.quantity * (
                    (movement.destination == place) - (movement.source == place)
                )
            changes.add(tuple(change[sku] for sku in skus))
        yield frozenset(changes)


def _ways(questions: Iterable[frozenset[tuple[int, ...]]], skus: int) -> set[tuple[int, ...]]:
    """All that the answers to some questions may come to together."""
    ways = {(0,) * skus}
    for changes in questions:
        ways = {
            tuple(a + b for a, b in zip(way, change, strict=True))
            for way in ways
            for change in changes
        }
        assert len(ways) <= _MOST_WAYS, "too many questions to think them all through"
    return ways
