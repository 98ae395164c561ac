"""What goes by at one portal, at one entry of the log: from its groups of tags to verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from central.database.moments import from_us, to_us
from central.reconcile import serials, tracing
from central.reconcile.containment import Carried
from central.reconcile.fusion import Recently
from central.reconcile.identity import cause_of, derived_id, spanning
from central.reconcile.portal import beam, desk, dwell, in_part, missing, on_stock, weighing
from central.reconcile.portal.company import Company
from central.reconcile.portal.crossing import Judged
from central.reconcile.portal.gathering import Group
from central.reconcile.portal.on_stock import Books
from central.reconcile.portal.outage import Outage
from central.reconcile.portal.state import Portal
from central.reconcile.portal.track import INSIDE, UNKNOWN
from central.reconcile.portal.ways import directed
from central.reconcile.portal.weighing import Crossing
from central.reconcile.verdict import Context, Logged, Pass, ReadPoint, Review, Verdict, together
from gateway.contract import GateWindow


class Passing(NamedTuple):
    """A portal's memory and what else its passes are decided with. ``carried`` are the units it
    met, by read point; ``moved`` is where tags were posted to in this stretch of the log, and
    ``just`` where those of the passes go that were judged at this entry of it.
    """

    portal: Portal
    logged: Logged
    point: ReadPoint
    context: Context
    carried: dict[str, Carried]
    recent: Recently
    moved: Mapping[str, str]
    just: dict[str, str]

    def window(self, seen: GateWindow) -> list[Verdict]:
        """A window that closes in silence ends what was under way. One in which nothing was
        judged is told as well: somebody passed, and no tag was heard.
        """
        if seen.closed_by in {"beam", "gpi"}:
            self.portal.darken(seen)
        if seen.closed_by == "beam":
            return []
        closed_us = to_us(seen.closed_at)
        answers = self.presented(closed_us)
        answers += self.passes(self.portal.groups(closed_us, ended=seen.closed_by == "quiet"))
        if self.portal.judged_us < to_us(seen.event_time):
            answers += self.passes([Group([], frozenset(), to_us(seen.event_time), closed_us)])
        return answers

    def time(self, now_us: int) -> list[Verdict]:
        """What becomes ripe because the log's time went on."""
        presented = self.presented(now_us)
        return [*presented, *self.passes(self.portal.groups(now_us)), *self._unheard(now_us)]

    def passes(self, groups: Sequence[Group]) -> list[Verdict]:
        """Groups that may be judged, judged if they are ripe."""
        portal = self.portal
        answers: list[Verdict] = []
        for group in groups:
            alone = weighing.weigh(group.tracks, portal, self.context, group.ahead)
            crossings = directed(beam.heed(alone, portal.eye), self.point.one_way)
            if not self.point.one_way:
                crossings = on_stock.heed(crossings, self._books(self._places_of(crossings)))
            ripe = weighing.ripe(group, crossings, portal)
            if ripe is None:
                continue
            outage = self._cut(ripe.group, ripe.crossings)
            if outage is not None:
                answers += self._in_part(ripe.group, ripe.crossings, outage)
                continue
            portal.take(ripe.group)
            beam.learn(alone, group.makers, portal.eye)
            weighing.learn(ripe.crossings, portal)
            answers.append(self._pass(ripe.group, ripe.crossings))
        return answers

    def presented(self, now_us: int) -> list[Verdict]:
        """Goods held before a reader that knows no sides: in, unless they lie there already."""
        portal = self.portal
        scan = portal.take_scan(now_us)
        if scan is None:
            return []
        tracks = [tag.track for tag in scan.tags.values()]
        known = {track.epc: portal.is_known(track) for track in tracks}
        share = dwell.presented(scan.tags, known)
        crossings = weighing.weigh(tracks, portal, self.context)
        books = self._books(self._places_of(crossings))
        middle_us = (scan.first_us + scan.last_us) // 2
        crossings = [
            one._replace(
                odds=Judged(
                    share[one.track.epc],
                    0.0 if books.side(one.track.epc) == INSIDE else 1.0,
                    middle_us,
                )
            )
            for one in crossings
        ]
        crossings = directed(crossings, self.point.one_way)
        group = Group(tracks, frozenset(scan.tags), scan.first_us, scan.last_us)
        outage = portal.hearing.touching(scan.first_us, scan.last_us)
        if outage is not None:
            cut = in_part.cut_off(crossings, frozenset())
            return [self._pass(group, cut, outage)] if cut else []
        weighing.learn(crossings, portal)
        return [self._pass(group, crossings)]

    # ---- while nobody heard --------------------------------------------------------------
    def _cut(self, group: Group, crossings: Sequence[Crossing]) -> Outage | None:
        """The time without ears into which a group's best moments fall."""
        if not self.portal.hearing.outages:
            return None
        best = [one.odds.centre_us for one in crossings if one.track.epc in group.makers]
        return self.portal.hearing.touching(min(best), max(best)) if best else None

    def _in_part(
        self, group: Group, crossings: Sequence[Crossing], outage: Outage
    ) -> list[Verdict]:
        """A pass that was cut: asked about with all that is missing, or at once where another
        reader heard it, or that was asked already.
        """
        cut = in_part.cut_off(crossings, group.makers)
        if outage.alone and not outage.asked:
            outage.caught.update({one.track.epc: one.track for one in cut})
            self.portal.let_go(track.epc for track in group.tracks)
            return []
        self.portal.take(group)
        return [self._pass(group, cut, outage)] if cut else []

    def _unheard(self, now_us: int) -> list[Verdict]:
        """Who is missing since a reader heard nothing, asked once for each such time."""
        answers = []
        for outage in self.portal.hearing.due(now_us):
            suspects = missing.suspects(self.portal, outage, now_us)
            books = self._books(self._places(list(suspects)))
            crossings = in_part.crossings_of(suspects, self.portal, self.context, books)
            outage.done()
            if crossings:
                tracks = [one.track for one in crossings]
                self.portal.let_go(epc for epc, one in suspects.items() if one.found == UNKNOWN)
                epcs = frozenset(track.epc for track in tracks)
                group = Group(tracks, epcs, outage.since_us, outage.until_us or now_us)
                answers.append(self._pass(group, crossings, outage))
        return answers

    # ---- one pass ------------------------------------------------------------------------
    def _pass(
        self, group: Group, crossings: Sequence[Crossing], outage: Outage | None = None
    ) -> Verdict:
        portal, point, logged = self.portal, self.point, self.logged
        when = (str(group.opened_us), str(group.closed_us))
        pass_id = derived_id("pass", point.code, logged.edge, logged.epoch, logged.seq, *when)
        books = self._books(self._places_of(crossings))
        at_us = to_us(logged.observation.event_time)
        company = Company(point, self.context, self.recent, books, pass_id=pass_id, at_us=at_us)
        left = company.before(crossings)
        if outage is None:
            decided = desk.decide(left, portal=portal, point=point, books=books, pass_id=pass_id)
        else:
            decided = in_part.ask(
                left,
                portal=portal,
                point=point,
                books=books,
                pass_id=pass_id,
                outage=outage,
            )
        carried = self.carried.get(point.code) or Carried()
        known = company.after(decided.movements, portal, carried)
        for movement in known.movements:
            self.just.update(dict.fromkeys(movement.epcs, movement.destination))
        if carried.loads:
            self.carried[point.code] = carried
        direction, decision = company.in_all(decided.direction, decided.decision, known)
        told = Pass(
            id=pass_id,
            read_point=point.code,
            opened_at=from_us(group.opened_us),
            closed_at=from_us(group.closed_us),
            direction=direction,
            decision=decision,
            tags=(*decided.tags, *company.told),
            causes=spanning([*portal.causes(group.tracks), cause_of(logged)]),
        )
        if group.tracks and decision == "nothing":
            alone = tracing.left_alone(
                crossings, company.all, portal, told, logged, settled=group.final
            )
            return Verdict(left_alone=(alone,))
        portal.judged_us = max(portal.judged_us, group.closed_us)
        reviews = decided.reviews if outage else self._with_outage(decided.reviews, group)
        mine = Verdict(reviews=tuple(reviews), passes=(told,))
        if crossings:
            why = tracing.of_pass(crossings, company.all, portal, told, logged, settled=group.final)
            mine = msgspec.structs.replace(mine, traces=(why,))
        return together([known, mine])

    def _with_outage(self, reviews: Sequence[Review], group: Group) -> list[Review]:
        """Questions about a pass of which only the beginning or the end was not heard say so."""
        outage = self.portal.hearing.touching(group.opened_us, group.closed_us)
        if outage is None:
            return list(reviews)
        told = {"outage": in_part.told_of(outage)}
        return [msgspec.structs.replace(one, evidence={**one.evidence, **told}) for one in reviews]

    def _books(self, places: Mapping[str, str]) -> Books:
        return Books(self.point, self.context, places)

    def _places_of(self, crossings: Sequence[Crossing]) -> dict[str, str]:
        return self._places([one.track.epc for one in crossings if one.pack is not None])

    def _places(self, goods: Sequence[str]) -> dict[str, str]:
        """Where the ledger has goods, or will once it has posted what was decided just now."""
        placed: dict[str, str] = {}
        for told in (self.context.placed, self.moved, self.just):
            placed |= serials.places_of(goods, told)
        return placed
