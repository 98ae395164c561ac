"""What must hold at the end, read from the databases and journals that were left behind."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from benchmarks.nemesis.faults import (
    MAY_ASK_A_PERSON,
    MAY_CHANGE_STOCK,
    MAY_LOSE_READS,
    MAY_LOSE_ROWS,
)
from benchmarks.nemesis.field import Field
from central.database.moments import from_us
from central.database.store import Database
from central.judging.replay import differences
from central.stock import chain
from central.stock.projection import check_balances, check_tags
from tallyport.demo.goods import EDGE
from tallyport.demo.processes import Site
from tallyport.demo.report import Report


class Verdict(NamedTuple):
    """``violations`` are sentences; the rest are figures. ``lost`` observations are counted by
    central, ``unheard`` reads never came (the reader had sent them, no journal had them yet, or
    it was fenced), ``off`` units of stock differ from the truth because of them, ``witnessed``
    rows were found in dead edges' journals and compared.
    """

    violations: list[str]
    observations: int = 0
    movements: int = 0
    lost: int = 0
    unheard: int = 0
    off: int = 0
    witnessed: int = 0


def judge(field: Field, report: Report, suffered: set[str]) -> Verdict:
    """Hold a field, whose processes have ended, against the promises."""
    site, world = field.demo.site, field.demo.world
    url = site.database_url or f"sqlite:///{site.folder / 'central' / 'central.sqlite'}"
    with contextlib.closing(Database(url)) as database:
        counted = database.read_now(_counted)
        found = database.read_now(lambda conn: list(_promises(conn)))
        found += database.read_now(lambda conn: field.witness.compare(conn, EDGE))
        heard, scanned = database.read_now(_heard)
        asked = database.read_now(asked_about)
        questions = database.read_now(_questions)
    if report.kept != report.committed:
        left = report.kept - report.committed
        found.append(f"{left} kept observations never came; the edge's last words: {_last(site)}")
    if counted["lost"] and not suffered & MAY_LOSE_ROWS:
        found.append(
            f"{counted['lost']} observations were declared lost, and no fault may lose any"
        )
    found += _more_than(world.reader.delivered_of, heard, "reads of tag")
    found += _more_than(world.scans, scanned, "scans of")
    missing = sum((world.reader.delivered_of - heard).values())
    off = sum(abs(line.truth - line.ledger) for line in report.items)
    if missing and not suffered & MAY_LOSE_READS:
        found.append(f"{missing} reads are missing")
    excused = asked if suffered & MAY_ASK_A_PERSON else set[str]()
    wrong = [
        line for line in report.items if line.truth != line.ledger and line.item not in excused
    ]
    if wrong and not suffered & MAY_CHANGE_STOCK:
        found.append(f"the ledger differs from the truth: {wrong[:3]}; asked was: {questions[:5]}")
    return Verdict(
        found, counted["observations"], counted["movements"], counted["lost"], missing, off,
        len(field.witness.contents),
    )  # fmt: skip


def _last(site: Site) -> str:
    """Whether it was connected when it stopped, and what it told of what it kept."""
    return site.edge.tail().replace("\n", " | ")


def _more_than(there: Mapping[str, int], heard: Mapping[str, int], what: str) -> list[str]:
    """Nothing may be counted more often than it was, whatever else is missing."""
    return [
        f"{count} {what} {key}, but there were {there.get(key, 0)}"
        for key, count in heard.items()
        if count > there.get(key, 0)
    ][:3]


def _promises(conn: Connection) -> Iterator[str]:
    yield from chain.verify(conn)
    yield from check_balances(conn)
    yield from check_tags(conn)
    yield from differences(conn)
    disorder = text(
        "SELECT edge, epoch, seq FROM (SELECT edge, epoch, seq, log_id, lag(log_id) "
        "OVER (PARTITION BY edge, epoch ORDER BY seq) AS before FROM observation) ordered "
        "WHERE before > log_id LIMIT 3"
    )
    for row in conn.execute(disorder):
        yield f"{row.edge} {row.epoch} {row.seq} stands before its predecessor"
    yield from unaccounted(conn)


def unaccounted(conn: Connection) -> Iterator[str]:
    """Each number that an edge is known to have given is there, once, or counted as lost; and no
    event stands under two numbers.
    """
    numbers = text(
        "SELECT s.edge, s.epoch, s.committed_seq, s.lost, count(DISTINCT o.seq) AS there, "
        "count(o.seq) AS rows_there, coalesce(max(o.seq), 0) AS newest "
        "FROM edge_stream s LEFT JOIN observation o ON o.edge = s.edge AND o.epoch = s.epoch "
        "GROUP BY s.edge, s.epoch, s.committed_seq, s.lost, s.upto_seq "
        "HAVING count(DISTINCT o.seq) + s.lost <> s.committed_seq "
        "OR count(DISTINCT o.seq) <> count(o.seq) OR coalesce(max(o.seq), 0) > s.upto_seq"
    )
    for row in conn.execute(numbers):
        there = f"{row.there} numbers in {row.rows_there} rows up to {row.newest}"
        yield f"{row.edge} {row.epoch}: {there} and {row.lost} lost are not {row.committed_seq}"
    doubled = text(
        "SELECT body, count(*) AS times FROM observation "
        "WHERE kind IN ('tag_sighting', 'tag_resident', 'code_scanned', 'weight_settled') "
        "GROUP BY body HAVING count(*) > 1 LIMIT 3"
    )
    for row in conn.execute(doubled):
        yield f"one event stands {row.times} times under different numbers: {row.body}"


class _Heard(msgspec.Struct, frozen=True):
    """What an observation says was heard."""

    epc: str = ""
    count: int = 0
    data: str = ""


def _heard(conn: Connection) -> tuple[Counter[str], Counter[str]]:
    """Reads by tag, scans by code."""
    reads: Counter[str] = Counter()
    scans: Counter[str] = Counter()
    decode = msgspec.json.Decoder(_Heard).decode
    rows = conn.execute(
        text(
            "SELECT kind, body FROM observation "
            "WHERE kind IN ('tag_sighting', 'tag_resident', 'code_scanned')"
        )
    )
    for row in rows:
        one = decode(row.body)
        if row.kind == "code_scanned":
            scans[one.data] += 1
        else:
            reads[one.epc] += one.count
    return reads, scans


class _Moves(msgspec.Struct, frozen=True):
    """What would move."""

    sku: str


class _Hypothesis(msgspec.Struct, frozen=True):
    """What may have happened."""

    movements: list[_Moves] = []


def asked_about(conn: Connection) -> set[str]:
    """The items that a person is asked about."""
    rows = conn.execute(text("SELECT hypotheses FROM review WHERE status = 'open'")).scalars()
    decode = msgspec.json.Decoder(list[_Hypothesis]).decode
    return {move.sku for row in rows for one in decode(row) for move in one.movements}


def _questions(conn: Connection) -> list[str]:
    """What a person is asked, and when it happened."""
    told = text("SELECT event_us, read_point, reason FROM review WHERE status = 'open' ORDER BY 1")
    return [f"{from_us(us)} {point}: {reason}" for us, point, reason in conn.execute(told)]


def _counted(conn: Connection) -> dict[str, int]:
    queries = {
        "observations": "SELECT count(*) FROM observation",
        "movements": "SELECT count(*) FROM movement",
        "lost": "SELECT coalesce(sum(lost), 0) FROM edge_stream",
    }
    return {name: int(conn.execute(text(query)).scalar_one()) for name, query in queries.items()}
