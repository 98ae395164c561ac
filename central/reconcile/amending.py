"""What changes when something is judged again: the difference, as movements that correct.

What judging said before and says now is compared by content. Movements that belong together
(they share a tag, or an item whose pieces have no names) change together or not at all. Where the
same goods went the same way and only the tags differ, the tags that differ move; otherwise all is
reversed and posted as it is now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from central.database.moments import to_us
from central.reconcile.hypotheses import NOTHING_MOVED, either_or
from central.reconcile.identity import derived_id
from central.reconcile.verdict import (
    Amendment,
    Context,
    Logged,
    Review,
    Stage,
    Trace,
    Verdict,
)
from central.stock.model import Movement


class _Change(msgspec.Struct):
    """Movements and questions about the same goods (``epcs``) that are not what they were."""

    epcs: set[str]
    gone: list[Movement] = []
    come: list[Movement] = []
    answered: list[Review] = []
    asked: list[Review] = []

    def swallow(self, other: _Change) -> None:
        self.epcs |= other.epcs
        self.gone += other.gone
        self.come += other.come
        self.answered += other.answered
        self.asked += other.asked


STANDS = 512
"""So many decisions are remembered that rest on another one's movement."""
LIKELY = 0.9
"""That what is heard in full is right, and not what was decided from a part of it."""
_EVER_US = 2**62


def amended(
    before: Verdict,
    after: Verdict,
    last: Logged,
    context: Context,
    stands: dict[str, str],
    *,
    how: str = "again",
) -> Verdict:
    """What to put right so that what was decided as ``before`` becomes ``after``; ``last`` is
    the last observation that came late. ``stands`` tells, and is told, which posted movement
    one stands on that was decided again. ``how`` is ``again``, or ``alone`` when it was judged
    without knowing what was known then: what speaks against what is posted is asked about.
    """
    mark = (last.edge, last.epoch, last.seq)
    known = {one.id: one for one in before.passes}
    amendments: list[Amendment] = []
    reviews: list[Review] = []
    traces: list[Trace] = []
    for change in _changes(before, after):
        if change.asked:
            # What is in doubt now is not taken back, but put before a person, once.
            reviews += (_of_what_stands(one, change.gone, mark, stands) for one in change.asked)
            if change.answered:
                amendments.append(_together(change, [], mark))
            continue
        found = _amendment(change, mark, context, stands)
        traces.append(_trace(found, change, after.traces))
        if how == "alone" and (change.gone or change.answered or _moved_since(change, context)):
            reviews.append(question(found, "what was known then is forgotten"))
        else:
            amendments.append(found)
    while len(stands) > STANDS:
        del stands[next(iter(stands))]
    return marked(
        Verdict(
            amendments=tuple(amendments),
            reviews=tuple(reviews),
            traces=tuple(traces),
            passes=tuple(one for one in after.passes if known.get(one.id) != one),
            rezeroed=tuple(one for one in after.rezeroed if one not in before.rezeroed),
        ),
        how,
        mark,
    )


def question(amendment: Amendment, why: str) -> Review:
    """The review to open where an amendment cannot simply be posted."""
    moves = ", ".join(
        f"{one.quantity} of {one.sku} from {one.source} to {one.destination}"
        for one in amendment.movements
    )
    return Review(
        id=f"late-{amendment.id}",
        read_point=amendment.read_point,
        reason=f"observations that came late say otherwise than what was decided, and {why}",
        event_time=amendment.event_time,
        hypotheses=either_or(
            moves or NOTHING_MOVED,
            amendment.movements,
            LIKELY,
            otherwise="what was decided then is right",
        ),
        causes=amendment.causes,
        evidence={"originals": list(amendment.originals), "answers": list(amendment.answers)},
    )


