"""What judging may know besides the log, as it stood at a place in the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from sqlalchemy import Connection, Table, select, text

from central import schema
from central.catalogue.enclosures import KeptEnclosures
from central.catalogue.packs import NO_PACK, pack_of
from central.catalogue.places import read_point_of
from central.catalogue.planogram import plate_of
from central.catalogue.tags import KeptBindings
from central.database.bulk import BulkLookup
from central.documents.books import BroughtByNotes, changed_documents, open_documents
from central.intake.observations import heard
from central.judging.effective import next_log_id
from central.reconcile.expected import Brought, Document
from central.reconcile.holdings import Holdings
from central.reconcile.verdict import Context, Pack, PlatePlan, ReadPoint
from central.reconcile.witness import Recent
from central.stock.holdings import KeptHoldings
from central.stock.witnesses import RecentMovements

__all__ = ["ContextCache", "PlacedTags", "context_changes", "load_context", "next_change"]

_EFFECTIVE: tuple[Table, ...] = (schema.read_point, schema.plate_plan, schema.pack)
_NEWEST = text(
    "SELECT (SELECT max(id) FROM read_point WHERE valid_from_log <= :at), "
    "(SELECT max(id) FROM plate_plan WHERE valid_from_log <= :at), "
    "(SELECT max(id) FROM pack WHERE valid_from_log <= :at)"
)
_NEWEST_DOCUMENT = text("SELECT max(id) FROM document WHERE valid_from_log <= :at")
_NEXT = text(
    "SELECT min(entry) FROM ("
    "SELECT min(valid_from_log) AS entry FROM read_point WHERE valid_from_log > :after UNION ALL "
    "SELECT min(valid_from_log) FROM plate_plan WHERE valid_from_log > :after UNION ALL "
    "SELECT min(valid_from_log) FROM pack WHERE valid_from_log > :after UNION ALL "
    "SELECT min(valid_from_log) FROM tag_binding WHERE valid_from_log > :after UNION ALL "
    "SELECT min(valid_from_log) FROM enclosure WHERE valid_from_log > :after UNION ALL "
    "SELECT min(valid_from_log) FROM document WHERE valid_from_log > :after) AS entries"
)


_AMONG = BulkLookup(
    "SELECT t.epc, t.location FROM {keys} JOIN tag_place t ON t.epc = k.epc", (("epc", "text"),)
)


class PlacedTags(Mapping[str, str]):
    """Where each tag's goods are on the ledger, looked up as asked, inside a transaction."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def __getitem__(self, epc: str) -> str:
        found = self._conn.execute(
            text("SELECT location FROM tag_place WHERE epc = :epc"), {"epc": epc}
        ).scalar()
        if found is None:
            raise KeyError(epc)
        return str(found)

    def among(self, names: Iterable[str]) -> dict[str, str]:
        """Where those of the names are that are anywhere, in one question."""
        keys = [(name,) for name in dict.fromkeys(names)]
        return {row[0]: row[1] for row in _AMONG.run(self._conn, keys)}

    def __iter__(self) -> Iterator[str]:
        return (row.epc for row in self._conn.execute(text("SELECT epc FROM tag_place")).all())

    def __len__(self) -> int:
        return int(self._conn.execute(text("SELECT count(*) FROM tag_place")).scalar_one())


