"""A pass through a portal, decided: tracks in, movements or a question out.

Tags that probably crossed are grouped as they were judged: a group is what one pallet, trolley or
person carried. A group that is in doubt becomes a Review as a whole, with its proposals, because
what goes wrong in a group goes wrong for many of its tags at once. One that is sure moves, and the
few tags of which it is in doubt whether they belong to it are one question beside it.

The ledger has a say: goods that are inside cannot come in, goods that are not cannot go out, unless
they are some that were booked without tags (``untagged``).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from central.database.moments import from_us
from central.reconcile.holdings import UNTAGGED, Lot
from central.reconcile.identity import derived_id, spanning
from central.reconcile.portal import crossing, guesses
from central.reconcile.portal.decided import Decided, told
from central.reconcile.portal.live import FEW
from central.reconcile.portal.on_stock import NOT_ON_STOCK, Books
from central.reconcile.portal.state import Portal
from central.reconcile.portal.untagged import lot_of
from central.reconcile.portal.weighing import CROSSED_AT, DOUBT_AT, Crossing
from central.reconcile.verdict import Hypothesis, ReadPoint, Review
from central.stock.model import Cause, LocationKind, Movement

SURE_TAG = 0.97
SURE_SHARE = 0.8
MOST_RISK = 0.02
MOST_BESIDE = 0.3
NEARLY_AT = 0.2
"""A group moves by itself when so many of its tags are at least ``SURE_TAG`` sure, and the mistakes
expected among these are no more than ``MOST_RISK`` of them and of those that went before (what
goes wrong in a group goes wrong for most of it, so that a sum would only ask about large pallets).
A tag that is less sure beside a group that moves is asked about by itself, as are those in doubt
(``DOUBT_AT`` to ``CROSSED_AT``) if so many of them are expected to be of it. A group that
``NEARLY_AT`` crossed is asked about, too: nothing is left behind silently.
Chosen on recordings left out of the fit of the weights."""
NO_LEVELS = "reader tells no levels"
"""How often tags are read stands in for how loud they are (``stand_in``): no weight was fitted on
that, so that whatever may have crossed is asked about, and nothing is posted."""

_WAYS = ("in", "out")


def decide(
    crossings: Sequence[Crossing],
    *,
    portal: Portal,
    point: ReadPoint,
    books: Books,
    pass_id: str,
) -> Decided:
    """Turn judged tags into movements and reviews, group by group."""
    movements: list[Movement] = []
    reviews: list[Review] = []
    notes: dict[int, tuple[str, str]] = {}
    for members in _groups(crossings):
        desk = Desk(portal, point, books, pass_id, members)
        desk.decide()
        movements += desk.movements
        reviews += desk.reviews
        notes.update(desk.notes)
    left = Desk(portal, point, books, pass_id, _left_by_company(crossings, notes, portal))
    left.ask_whether_left()
    reviews += left.reviews
    notes.update(left.notes)
    return told(crossings, movements, reviews, notes)


def _groups(crossings: Sequence[Crossing]) -> list[list[Crossing]]:
    """Tags in doubt or better, as they were judged together."""
    groups: dict[int, list[Crossing]] = {}
    for one in sorted(crossings, key=lambda one: (one.odds.centre_us, one.track.epc)):
        if one.odds.crossed >= DOUBT_AT and one.says_something:
            groups.setdefault(one.odds.group, []).append(one)
    return [members for members in groups.values() if _may_have_gone(members)]


def _left_by_company(
    crossings: Sequence[Crossing], decided: Container[int], portal: Portal
) -> list[Crossing]:
    """Tags that crossed a moment ago, and that no group took along since, of which each would
    have crossed again but for what its company says.
    """
    lately = {one.track.epc for one in portal.ahead}
    return [
        one
        for one in crossings
        if id(one.track) not in decided
        and one.says_something
        and one.odds.alone >= CROSSED_AT
        and one.track.epc in lately
    ]


def _may_have_gone(members: Sequence[Crossing]) -> bool:
    """Whether some of a group crossed, or its group did, and probably some of these with it, or
    so nearly did that a person had better look.
    """
    if any(one.track.supposed for one in members):
        return True
    best = max(one.odds.crossed for one in members)
    if members[0].odds.group_crossed >= CROSSED_AT:
        return best >= CROSSED_AT or _is_worth_asking(members)
    return best >= NEARLY_AT


def _is_worth_asking(doubted: Sequence[Crossing]) -> bool:
    """Whether of tags in doubt beside a group some probably belong to it, or one would be sure to
    have crossed but for its company.
    """
    expected = sum(one.odds.crossed for one in doubted)
    return expected >= MOST_BESIDE or any(one.odds.alone >= SURE_TAG for one in doubted)


class Desk:
    """Where one group is decided."""

    def __init__(
        self,
        portal: Portal,
        point: ReadPoint,
        books: Books,
        pass_id: str,
        members: Sequence[Crossing],
    ) -> None:
        self._portal = portal
        self._point = point
        self._books = books
        self._pass_id = pass_id
        self._all = members
        self._crossed = [one for one in members if one.odds.crossed >= CROSSED_AT]
        self._doubted = [one for one in members if one.odds.crossed < CROSSED_AT]
        self._untagged = {way: books.untagged(members, way) for way in _WAYS}
        self.movements: list[Movement] = []
        self.reviews: list[Review] = []
        self.notes: dict[int, tuple[str, str]] = {}

    def decide(self) -> None:
        """Fill ``movements``, ``reviews`` and ``notes``."""
        goods: list[Crossing] = []
        unknown: list[Crossing] = []
        barred: dict[str, list[Crossing]] = {}
        for one in self._crossed:
            bar = self._barred(one)
            if bar:
                barred.setdefault(bar, []).append(one)
                self._note(one, bar, crossed=False)
            elif one.pack is None:
                if one.epc.gtin:
                    unknown.append(one)
                self._note(one, "unknown item" if one.epc.gtin else "not an item")
            else:
                goods.append(one)
                self._note(one, "crossed")
        for one in self._doubted:
            self._note(one, "in doubt", crossed=False)
        self._post_or_ask(goods)
        self._ask_of_barred(barred, len(goods))
        if unknown:
            self._ask("unknown item", unknown, guesses.of_unknown_goods(unknown))

    def ask_whether_left(self) -> None:
        """The rest of a pallet that went on without them looks like strays beside each other,
        while each by itself looks like goods that went: if they are several, a person is asked.
        """
        for way in _WAYS:
            ones = [one for one in self._all if one.direction == way and self._is_open(one)]
            if len(ones) >= FEW:
                for one in ones:
                    self._note(one, "in doubt", crossed=False)
                guessed = guesses.of_a_group(ones, (), self._lots)
                self._ask("left behind by their company", ones, guessed)

    def _post_or_ask(self, goods: Sequence[Crossing]) -> None:
        """The group moves, or is asked about as a whole; or it moves without a few tags of which
        it is in doubt whether they belong to it, and these are asked about.
        """
        beside = [one for one in self._doubted if self._is_open(one)]
        supposed = any(one.track.supposed for one in (*goods, *beside))
        sure = [one for one in goods if one.confidence >= SURE_TAG]
        doubt = self._doubt(goods, sure) if goods else ""
        if doubt:
            self._ask(doubt, goods, guesses.of_a_group(goods, beside, self._lots))
            return
        self.movements += self._lots(sure, None)
        unsure = [one for one in goods if one.confidence < SURE_TAG]
        if unsure:
            self._ask("low confidence", unsure, guesses.of_a_group(unsure, beside, self._lots))
        elif beside and (supposed or _is_worth_asking(beside)):
            why = NO_LEVELS if supposed else "tags in doubt beside it"
            self._ask(why, beside, guesses.of_a_group(beside, (), self._lots))

    def _doubt(self, goods: Sequence[Crossing], sure: Sequence[Crossing]) -> str:
        """Why this group cannot be posted without a person; empty when it can."""
        if any(one.track.supposed for one in goods):
            return NO_LEVELS
        if all(
            not (one.track.sides[0].count or one.track.sides[1].count or one.expected)
            for one in goods
        ):
            return "antenna sides unknown"
        ways: dict[str, list[int]] = {}
        for one in goods:
            ways.setdefault(one.direction, []).append(one.odds.centre_us)
        if len(ways) == 2 and _interleaved(ways["in"], ways["out"]):
            return "directions contradict"
        errors = sum(1.0 - one.confidence for one in sure)
        too_few = len(sure) < SURE_SHARE * len(goods)
        most = MOST_RISK * (len(sure) + max(one.after for one in goods))
        return "low confidence" if too_few or errors > most else ""

    def _is_open(self, doubted: Crossing) -> bool:
        """Whether a tag in doubt could have crossed at all: one that lay here before, or whose
        goods are already where it would go, could not.
        """
        return doubted.pack is not None and not doubted.known and not self._barred(doubted)

    def _ask_of_barred(self, barred: dict[str, list[Crossing]], moving: int) -> None:
        """One tag against the ledger is a stray; a whole group that surely crossed, whichever way,
        is a question against it.
        """
        for reason, ones in barred.items():
            sure = [one for one in ones if one.odds.crossed >= SURE_TAG and one.pack is not None]
            strange = reason == NOT_ON_STOCK
            if (len(sure) >= 3 and len(sure) > moving) or (strange and sure):
                self._ask(reason, sure, self._against_the_ledger(sure, strange=strange))

    def _against_the_ledger(
        self, sure: Sequence[Crossing], *, strange: bool
    ) -> tuple[Hypothesis, ...]:
        if not strange:
            return guesses.against_the_ledger(sure, self._lots)
        ways = [
            guesses.Lain(self._lots(sure, "out", lain), share)
            for lain, share in self._books.untagged(sure).ways()
        ]
        return guesses.of_unmet_goods(sure, self._lots, ways)

    def _barred(self, one: Crossing) -> str:
        """Why the ledger says that this tag cannot have gone this way; empty when it can."""
        if one.pack is None:
            return ""
        bar = self._books.bars(one.track.epc, one.direction)
        return "" if bar == NOT_ON_STOCK and self._untagged["out"].place(lot_of(one)) else bar

    def _source(self, one: Crossing, way: str, lain: Mapping[Lot, str] | None) -> tuple[str, bool]:
        """Where goods lay before they went this way, and whether only what places hold tells it:
        the ledger has never met them.
        """
        place, lot = self._books.place(one.track.epc), lot_of(one)
        if place is not None:
            return place, False
        usual = self._point.inbound_from if way == "in" else LocationKind.UNKNOWN.value
        found = self._untagged[way].place(lot, usual) if lain is None else lain.get(lot)
        return found or usual, found not in {None, usual}

    def _lots(
        self, goods: Sequence[Crossing], way: str | None, lain: Mapping[Lot, str] | None = None
    ) -> tuple[Movement, ...]:
        """The movements of goods that go ``way``, or each as judged; none for goods that lie
        where they would go. ``lain`` is where goods may have lain that were never met.
        """
        lots: dict[tuple[str, str, str, str, str, bool], list[Crossing]] = {}
        for one in goods:
            assert one.pack is not None
            direction = way or one.direction
            source, untagged = self._source(one, direction, lain)
            inwards = direction == "in"
            destination = self._point.location if inwards else self._point.outbound_to
            if source != destination:
                key = (direction, one.pack.sku, source, destination, one.pack.lot, untagged)
                lots.setdefault(key, []).append(one)
        return tuple(self._movement(*key, ones) for key, ones in sorted(lots.items()))

    def _movement(  # noqa: PLR0917 (all that it tells)
        self,
        direction: str,
        sku: str,
        source: str,
        destination: str,
        lot: str,
        untagged: bool,
        ones: Sequence[Crossing],
    ) -> Movement:
        epcs = tuple(sorted(one.track.epc for one in ones))
        causes = self._causes(ones)
        centres = sorted(one.odds.centre_us for one in ones)
        first = (causes[0].edge, causes[0].epoch, causes[0].first_seq)
        return Movement(
            id=derived_id("portal", self._point.code, *first, sku, source, destination, *epcs),
            sku=sku,
            lot=lot,
            quantity=sum(one.pack.quantity for one in ones if one.pack is not None),
            source=source,
            destination=destination,
            biz_step="receiving" if direction == "in" else "shipping",
            disposition="in_progress" if direction == "in" else "in_transit",
            event_time=from_us(centres[len(centres) // 2]),
            origin="portal",
            confidence=round(min(_confidence(one, direction) for one in ones), 4),
            causes=causes,
            epcs=epcs,
            evidence={
                "pass": self._pass_id,
                "read_point": self._point.code,
                "direction": direction,
                "tags": len(ones),
                "reads": sum(one.track.reads for one in ones),
                **_loudest(ones),
                **({UNTAGGED: True} if untagged else {}),
            },
        )

    def _ask(
        self,
        reason: str,
        ones: Sequence[Crossing],
        hypotheses: tuple[Hypothesis, ...],
        **evidence: object,
    ) -> None:
        causes = self._causes(ones)
        epcs = sorted(one.track.epc for one in ones)
        centres = sorted(one.odds.centre_us for one in ones)
        self.reviews.append(
            Review(
                id=derived_id("review", reason, self._pass_id, *epcs),
                read_point=self._point.code,
                reason=reason,
                event_time=from_us(centres[len(centres) // 2]),
                hypotheses=hypotheses,
                causes=causes,
                evidence={
                    "pass": self._pass_id,
                    "tags": [_asked_about(one) for one in ones],
                    "in_doubt": sorted(one.track.epc for one in self._doubted),
                    "beside": [_asked_about(one) for one in self._doubted],
                    "model": crossing.model(),
                    **evidence,
                },
            )
        )

    def _causes(self, ones: Sequence[Crossing]) -> tuple[Cause, ...]:
        return spanning(self._portal.causes(one.track for one in ones))

    def _note(self, one: Crossing, reason: str, *, crossed: bool = True) -> None:
        self.notes[id(one.track)] = (one.direction if crossed else "none", reason)


def _confidence(one: Crossing, direction: str) -> float:
    """That it crossed in this direction."""
    inwards = one.odds.inwards
    return one.odds.crossed * (inwards if direction == "in" else 1.0 - inwards)


def _loudest(ones: Sequence[Crossing]) -> dict[str, float]:
    """The loudest level that was told of these, if any was."""
    told = [one.track.peak_dbm for one in ones if not one.track.supposed]
    return {"peak_rssi_dbm": max(told)} if told else {}


def _asked_about(one: Crossing) -> dict[str, object]:
    """A tag as a person is shown it, and as a label of it is learnt from."""
    return {
        "epc": one.track.epc,
        "direction": one.direction,
        "confidence": round(one.confidence, 3),
        "reads": one.track.reads,
        "crossed": round(one.odds.crossed, 4),
        "inwards": round(one.odds.inwards, 4),
        "features": {name: round(value, 4) for name, value in one.seen.named().items()},
    }


def _interleaved(ins: Sequence[int], outs: Sequence[int]) -> bool:
    return max(ins) >= min(outs) and max(outs) >= min(ins)
