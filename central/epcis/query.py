"""Events of the ledger and of others, as one list in the order in which central recorded them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection

from central.catalogue import packs
from central.database.moments import to_us
from central.documents.books import heard_for
from central.epcis import captured
from central.epcis.from_ledger import ORIGIN, declared_wrong, declares_wrong, event_of
from central.epcis.from_log import KINDS, event_of_log
from central.epcis.hashing import word
from central.epcis.identifiers import canonical, gtin_of
from central.epcis.masters import Knows, knowing
from central.epcis.matching import matches
from central.epcis.model import Place, Told, Wanted
from central.epcis.names import Names
from central.epcis.papers import Papers
from central.epcis.sight import Sees, sight
from central.epcis.tags import hex_forms
from central.events import log
from central.receiving.papers import documents_called
from central.reservations.holdings import places_within
from central.stock import found, queries
from central.stock.found import Sought
from central.stock.model import Posted

__all__ = ["Place", "Told", "TooMuch", "head", "look", "query"]

_HASH = "ni:///sha-256;"
_DAY_US = 86_400 * 1_000_000

_LOGGED = {"AggregationEvent", "TransactionEvent"}
_FULL = {name: word(name, "x")[:-1] for name in ("bizStep", "disposition")}


class TooMuch(Exception):
    """More would have to be looked through than is done for one question; the text says how to ask.
    (The standard's QueryTooLargeException.)
    """


def head(conn: Connection) -> Place:
    """Where a reader stands who has read all."""
    return Place(queries.last_seq(conn), captured.newest(conn), log.newest(conn))


def query(
    conn: Connection, wanted: Wanted, names: Names, *, after: Place, limit: int
) -> tuple[list[dict[str, Any]], Place | None]:
    """At most ``limit`` events behind ``after`` that whoever asks may see, and where the next page
    begins; ``None`` at the end.
    """
    found, behind = look(conn, wanted, names, after=after, limit=limit)
    return [one.event for one in found], behind


def look(
    conn: Connection, wanted: Wanted, names: Names, *, after: Place, limit: int
) -> tuple[list[Told], Place | None]:
    """What ``query`` does, with the times of each."""
    wanted, sees = _within(conn, wanted, names), sight(conn, names)
    knows = knowing(conn, wanted, names)
    others = captured.found(
        conn, wanted, lambda one: sees(one) and knows(one), after=after.captured, limit=limit + 1
    )
    ours = _Ours(conn, wanted, names, sees, knows)
    if _are_theirs(wanted, others):
        told: tuple[list[Told], ...] = (others,)
    else:
        moved, happened = (ours.moved(after.ledger, limit + 1), ours.happened(after.log, limit + 1))
        told = (moved, others, happened)
    merged = list(islice(heapq.merge(*told, key=itemgetter(0)), limit + 1))
    at = after
    for one in merged[:limit]:
        at = Place(*map(max, at, one.place))
    return merged[:limit], at if len(merged) > limit else None


def _within(conn: Connection, wanted: Wanted, names: Names) -> Wanted:
    """With the places that lie within those that are asked for so (``WD_``)."""
    found = dict[str, tuple[str, ...]]()
    for field, roots in (
        ("read_points", wanted.within_read_points),
        ("biz_locations", wanted.within_biz_locations),
    ):
        if roots:
            codes = [code for uri in roots if (code := names.code(uri)) is not None]
            below = {code for some in places_within(conn, codes).values() for code in some}
            every = (*roots, *map(names.place, sorted(below)))
            asked = {canonical(uri) for uri in getattr(wanted, field)}
            both = tuple(uri for uri in every if not asked or canonical(uri) in asked)
            found[field] = both or ("urn:tallyport:nowhere",)
    return msgspec.structs.replace(wanted, **found) if found else wanted


def _are_theirs(wanted: Wanted, others: Sequence[Told]) -> bool:
    """Whether all events that are asked for are others': they have ids of others, or tell what
    sensors reported, or what others added. Raises ``TooMuch`` where the
    whole of the books would have to be looked through for one: our events' ids are their hashes.
    """
    hashes = {one for one in wanted.event_ids if one.startswith(_HASH)}
    if wanted.of_sensors or wanted.of_others:
        return True
    if not wanted.event_ids or not hashes:
        return bool(wanted.event_ids)
    if hashes <= {one.event["eventID"] for one in others}:
        return True
    times = (wanted.ge_event_us, wanted.lt_event_us)
    near = None not in times and times[1] - times[0] <= _DAY_US  # type: ignore[operator]
    if not (near or wanted.epcs or wanted.any_epcs or wanted.classes or wanted.papers):
        raise TooMuch(
            "an event of the books is found by its id together with GE_eventTime and LT_eventTime, "
            "a day apart at most, or with what it is about (MATCH_epc, MATCH_anyEPC, "
            "MATCH_epcClass, EQ_bizTransaction_po, ...)"
        )
    return False


class _Ours:
    """What our books tell: the ledger's movements, and what else happened."""

    def __init__(
        self, conn: Connection, wanted: Wanted, names: Names, sees: Sees, knows: Knows
    ) -> None:
        self._conn, self._wanted, self._names, self._sees = conn, wanted, names, sees
        self._knows = knows
        self._gtins: dict[str, str | None] = {}
        self._papers = Papers(conn)

    def moved(self, after: int, limit: int) -> list[Told]:
        """Movements. What the ledger cannot be asked is looked at afterwards."""
        sought = _sought(self._conn, self._wanted, self._names)
        told = list[Told]()
        while sought is not None:
            page = found.find(self._conn, sought, after_seq=after, limit=limit)
            self._papers.learn(one.movement for one in page)
            for posted in page:
                after, event = posted.seq, self._of_movement(posted)
                if matches(event, self._wanted) and self._knows(event):
                    recorded, happened = (
                        to_us(posted.record_time),
                        to_us(posted.movement.event_time),
                    )
                    told.append(Told(recorded, happened, Place(posted.seq, 0, 0), event))
            if len(told) >= limit or len(page) < limit:
                break
        return told[:limit]

    def happened(self, after: int, limit: int) -> list[Told]:
        """What is told of packing and reserving."""
        told, wanted = list[Told](), self._wanted
        sought = not wanted.of_errors and bool({*wanted.types} & _LOGGED or not wanted.types)
        since, until = _span(wanted)
        while sought:
            page = log.following(
                self._conn, after, limit, kinds=KINDS, since_us=since, until_us=until
            )
            for one in page:
                after = one.seq
                event = event_of_log(one, self._names, self._gtin)
                if (
                    event is not None
                    and self._sees(event)
                    and matches(event, wanted)
                    and self._knows(event)
                ):
                    told.append(Told(one.at_us, one.at_us, Place(0, 0, one.seq), event))
            if len(told) >= limit or len(page) < limit:
                break
        return told[:limit]

    def _of_movement(self, posted: Posted) -> dict[str, Any]:
        """It, or that it takes back what never was."""
        movement = posted.movement
        event = self._event(posted)
        if movement.corrects is None:
            return event
        first = queries.movement_by_id(self._conn, movement.corrects)
        if first is None or not declares_wrong(movement, first.movement):
            return event
        right = [
            self._event(one)["eventID"]
            for one in queries.correcting(self._conn, movement.corrects)
            if not declares_wrong(one.movement, first.movement)
        ]
        return declared_wrong(self._event(first), posted, right)

    def _event(self, posted: Posted) -> dict[str, Any]:
        movement = posted.movement
        gtin, papers = self._gtin(movement.sku), self._papers.of(movement)
        return event_of(posted, self._names, gtin, papers)

    def _gtin(self, sku: str) -> str | None:
        if sku not in self._gtins:
            self._gtins[sku] = _unit_gtin(self._conn, sku)
        return self._gtins[sku]


def _span(wanted: Wanted) -> tuple[int | None, int | None]:
    """From when on and until when what is recorded when it happens is asked for."""
    since = [one for one in (wanted.ge_event_us, wanted.ge_record_us) if one is not None]
    until = [one for one in (wanted.lt_event_us, wanted.lt_record_us) if one is not None]
    return max(since, default=None), min(until, default=None)


def _bare(name: str, words: tuple[str, ...]) -> list[str] | None:
    """The words as the ledger has them; ``None`` where none is asked for."""
    return [word(name, one).removeprefix(_FULL[name]) for one in words] or None


def _unit_gtin(conn: Connection, sku: str) -> str | None:
    return next((one.gtin for one in packs.list_packs(conn, sku) if one.quantity == 1), None)


def _sought(conn: Connection, wanted: Wanted, names: Names) -> Sought | None:
    """What the ledger is asked; ``None`` where it has nothing of the kind."""
    if wanted.types and not {"ObjectEvent", "AggregationEvent"} & {*wanted.types}:
        return None
    epcs: set[str] | None = None
    for asked in (wanted.epcs, wanted.any_epcs, wanted.parents):
        if asked:
            these = {form for uri in asked for form in (*hex_forms(uri), canonical(uri))}
            epcs = these if epcs is None else epcs & these
    references = _references(wanted, names)
    return Sought(
        ge_event_us=wanted.ge_event_us,
        lt_event_us=wanted.lt_event_us,
        ge_record_us=wanted.ge_record_us,
        lt_record_us=wanted.lt_record_us,
        biz_steps=_bare("bizStep", wanted.biz_steps),
        dispositions=_bare("disposition", wanted.dispositions),
        seen_at=_codes(wanted.read_points, names),
        left_at=_codes(wanted.biz_locations, names),
        epcs=epcs,
        units=epcs or (),
        references=references,
        heard=_heard(conn, references),
        correcting=wanted.of_errors,
        goods=_goods(conn, wanted, names),
        without_origin=ORIGIN,
    )


def _references(wanted: Wanted, names: Names) -> list[str] | None:
    """The papers that are asked for, as the ledger and announced documents have them."""
    if not wanted.papers:
        return None
    uris = next(iter(wanted.papers.values()))  # of several types one event has to have them all
    return [names.reference(uri) for uri in uris]


def _heard(conn: Connection, references: list[str] | None) -> list[int]:
    """With which entries of the log came what such papers announced."""
    if references is None:
        return []
    return heard_for(conn, documents_called(conn, references))


def _codes(uris: tuple[str, ...], names: Names) -> list[str] | None:
    if not uris:
        return None
    return [code for uri in uris if (code := names.code(uri)) is not None]


def _goods(conn: Connection, wanted: Wanted, names: Names) -> list[tuple[str, str | None]] | None:
    """The items that classes name: a trade item's stands for all its lots."""
    if not wanted.classes:
        return None
    goods = list[tuple[str, str | None]]()
    for uri in wanted.classes:
        own, named = names.own_item(uri), gtin_of(uri)
        if own is not None:
            goods.append((own[0], own[1] or None))
        elif named is not None and (pack := packs.find_pack(conn, named[0])) is not None:
            goods.append((pack.sku, named[1] or None))
    return goods
