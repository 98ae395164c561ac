"""What must be true at the end of every run, whatever happened in it.

No observation that a journal acknowledged is missing without having been told, none is there
twice, each edge's are in order, and stock is what a replay of the log and the ledger says; where
nothing could be lost, stock is what the world knows to be true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central import replay
from central.stock import chain, projection
from gateway.contract import WeightSettled
from tallyport.simulation.witness import Stream, Witness
from tallyport.simulation.world import OPENING, UNIT_MG, Happening, Site, hall

_APART = timedelta(seconds=15)
_decode_level = msgspec.json.Decoder(WeightSettled).decode


class Told(NamedTuple):
    """An event as it was told to an edge: its observations, as the edge encodes them."""

    happening: Happening
    bodies: list[bytes]


class Seen(NamedTuple):
    """Central's side of one stream."""

    upto_seq: int
    committed_seq: int
    lost: int
    rows: dict[int, bytes]
    in_order: bool


def violations(
    conn: Connection, witness: Witness, told: dict[str, list[Told]], sites: list[Site]
) -> list[str]:
    """Sentences about every broken promise; none is what we want."""
    streams = _streams(conn)
    return [
        *_contents(streams, witness),
        *_accounts(streams, witness),
        *chain.verify(conn),
        *projection.check_balances(conn),
        *replay.differences(conn),
        *_scans(conn, streams),
        *_truths(conn, streams, witness, told, sites),
    ]


def _streams(conn: Connection) -> dict[Stream, Seen]:
    rows: dict[Stream, dict[int, bytes]] = {}
    ordered: dict[Stream, bool] = {}
    log = text("SELECT edge, epoch, seq, body FROM observation ORDER BY log_id")
    for edge, epoch, seq, body in conn.execute(log):
        mine = rows.setdefault((edge, epoch), {})
        ordered[edge, epoch] = ordered.get((edge, epoch), True) and seq > max(mine, default=0)
        mine[seq] = body.encode() if isinstance(body, str) else bytes(body)
    found = conn.execute(
        text("SELECT edge, epoch, upto_seq, committed_seq, lost FROM edge_stream")
    ).all()
    return {
        (one.edge, one.epoch): Seen(
            one.upto_seq,
            one.committed_seq,
            one.lost,
            rows.get((one.edge, one.epoch), {}),
            ordered.get((one.edge, one.epoch), True),
        )
        for one in found
    }


def _contents(streams: dict[Stream, Seen], witness: Witness) -> Iterator[str]:
    """Everything in the log is what a journal wrote under that number, and is there once."""
    met: Counter[bytes] = Counter()
    for stream, seen in streams.items():
        written = witness.written.get(stream, {})
        for seq, body in seen.rows.items():
            if _canonical(written.get(seq)) != _canonical(body):
                yield f"{stream} {seq}: central holds what no journal wrote under this number"
        met.update(seen.rows.values())
        if not seen.in_order:
            yield f"{stream}: the log is not in the order of the journal"
    for body, times in met.items():
        if times > 1:
            yield f"counted {times} times: {body[:120]!r}"


def _accounts(streams: dict[Stream, Seen], witness: Witness) -> Iterator[str]:
    """What was kept is there or was told missing, number by number."""
    for stream, seen in streams.items():
        whole = max(seen.upto_seq, seen.committed_seq)
        if len(seen.rows) + seen.lost != whole:
            yield (
                f"{stream}: {len(seen.rows)} observations and {seen.lost} lost do not make {whole}"
            )
    for stream, kept in witness.kept.items():
        seen = streams.get(stream, Seen(0, 0, 0, {}, in_order=True))
        missing = kept.keys() - seen.rows.keys()
        if missing and not witness.may_lose:
            yield f"{stream}: {len(missing)} kept observations are lost, the first {min(missing)}"
        untold = [seq for seq in missing if seq > seen.committed_seq]
        if untold and not witness.may_lose & {"lying", "restore", "clone"}:
            yield f"{stream}: {len(untold)} kept observations are missing and nobody was told"


def _scans(conn: Connection, streams: dict[Stream, Seen]) -> Iterator[str]:
    """Each scan is one movement: scans need no context."""
    scans = sum(
        b'"code_scanned"' in body for seen in streams.values() for body in seen.rows.values()
    )
    posted = conn.execute(text("SELECT count(*) FROM movement WHERE origin = 'scan'")).scalar_one()
    if scans != posted:
        yield f"{scans} scans in the log, {posted} movements of them"


def _truths(
    conn: Connection,
    streams: dict[Stream, Seen],
    witness: Witness,
    told: dict[str, list[Told]],
    sites: list[Site],
) -> Iterator[str]:
    """Stock as the world knows it, for edges that heard all of it at the right time, but for
    items that a person is asked about.
    """
    asked = {
        movement["sku"]
        for row in conn.execute(text("SELECT hypotheses FROM review WHERE status = 'open'"))
        for hypothesis in msgspec.json.decode(row.hypotheses)
        for movement in hypothesis.get("movements", ())
    }
    on_hand = {
        (row.location, row.sku): row.on_hand
        for row in conn.execute(text("SELECT location, sku, on_hand FROM balance"))
    }
    for site in sites:
        if witness.may_lose or site.edge in witness.jumped:
            continue
        arrived = {
            body
            for (edge, _), seen in streams.items()
            if edge == site.edge
            for body in seen.rows.values()
        }
        change = _change_of_level(streams, site.edge)
        pieces = on_hand.get((f"shelf-{site.edge}", "PIECE"), 0) - OPENING
        if pieces != change and "PIECE" not in asked:
            yield f"shelf of {site.edge}: {pieces} moved, but the plate says {change}"
        heard = [one for one in told[site.edge] if arrived.issuperset(one.bodies)]
        if sum(one.happening.kind == "pass" for one in told[site.edge]) > sum(
            one.happening.kind == "pass" for one in heard
        ):
            continue  # a pass was heard in part: what it comes to is for judging to say
        if _at_once(heard):
            continue  # two pallets in the door: that is for the accuracy of judging, not for this
        truth: Counter[str] = Counter()
        for one in heard:
            if one.happening.kind in {"scan", "pass"}:
                truth.update(one.happening.moves)
        for sku, quantity in truth.items():
            ledger = on_hand.get((hall(site.edge), sku), 0)
            if ledger != quantity and sku not in asked:
                yield f"{sku} in {hall(site.edge)}: {ledger} on the ledger, {quantity} in truth"


def _at_once(heard: list[Told]) -> bool:
    """Whether two passes of a site overlap, or follow each other at once."""
    times = [
        sorted(datetime.fromisoformat(msgspec.json.decode(b)["event_time"]) for b in one.bodies)
        for one in heard
        if one.happening.kind == "pass" and one.bodies
    ]
    spans = sorted((one[0], one[-1]) for one in times)
    return any(later[0] <= earlier[1] + _APART for earlier, later in pairwise(spans))


def _change_of_level(streams: dict[Stream, Seen], edge: str) -> int:
    """Pieces between the first level that was heard, which is the baseline, and the last."""
    levels = [
        _decode_level(body)
        for (name, _), seen in streams.items()
        if name == edge
        for body in seen.rows.values()
        if b'"weight_settled"' in body
    ]
    if not levels:
        return 0
    levels.sort(key=lambda one: one.event_time)
    return (levels[-1].gross_mg - levels[0].gross_mg) // UNIT_MG


def _canonical(body: bytes | None) -> object:
    return None if body is None else msgspec.json.decode(body)