class ContextCache:
    """Loads contexts, keeping the maps for as long as nothing new came into force.

    The tables only grow, so their highest ids tell whether there is anything to read anew.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._maps = Context()
        self._document = 0
        self._open: dict[str, Document] = {}
        self._documents: Mapping[str, tuple[Document, ...]] = {}
        self._bindings = KeptBindings()
        self._enclosures = KeptEnclosures()

    def load(
        self,
        conn: Connection,
        *,
        at_log: int | None = None,
        placed: Mapping[str, str] | None = None,
        recent: Recent | None = None,
        held: Holdings | None = None,
        brought: Brought | None = None,
    ) -> Context:
        """The context for log entry ``at_log`` (default: the next one to be judged)."""
        at = next_log_id(conn) if at_log is None else at_log
        key = tuple(conn.execute(_NEWEST, {"at": at}).one())
        if key != self._key:
            self._maps = _read_maps(conn, at)
            self._key = key
        self._read_documents(conn, at)
        bound, since = self._bindings.at(conn, at)
        enclosing, lying_since = self._enclosures.at(conn, at)
        return Context(
            read_points=self._maps.read_points,
            plates=self._maps.plates,
            dated=self._maps.dated,
            packs=self._maps.packs,
            bound=bound,
            placed=PlacedTags(conn) if placed is None else placed,
            recent=RecentMovements(conn) if recent is None else recent,
            held=KeptHoldings(conn) if held is None else held,
            documents=self._documents,
            brought=BroughtByNotes(conn) if brought is None else brought,
            version=max(self._maps.version, since, lying_since),
            enclosing=enclosing,
            heard=partial(heard, conn),
        )

    def _read_documents(self, conn: Connection, at: int) -> None:
        """Only what changed: orders come every minute, packs do not."""
        newest = conn.execute(_NEWEST_DOCUMENT, {"at": at}).scalar() or 0
        if newest == self._document:
            return
        if newest < self._document or not self._document:
            self._open = {one.id: one for one in open_documents(conn, at)}
        else:
            for one in changed_documents(conn, self._document, newest):
                self._open.pop(one.id, None)
                if one.status == "open":
                    self._open[one.id] = one
        self._document = newest
        self._documents = _by_place(self._open.values())


def load_context(conn: Connection, *, at_log: int | None = None) -> Context:
    """The context for log entry ``at_log`` (default: the next one to be judged).

    ``placed`` is read lazily and always tells the ledger's present.
    """
    return ContextCache().load(conn, at_log=at_log)


def next_change(conn: Connection, after: int) -> int | None:
    """The first log entry behind ``after`` from which on something new is in force."""
    return conn.execute(_NEXT, {"after": after}).scalar()


def context_changes(conn: Connection) -> list[int]:
    """The log entries from which on something new was in force, in order."""
    found: set[int] = set()
    for table in (*_EFFECTIVE, schema.tag_binding, schema.enclosure, schema.document):
        found.update(conn.execute(select(table.c.valid_from_log).distinct()).scalars())
    return sorted(found)


def _by_place(documents: Iterable[Document]) -> dict[str, tuple[Document, ...]]:
    """Documents by the locations at both ends."""
    found: dict[str, tuple[Document, ...]] = {}
    for document in documents:
        for place in (document.source, document.destination):
            found[place] = (*found.get(place, ()), document)
    return found


def _read_maps(conn: Connection, at: int) -> Context:
    read_points: dict[str, ReadPoint] = {}
    plates: dict[tuple[str, int], PlatePlan] = {}
    dated: dict[tuple[str, int], dict[int, PlatePlan]] = {}
    packs: dict[str, Pack] = {}
    version = 0
    for table in _EFFECTIVE:
        query = select(table).where(table.c.valid_from_log <= at).order_by(table.c.id)
        for row in conn.execute(query).mappings():
            version = max(version, row["valid_from_log"])
            if table is schema.read_point:
                read_points[row["code"]] = read_point_of(row)
            elif table is schema.plate_plan:
                plan = plate_of(row)
                key = (plan.read_point, plan.plate)
                if plan.valid_from_us:
                    dated.setdefault(key, {})[plan.valid_from_us] = plan
                else:
                    plates[key] = plan
            elif row["quantity"] == NO_PACK:
                packs.pop(row["gtin"], None)
            else:
                packs[row["gtin"]] = pack_of(row)
    return Context(
        read_points=read_points,
        plates=plates,
        dated={key: tuple(plans[at] for at in sorted(plans)) for key, plans in dated.items()},
        packs=packs,
        version=version,
    )