def marked(verdict: Verdict, how: str, mark: Iterable[object]) -> Verdict:
    """A verdict on what came late (``again``, ``alone``) or lives in another time (``apart``):
    its passes have names of their own, and its evidence says so.
    """
    names = {one.id: derived_id(how, one.id, *mark) for one in verdict.passes}
    replace = msgspec.structs.replace

    def told(evidence: dict[str, object]) -> dict[str, object]:
        """``was`` is the pass's name without what came late, where it was judged before."""
        name = evidence.get("pass")
        late: dict[str, object] = {"late": how}
        if isinstance(name, str) and name in names:
            late |= {"pass": names[name]} | ({"was": name} if how == "again" else {})
        return evidence | late

    def moved(movements: Iterable[Movement]) -> tuple[Movement, ...]:
        return tuple(replace(one, evidence=told(one.evidence)) for one in movements)

    return replace(
        verdict,
        movements=moved(verdict.movements),
        reviews=tuple(replace(one, evidence=told(one.evidence)) for one in verdict.reviews),
        passes=tuple(replace(one, id=names[one.id]) for one in verdict.passes),
        amendments=tuple(
            replace(one, movements=moved(one.movements)) for one in verdict.amendments
        ),
        traces=tuple(
            replace(one, of=tuple(names.get(name, name) for name in one.of))
            for one in verdict.traces
        ),
    )


# ---- what differs ------------------------------------------------------------------------
def _changes(before: Verdict, after: Verdict) -> list[_Change]:
    """What differs, put together where tags are shared, in the order of judging."""
    had = {one.id for one in before.reviews}
    has = {one.id for one in after.reviews}
    found = [
        *(_Change(_goods(m), gone=[m]) for m in _without(before.movements, after.movements)),
        *(_Change(_goods(m), come=[m]) for m in _without(after.movements, before.movements)),
        *(_Change(_epcs(r), answered=[r]) for r in before.reviews if r.id not in has),
        *(_Change(_epcs(r), asked=[r]) for r in after.reviews if r.id not in had),
    ]
    joined: list[_Change] = []
    for change in found:
        kin = [other for other in joined if other.epcs & change.epcs]
        joined = [other for other in joined if all(other is not one for one in kin)]
        whole = _Change(set())
        for one in (*kin, change):
            whole.swallow(one)
        joined.append(whole)
    return joined


def _without(movements: Sequence[Movement], others: Sequence[Movement]) -> list[Movement]:
    left = Counter(_content(one) for one in others)
    found = []
    for one in movements:
        if left[_content(one)]:
            left[_content(one)] -= 1
        else:
            found.append(one)
    return found


def _content(one: Movement) -> tuple[object, ...]:
    return (*_way(one), one.quantity, tuple(sorted(one.epcs)))


def _way(one: Movement) -> tuple[str, ...]:
    return one.sku, one.lot, one.source, one.destination


def _goods(movement: Movement) -> set[str]:
    """What moved: its tags, or the item where nothing names the pieces."""
    return {*movement.epcs} or {movement.sku}


def _epcs(review: Review) -> set[str]:
    """The tags, or the items, that a question is about."""
    told = review.evidence.get("tags")
    tags = told if isinstance(told, list) else []
    named = {str(tag["epc"]) for tag in tags if isinstance(tag, dict) and "epc" in tag}
    return named.union(*map(_goods, review.proposals))


def _moved_since(change: _Change, context: Context) -> bool:
    """Whether sensors have seen any of its tags elsewhere since."""
    return any(
        {*known.epcs} & {*one.epcs}
        for one in change.come
        for known in context.recent.of(one.sku, to_us(one.event_time) + 1, _EVER_US)
    )


# ---- putting it right --------------------------------------------------------------------
def _amendment(
    change: _Change, mark: tuple[object, ...], context: Context, stands: dict[str, str]
) -> Amendment:
    undone: list[Movement] = []
    new: list[Movement] = []
    come = list(change.come)
    for old in change.gone:
        posted = stands.get(old.id, old.id)
        same = next((one for one in come if _way(one) == _way(old)), None)
        if same is None or not (_adds_up(old, context) and _adds_up(same, context)):
            undone.append(_reversal(old, old.epcs, old.quantity, (posted, mark)))
            continue
        come.remove(same)
        stands[same.id] = posted
        lost = sorted(set(old.epcs) - set(same.epcs))
        more = sorted(set(same.epcs) - set(old.epcs))
        undone.append(_reversal(old, lost, _pieces(lost, context), (posted, mark)))
        new.append(_entry(same, more, _pieces(more, context), (posted, mark)))
    for one in come:
        known = next((old for old in change.gone if _goods(old) & _goods(one)), None)
        corrects = None if known is None else stands.get(known.id, known.id)
        new.append(_entry(one, one.epcs, one.quantity, (corrects, mark)))
        stands[one.id] = new[-1].id
    return _together(change, [one for one in (*undone, *new) if one.quantity], mark)


