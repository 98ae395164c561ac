"""What must be true at the end of every run, whatever happened in it.

No observation that a journal acknowledged is missing without having been told, none is there
twice, each edge's are in order, and stock is what a replay of the log and the ledger says, and
what the world knows to be true of all that arrived.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from central.judging import replay
from central.stock import chain, projection
from tallyport.simulation.truths import Compared, Told, compare
from tallyport.simulation.witness import Stream, Witness
from tallyport.simulation.world import Site


class Seen(NamedTuple):
    """Central's side of one stream."""

    upto_seq: int
    committed_seq: int
    lost: int
    rows: dict[int, bytes]
    in_order: bool


def violations(
    conn: Connection, witness: Witness, told: dict[str, list[Told]], sites: list[Site]
) -> tuple[list[str], Compared]:
    """Sentences about every broken promise (none is what we want), and how much of stock could be
    held against the truth.
    """
    streams = _streams(conn)
    compared = compare(conn, witness, told, sites)
    found = [
        *_contents(streams, witness),
        *_accounts(streams, witness),
        *chain.verify(conn),
        *projection.check_balances(conn),
        *replay.differences(conn),
        *_scans(conn, streams),
        *compared.found,
    ]
    return found, compared


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


def _canonical(body: bytes | None) -> object:
    return None if body is None else msgspec.json.decode(body)
