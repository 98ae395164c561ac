"""Putting a pass right: shown before it is done, done in one transaction, and taken back.

What a person says of a tag becomes a label for calibration, as the answer to a review does; what
is taken back is forgotten again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from central import audit, schema
from central.audit import Change
from central.catalogue.changes import Told
from central.catalogue.places import read_point_of
from central.judging import findings, left_alone, questions
from central.passes.model import CORRECTED, CannotCorrect, Standing
from central.passes.putting_right import planned, said
from central.passes.standing import standing
from central.reconcile.verdict import ReadPoint, Trace
from central.reviews import effects, learnt
from central.reviews.effects import Effect
from central.reviews.labels import Label
from central.reviews.model import in_the_way
from central.reviews.store import places_of
from central.stock import ledger
from central.stock.model import Movement, Posted
from central.stock.taking_back import taken_back

__all__ = ["Done", "Preview", "correct", "preview", "undo"]

_TRACES = msgspec.json.Decoder(tuple[Trace, ...])


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a correction would post and do to stock as it is; ``refused`` says why it cannot be."""

    says: str
    ways: dict[str, str]
    movements: tuple[Movement, ...] = ()
    effect: tuple[Effect, ...] = ()
    refused: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A correction, or its undoing. ``id`` names it for who wants to take it back."""

    id: str
    says: str
    movements: tuple[str, ...] = ()
    repeated: bool = False


def preview(conn: Connection, pass_id: str, wanted: Mapping[str, str]) -> Preview:
    """What would follow; nothing is posted. Raises ``NoSuchPass``."""
    found = standing(conn, pass_id)
    says = said(wanted)
    try:
        fresh = _news(found, wanted)
        movements = planned(found, fresh, _point(conn, found), name="preview-0", by="")
    except CannotCorrect as error:
        return Preview(says=says, ways=dict(wanted), refused=str(error))
    effect = effects.of_movements(conn, movements)
    return Preview(
        says=said(fresh) or says,
        ways=fresh,
        movements=tuple(movements),
        effect=tuple(effect),
        refused=_in_the_way(conn, movements) or effects.short(effect),
    )


def correct(
    conn: Connection, pass_id: str, wanted: Mapping[str, str], told: Told, *, name: str
) -> Done:
    """Post what makes the pass say this. ``name`` makes it happen once. Raises ``NoSuchPass``,
    ``CannotCorrect``, and what posting raises.
    """
    found = standing(conn, pass_id)
    kept = f"{CORRECTED}{name}"
    if learnt.known(conn, kept):
        before = next((one for one in found.corrections if one.id == kept), None)
        if before is None:
            raise CannotCorrect(f"the id {name} was used for another pass: use a fresh one")
        return Done(id=kept, says=before.says, movements=before.movements, repeated=True)
    fresh = _news(found, wanted)
    movements = planned(found, fresh, _point(conn, found), name=kept, by=told.by)
    if obstacle := _in_the_way(conn, movements):
        raise CannotCorrect(f"stock has changed since: {obstacle}")
    posted = _post(conn, movements, told, found.log_id)
    learnt.keep(conn, _labels(conn, found, fresh, kept), told.at_us)
    _note(conn, found, fresh, posted, told, "correct pass")
    return Done(id=kept, says=said(fresh), movements=tuple(one.movement.id for one in posted))


def undo(conn: Connection, pass_id: str, correction: str, told: Told) -> Done:
    """Take a correction back: its movements the other way round, and what it taught. Raises
    ``NoSuchPass``, ``CannotCorrect``, and what posting raises.
    """
    found = standing(conn, pass_id)
    one = next((each for each in found.corrections if each.id == correction), None)
    if one is None:
        raise CannotCorrect("this correction was taken back already, or never made")
    known = {each.movement.id: each for each in found.movements}
    movements = taken_back(
        [known[each].movement for each in one.movements], name=f"{one.id}-back", by=told.by,
        why="a person took a correction back",
    )  # fmt: skip
    if obstacle := _in_the_way(conn, movements):
        raise CannotCorrect(f"this cannot be taken back any more: {obstacle}")
    posted = _post(conn, movements, told, found.log_id)
    learnt.forget(conn, one.id)
    _note(conn, found, dict.fromkeys(one.ways, "as before"), posted, told, "undo correction")
    return Done(
        id=one.id,
        says=f"taken back: {one.says}",
        movements=tuple(each.movement.id for each in posted),
    )


def _news(found: Standing, wanted: Mapping[str, str]) -> dict[str, str]:
    """What differs from what holds. Raises ``CannotCorrect`` where nothing does."""
    for epc in wanted:
        asked = found.tag(epc).review
        if asked is not None:
            raise CannotCorrect(f"tag {epc} is asked about in review {asked}: answer that")
    fresh = {epc: way for epc, way in wanted.items() if found.tag(epc).now != way}
    if not fresh:
        raise CannotCorrect("that is what holds already: nothing is to be corrected")
    return fresh


def _point(conn: Connection, found: Standing) -> ReadPoint:
    table = schema.read_point
    query = select(table).where(table.c.code == found.told.read_point).order_by(table.c.id.desc())
    row = conn.execute(query.limit(1)).mappings().first()
    if row is None:
        raise CannotCorrect(f"read point {found.told.read_point} is not set up any more")
    return read_point_of(row)


def _in_the_way(conn: Connection, movements: Sequence[Movement]) -> str:
    """Of each tag the first movement must begin where it lies."""
    seen: set[str] = set()
    firsts = []
    for one in movements:
        fresh = tuple(epc for epc in one.epcs if epc not in seen)
        seen |= {*fresh}
        if fresh and one.corrects is not None:
            firsts.append(msgspec.structs.replace(one, epcs=fresh))
    return in_the_way(tuple(firsts), places_of(conn, firsts))


def _post(conn: Connection, movements: Sequence[Movement], told: Told, log_id: int) -> list[Posted]:
    posted = ledger.post(conn, movements, record_us=told.at_us)
    astray = [questions.of_broken_rules(one) for one in posted if one.broken]
    findings.keep_reviews(conn, astray, told.at_us, log_id)
    return posted


def _note(  # noqa: PLR0917 (what is written down, in order)
    conn: Connection,
    found: Standing,
    ways: Mapping[str, str],
    posted: Sequence[Posted],
    told: Told,
    action: str,
) -> None:
    change = Change(
        f"pass {found.told.id}",
        {epc: found.tag(epc).now for epc in ways},
        {**ways, "movements": [one.movement.id for one in posted]},
    )
    audit.record(conn, [change], actor=told.by, action=action, at_us=told.at_us)


def _labels(conn: Connection, found: Standing, ways: Mapping[str, str], kept: str) -> list[Label]:
    features, model = _seen(conn, found)
    return [
        Label(
            review=kept,
            read_point=found.told.read_point,
            kind="tag",
            subject=epc,
            truth=way,
            said=found.tag(epc).judged,
            pass_id=found.told.id,
            features=features.get(epc, {}),
            model=model,
        )
        for epc, way in ways.items()
    ]


def _seen(conn: Connection, found: Standing) -> tuple[dict[str, dict[str, Any]], str]:
    """What judging saw of each tag, and by which weights, from the pass's trace."""
    for one in _traces(conn, found):
        for stage in one.stages:
            if stage.name == "tags" and found.told.id in one.of:
                return _features(stage.facts, found), str(stage.facts["model"])
    return {}, ""


def _traces(conn: Connection, found: Standing) -> tuple[Trace, ...]:
    trace = schema.trace.c
    query = select(trace.body).where(trace.log_id == found.log_id)
    if body := conn.execute(query).scalar_one_or_none():
        return _TRACES.decode(body)
    alone = left_alone.find(conn, found.told.id)
    return () if alone is None else (left_alone.pass_of(alone).why,)


def _features(facts: Mapping[str, Any], found: Standing) -> dict[str, dict[str, Any]]:
    columns: list[str] = facts["columns"]
    own = [name for name in columns[6:] if not name.startswith("+")]
    named = [name for name in own if name not in {"company", "crossed", "inwards"}]
    verdicts = {one.epc: one.verdict for one in found.tags}
    seen = {}
    for row in facts["rows"]:
        one = dict(zip(columns, row, strict=True))
        if (verdict := verdicts.get(one["epc"])) is not None:
            seen[verdict.epc] = {
                "epc": verdict.epc,
                "direction": verdict.direction,
                "confidence": verdict.confidence,
                "reads": verdict.reads,
                "crossed": one["crossed"],
                "inwards": one["inwards"],
                "features": {name: one[name] for name in named},
            }
    return seen
