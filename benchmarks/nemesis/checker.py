"""What must hold at the end, read from the databases and journals that were left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from benchmarks.nemesis.faults import MAY_LOSE_READS
from benchmarks.nemesis.field import Field
from central.replay import differences
from central.stock import chain
from central.stock.projection import check_balances, check_tags
from central.store import Database
from tallyport.demo.report import Report


class Verdict(NamedTuple):
    """``violations`` are sentences; the rest are figures."""

    violations: list[str]
    observations: int
    movements: int
    lost: int


def judge(field: Field, report: Report, suffered: set[str]) -> Verdict:
    """Hold a field, whose processes have ended, against the promises."""
    site = field.demo.site
    url = site.database_url or f"sqlite:///{site.folder / 'central' / 'central.sqlite'}"
    with contextlib.closing(Database(url)) as database:
        counted = database.read_now(_counted)
        found = database.read_now(lambda conn: list(_promises(conn)))
    if report.kept != report.committed:
        found.append(f"{report.kept - report.committed} kept observations never came")
    if counted["lost"]:
        found.append(
            f"{counted['lost']} observations were declared lost, and no fault may lose any"
        )
    if report.doubled:
        found.append(f"{report.doubled} reads were counted twice")
    wrong = [line for line in report.items if line.truth != line.ledger]
    if wrong and not suffered & MAY_LOSE_READS:
        found.append(f"the ledger differs from the truth: {wrong[:3]}")
    return Verdict(found, counted["observations"], counted["movements"], counted["lost"])


def _promises(conn: Connection) -> Iterator[str]:
    yield from chain.verify(conn)
    yield from check_balances(conn)
    yield from check_tags(conn)
    yield from differences(conn)
    disorder = text(
        "SELECT a.edge, a.epoch, a.seq FROM observation a JOIN observation b "
        "ON b.edge = a.edge AND b.epoch = a.epoch AND b.seq = a.seq - 1 "
        "WHERE b.log_id > a.log_id LIMIT 3"
    )
    for row in conn.execute(disorder):
        yield f"{row.edge} {row.epoch} {row.seq} stands before its predecessor"
    gaps = text(
        "SELECT s.edge, s.epoch, s.upto_seq, s.lost, count(o.seq) AS there FROM edge_stream s "
        "LEFT JOIN observation o ON o.edge = s.edge AND o.epoch = s.epoch "
        "GROUP BY s.edge, s.epoch, s.upto_seq, s.lost "
        "HAVING count(o.seq) + s.lost <> s.upto_seq"
    )
    for row in conn.execute(gaps):
        there = f"{row.there} there and {row.lost} lost"
        yield f"{row.edge} {row.epoch}: {there} are not {row.upto_seq}"


def _counted(conn: Connection) -> dict[str, int]:
    queries = {
        "observations": "SELECT count(*) FROM observation",
        "movements": "SELECT count(*) FROM movement",
        "lost": "SELECT coalesce(sum(lost), 0) FROM edge_stream",
    }
    return {name: int(conn.execute(text(query)).scalar_one()) for name, query in queries.items()}