def _together(change: _Change, movements: list[Movement], mark: tuple[object, ...]) -> Amendment:
    originals = tuple(dict.fromkeys(one.corrects for one in movements if one.corrects))
    answers = tuple(one.id for one in change.answered)
    every: list[Movement | Review] = [*change.gone, *change.come, *change.answered]
    return Amendment(
        id=derived_id("late", *originals, *answers, *(one.id for one in movements), *mark),
        read_point=_read_point(change),
        event_time=every[0].event_time,
        originals=originals,
        answers=answers,
        movements=tuple(movements),
        causes=tuple(dict.fromkeys(cause for one in every for cause in one.causes)),
    )


def _trace(amendment: Amendment, change: _Change, told: Sequence[Trace]) -> Trace:
    """Why: what came late, and how the pass was judged with it."""
    facts: dict[str, object] = {
        "originals": list(amendment.originals),
        "answers": list(amendment.answers),
    }
    come = {one.id for one in change.come}
    judged = [stage for one in told if come & {*one.of} for stage in one.stages]
    names = tuple(one.id for one in amendment.movements)
    return Trace(of=(*names, amendment.id), stages=(Stage(name="late", facts=facts), *judged))


def _read_point(change: _Change) -> str:
    if change.answered:
        return change.answered[0].read_point
    return str((change.gone or change.come)[0].evidence.get("read_point", ""))


def _reversal(
    old: Movement, epcs: Sequence[str], quantity: int, of: tuple[str, tuple[object, ...]]
) -> Movement:
    posted, mark = of
    return msgspec.structs.replace(
        old,
        id=derived_id("undo", old.id, *epcs, *mark),
        quantity=quantity,
        source=old.destination,
        destination=old.source,
        epcs=tuple(epcs),
        corrects=posted,
        reason="observations that came late say otherwise",
    )


def _entry(
    new: Movement, epcs: Sequence[str], quantity: int, of: tuple[str | None, tuple[object, ...]]
) -> Movement:
    corrects, mark = of
    return msgspec.structs.replace(
        new,
        id=derived_id("late", new.id, *epcs, *mark),
        quantity=quantity,
        epcs=tuple(epcs),
        corrects=corrects,
        reason="observations that came late",
    )


def _adds_up(one: Movement, context: Context) -> bool:
    """Whether its quantity is what its tags stand for, so that a part of them can move."""
    return one.quantity == _pieces(one.epcs, context)


def _pieces(epcs: Iterable[str], context: Context) -> int:
    packs = map(context.pack_of, epcs)
    return sum(pack.quantity for pack in packs if pack is not None)


def _of_what_stands(
    review: Review, gone: Sequence[Movement], mark: tuple[object, ...], stands: dict[str, str]
) -> Review:
    """A question about what is posted: each answer takes that back, or leaves it as it is."""
    if not gone:
        return review
    contents = sorted(_content(one) for one in gone)
    back = tuple(
        _reversal(old, old.epcs, old.quantity, (stands.get(old.id, old.id), mark)) for old in gone
    )
    found = []
    for one in review.hypotheses:
        as_posted = sorted(_content(movement) for movement in one.movements) == contents
        movements = () if as_posted else (*back, *one.movements)
        says = f"{one.says}, as it was posted" if as_posted else f"{one.says}; not as posted"
        found.append(msgspec.structs.replace(one, says=says, movements=movements))
    posted: dict[str, object] = {"posted": [stands.get(one.id, one.id) for one in gone]}
    return msgspec.structs.replace(
        review, hypotheses=tuple(found), evidence=review.evidence | posted
    )
