"""A pass as it stands in the database: what was judged, what was posted, and what people said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, select

from central import schema
from central.access import reach
from central.catalogue.context import PlacedTags
from central.database.moments import from_us, to_us
from central.judging import left_alone
from central.passes.model import CORRECTED, Correction, NoSuchPass, Standing, TagNow
from central.passes.putting_right import in_force, said
from central.reconcile import serials
from central.reconcile.verdict import Pass, TagVerdict
from central.stock import rows
from central.stock.model import Cause, Posted
from central.stock.rules import FACTS
from central.stock.taking_back import TOOK_BACK

__all__ = ["standing"]

_movement, _pass, _review = schema.movement.c, schema.portal_pass.c, schema.review.c
_label = schema.label.c
_TAGS = msgspec.json.Decoder(tuple[TagVerdict, ...])
_CAUSES = msgspec.json.Decoder(tuple[Cause, ...])
_AROUND_US = 120_000_000
"""What a pass posted happened so near to it: judging takes the middle of its tags' times."""
_MOST_TURNS = 20


def standing(conn: Connection, pass_id: str) -> Standing:
    """The pass of this id, where its read point is within reach. Raises ``NoSuchPass``."""
    told, log_id = _judged(conn, pass_id)
    questions = _questions(conn, told, log_id)
    movements = _movements(conn, told, questions)
    truths, corrections = _said_of(conn, told.id, movements)
    asked = {epc: name for name, status, epcs in questions if status == "open" for epc in epcs}
    doubted = {epc for _name, _status, epcs in questions for epc in epcs}
    places = serials.places_of([one.epc for one in told.tags], PlacedTags(conn))
    moves: dict[str, list[Posted]] = {}
    for one in movements:
        for epc in one.movement.epcs:
            moves.setdefault(epc, []).append(one)
    return Standing(
        told=told,
        log_id=log_id,
        tags=tuple(
            TagNow(
                verdict=tag,
                judged=_way(tag.direction),
                now=truths.get(tag.epc) or _held(tag, doubted, moves.get(tag.epc, ())),
                moves=tuple(moves.get(tag.epc, ())),
                place=places.get(tag.epc),
                review=asked.get(tag.epc),
            )
            for tag in told.tags
        ),
        movements=tuple(movements),
        reviews=tuple(name for name, _status, _epcs in questions),
        corrections=tuple(corrections),
    )


def _way(direction: str) -> str:
    return direction if direction in {"in", "out"} else "none"


def _held(tag: TagVerdict, doubted: Collection[str], moves: Sequence[Posted]) -> str:
    """What was judged; of a tag that was asked about, only as far as it was posted."""
    way = _way(tag.direction)
    return way if tag.epc not in doubted or in_force(moves) else "none"


def _judged(conn: Connection, pass_id: str) -> tuple[Pass, int]:
    query = select(schema.portal_pass).where(_pass.id == pass_id)
    if (granted := reach.at(_pass.read_point)) is not None:
        query = query.where(granted)
    row = conn.execute(query).mappings().one_or_none()
    if row is not None:
        return _of_row(row), row["log_id"]
    alone = left_alone.find(conn, pass_id)
    if alone is None:
        raise NoSuchPass(f"there is no pass {pass_id}: it may have been judged anew")
    reach.check_read_point(conn, alone["read_point"])
    return left_alone.pass_of(alone).told, alone["log_id"]


def _of_row(row: RowMapping) -> Pass:
    return Pass(
        id=row["id"],
        read_point=row["read_point"],
        opened_at=from_us(row["opened_us"]),
        closed_at=from_us(row["closed_us"]),
        direction=row["direction"],
        decision=row["decision"],
        tags=_TAGS.decode(row["tags"]),
        causes=_CAUSES.decode(row["causes"]),
    )


def _questions(conn: Connection, told: Pass, log_id: int) -> list[tuple[str, str, frozenset[str]]]:
    """The reviews that the pass led to: id, status, and the tags that each asks about."""
    if not log_id:
        return []
    query = select(_review.id, _review.status, _review.evidence).where(_review.log_id == log_id)
    found = []
    for row in conn.execute(query.order_by(_review.opened_us, _review.id)):
        evidence: dict[str, Any] = msgspec.json.decode(row.evidence)
        if evidence.get("pass") != told.id:
            continue
        tags = evidence.get("tags")
        epcs = [tag["epc"] for tag in tags] if isinstance(tags, list) else []
        beside = [tag["epc"] for tag in evidence.get("beside", [])]
        found.append((row.id, row.status, frozenset([*epcs, *beside])))
    return found


# ---- what was posted ---------------------------------------------------------------------
def _movements(
    conn: Connection, told: Pass, questions: Iterable[tuple[str, str, frozenset[str]]]
) -> list[Posted]:
    """Those of the pass, of its reviews, and all that corrects any of them, oldest first."""
    skus = {tag.sku for tag in told.tags if tag.sku is not None}
    columns = [_movement[name] for name, _type in rows.COLUMNS]
    about = (to_us(told.opened_at) - _AROUND_US, to_us(told.closed_at) + _AROUND_US)
    near = select(*columns).where(
        _movement.sku.in_(skus),
        _movement.event_us.between(*about),
        _movement.origin.in_(sorted(FACTS)),
    )
    asked = {name for name, _status, _epcs in questions}
    found = {
        one.movement.id: one
        for one in map(_posted, conn.execute(near))
        if _is_of(one, told.id, asked)
    }
    fresh: Collection[str] = found.keys()
    for _turn in range(_MOST_TURNS):
        later = select(*columns).where(_movement.corrects.in_(list(fresh)))
        come = {one.movement.id: one for one in map(_posted, conn.execute(later))} if fresh else {}
        fresh = come.keys() - found.keys()
        found |= come
    return sorted(found.values(), key=lambda one: one.seq)


def _posted(row: Sequence[Any]) -> Posted:
    return rows.from_row(tuple(row))


def _is_of(one: Posted, pass_id: str, asked: set[str]) -> bool:
    evidence = one.movement.evidence
    return pass_id in {evidence.get("pass"), evidence.get("of")} or evidence.get("review") in asked


# ---- what people said --------------------------------------------------------------------
def _said_of(
    conn: Connection, pass_id: str, movements: Sequence[Posted]
) -> tuple[dict[str, str], list[Correction]]:
    """Which way each tag went by the last word, and the corrections, newest first."""
    columns = (_label.review, _label.at_us, _label.subject, _label.truth)
    kept = select(*columns).where(_label["pass"] == pass_id, _label.kind == "tag")
    truths: dict[str, str] = {}
    ways: dict[str, dict[str, str]] = {}
    times: dict[str, int] = {}
    for row in conn.execute(kept.order_by(_label.id)):
        truths[row.subject] = row.truth
        if row.review.startswith(CORRECTED):
            ways.setdefault(row.review, {})[row.subject] = row.truth
            times[row.review] = row.at_us
    posted: dict[str, list[Posted]] = {}
    for one in movements:
        if TOOK_BACK not in one.movement.evidence:
            posted.setdefault(str(one.movement.evidence.get("correction")), []).append(one)
    found = [
        Correction(
            id=name,
            by=next((one.movement.actor for one in posted.get(name, ())), ""),
            at_us=times[name],
            says=said(each),
            ways=each,
            movements=tuple(one.movement.id for one in posted.get(name, ())),
        )
        for name, each in ways.items()
    ]
    return truths, sorted(found, key=lambda one: one.at_us, reverse=True)
