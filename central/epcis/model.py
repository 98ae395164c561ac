"""What an EPCIS 2.0 event must be to be taken, and what a query asks for. Pure.

Events are kept as they came, with all that users add to them; what is checked is what the standard
says of the fields it knows (EPCIS 2.0, 7.4). These are our own words for its rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from central.epcis.fields import OURS
from central.epcis.hashing import word

__all__ = [
    "CONTEXT", "SIMPLE", "TYPES", "Added", "Attribute", "NotAnEvent", "Order", "Place", "Told",
    "Wanted", "bare_reason", "checked", "document", "things_of",
]  # fmt: skip

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
TYPES = (
    "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent",
    "AssociationEvent",
)  # fmt: skip
SIMPLE = "SimpleEventQuery"
"""The name of the query that everybody has (EPCIS 2.0, 8.2.7.1)."""
_PAPER = "https://ref.gs1.org/cbv/BTT-"
_REASONS = ("https://ref.gs1.org/cbv/ER-", "urn:epcglobal:cbv:er:", "cbv:ER-")
_TYPES_OF_OURS = {
    f"https://ref.gs1.org/cbv#{one}" for one in ("BTT-po", "BTT-desadv", "BTT-rma", "SDT-location")
}
"""Of papers and ends that our own events have, by their full names."""
_EPCS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
_CLASSES = (
    "quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList",
)  # fmt: skip

Uri = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\x00\s]+$", max_length=2048)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[^\x00\s]+$")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Offset = Annotated[str, msgspec.Meta(pattern=r"^[+-]((0\d|1[0-3]):[0-5]\d|14:00)$")]


class NotAnEvent(ValueError):
    """What came is no EPCIS event; the message says what is wrong with it."""


class _Id(msgspec.Struct):
    id: Uri


class _Quantity(msgspec.Struct, forbid_unknown_fields=True):
    epc_class: Uri = msgspec.field(name="epcClass")
    quantity: float | None = None
    uom: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,3}$")] | None = None


class _Transaction(msgspec.Struct):
    transaction: Uri = msgspec.field(name="bizTransaction")
    type: Word | None = None


class _Source(msgspec.Struct):
    type: Word
    source: Uri


class _Destination(msgspec.Struct):
    type: Word
    destination: Uri


class _Declaration(msgspec.Struct, rename="camel"):
    declaration_time: Moment
    reason: Word | None = None
    corrective_ids: Annotated[list[Uri], msgspec.Meta(max_length=1_000)] | None = msgspec.field(
        name="correctiveEventIDs", default=None
    )


class _Event(msgspec.Struct, rename="camel"):
    """The fields that every reader must be able to rely on."""

    type: Literal[
        "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent",
        "AssociationEvent",
    ]  # fmt: skip
    event_time: Moment
    event_time_zone_offset: Offset
    event_id: Uri | None = msgspec.field(name="eventID", default=None)
    action: Literal["ADD", "OBSERVE", "DELETE"] | None = None
    biz_step: Word | None = None
    disposition: Word | None = None
    read_point: _Id | None = None
    biz_location: _Id | None = None
    parent_id: Uri | None = msgspec.field(name="parentID", default=None)
    epc_list: list[Uri] | None = None
    child_epcs: list[Uri] | None = msgspec.field(name="childEPCs", default=None)
    input_epcs: list[Uri] | None = msgspec.field(name="inputEPCList", default=None)
    output_epcs: list[Uri] | None = msgspec.field(name="outputEPCList", default=None)
    quantity_list: list[_Quantity] | None = None
    child_quantity_list: list[_Quantity] | None = None
    input_quantity_list: list[_Quantity] | None = None
    output_quantity_list: list[_Quantity] | None = None
    biz_transaction_list: list[_Transaction] | None = None
    source_list: list[_Source] | None = None
    destination_list: list[_Destination] | None = None
    sensor_element_list: list[dict[str, Any]] | None = None
    error_declaration: _Declaration | None = None

    def flaw(self) -> str:
        """What the kind of event asks for and is not there; empty when all is."""
        if (self.type == "TransformationEvent") == (self.action is not None):
            return "every event but a TransformationEvent has an action, ADD, OBSERVE or DELETE"
        if self.type == "TransactionEvent" and not self.biz_transaction_list:
            return "a TransactionEvent names transactions in bizTransactionList"
        if self.type == "AssociationEvent" and self.parent_id is None:
            return "an AssociationEvent has a parentID"
        if self.type == "AggregationEvent" and self.parent_id is None and self.action != "OBSERVE":
            return "an AggregationEvent that adds or deletes has a parentID"
        things = (self.epc_list, self.quantity_list, self.sensor_element_list)
        if self.type == "ObjectEvent" and things == (None, None, None):
            return "an ObjectEvent has an epcList, a quantityList or a sensorElementList"
        return ""


class Times(NamedTuple):
    """When an event happened, and when it was declared wrong, if it was."""

    at: datetime
    declared: datetime | None


def checked(event: object) -> Times:
    """The event's times; raises ``NotAnEvent``."""
    try:
        known = msgspec.convert(event, _Event)
    except msgspec.ValidationError as error:
        raise NotAnEvent(str(error)) from error
    if flaw := known.flaw():
        raise NotAnEvent(flaw)
    wrong = known.error_declaration
    return Times(known.event_time, None if wrong is None else wrong.declaration_time)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """By which time, or by which field that users added (its full name), whether the latest or
    greatest come first, and how many of the first there are to be.
    """

    by: str
    descending: bool
    at_most: int | None = None

    @property
    def field(self) -> str:
        """The full name of the added field; empty for a time."""
        return "" if self.by in {"eventTime", "recordTime"} else self.by


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a field that users added: ``name`` is its full one (``central.epcis.fields``
    says what that is), ``scope`` the part of the event where it stands, in the standard's words
    (``ILMD``, ``SENSORREPORT`` and so on), ``inner`` says that it lies within a field there.
    """

    how: Literal["EQ", "GT", "GE", "LT", "LE", "EXISTS", "LACKS"]
    name: str
    scope: str = ""
    inner: bool = False
    values: tuple[str, ...] = ()


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the master data of what a ``field`` of the event names: that it has one of
    the attributes ``names``, with one of the ``values`` where there are such.
    """

    field: str
    names: tuple[str, ...]
    values: tuple[str, ...] = ()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a query asks for; an empty tuple or ``None`` asks nothing. Times are microseconds since
    1970, words bare or in full, identifiers canonical.
    """

    types: tuple[str, ...] = ()
    ge_event_us: int | None = None
    lt_event_us: int | None = None
    ge_record_us: int | None = None
    lt_record_us: int | None = None
    biz_steps: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    read_points: tuple[str, ...] = ()
    biz_locations: tuple[str, ...] = ()
    epcs: tuple[str, ...] = ()
    any_epcs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    declared: bool = False
    ge_declared_us: int | None = None
    lt_declared_us: int | None = None
    error_reasons: tuple[str, ...] = ()
    correctives: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    papers: Mapping[str, tuple[str, ...]] = {}
    """Business transactions, by their type."""
    within_read_points: tuple[str, ...] = ()
    within_biz_locations: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    transformations: tuple[str, ...] = ()
    set_dispositions: tuple[str, ...] = ()
    unset_dispositions: tuple[str, ...] = ()
    input_epcs: tuple[str, ...] = ()
    output_epcs: tuple[str, ...] = ()
    input_classes: tuple[str, ...] = ()
    output_classes: tuple[str, ...] = ()
    any_classes: tuple[str, ...] = ()
    sources: Mapping[str, tuple[str, ...]] = {}
    destinations: Mapping[str, tuple[str, ...]] = {}
    quantities: tuple[tuple[str, float], ...] = ()
    """How a quantity compares (``EQ``, ``GT``, ``GE``, ``LT``, ``LE``), and with what."""
    measures: tuple[tuple[str, str, str, float], ...] = ()
    """How a number of a sensor's report, or a quantity, compares, which one, in what unit (a code
    of UN/CEFACT; empty for one without), and with what.
    """
    sensed: bool = False
    reported: Mapping[str, tuple[str, ...]] = {}
    reported_at: tuple[tuple[str, str, int], ...] = ()
    """How a time of a sensor's report compares, which one, and with what."""
    added: tuple[Added, ...] = ()
    typed: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Papers and ends of types that have no parameter of their own: the list, the type's full name,
    and which.
    """
    attributes: tuple[Attribute, ...] = ()
    order: Order | None = None
    """``None``: as they were recorded."""
    most: int | None = None
    """More than so many are refused."""

    @property
    def of_errors(self) -> bool:
        """Whether only what was declared wrong is asked for."""
        times = (self.ge_declared_us, self.lt_declared_us)
        fields = any(one.scope == "ERROR_DECLARATION" for one in self.added)
        named = bool(self.error_reasons + self.correctives)
        return self.declared or times != (None, None) or named or fields

    @property
    def of_sensors(self) -> bool:
        """Whether only what sensors reported is asked for: no movement of ours tells of any."""
        numbers = any(field != "quantity" for _, field, _, _ in self.measures)
        return self.sensed or bool(self.reported or self.reported_at) or numbers

    @property
    def of_others(self) -> bool:
        """Whether only what others added is asked for: our own events have none of it."""
        return any(kind not in _TYPES_OF_OURS for _, kind, _ in self.typed) or any(
            one.how != "LACKS"
            and (one.scope not in {"", "ERROR_DECLARATION"} or not one.name.startswith(OURS))
            for one in self.added
        )


class Place(NamedTuple):
    """How far a reader has come: the numbers of the last movement, of the last captured event and
    of the last that the log of other events tells.
    """

    ledger: int
    captured: int
    log: int


class Told(NamedTuple):
    """An event, with the times that it happened and was recorded."""

    record_us: int
    event_us: int
    place: Place
    event: dict[str, Any]


def things_of(event: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What an event is about, for look-ups: ``epc`` (its objects or children), ``any`` (also
    parent, inputs and outputs), ``class``, ``parent``, ``paper:TYPE`` (a business transaction),
    ``corrective``, with the URI as it was written.
    """
    found = set[tuple[str, str]]()
    for field in _EPCS:
        for epc in event.get(field, ()):
            found.add(("any", epc))
            if field in {"epcList", "childEPCs"}:
                found.add(("epc", epc))
    if "parentID" in event:
        found |= {("any", event["parentID"]), ("parent", event["parentID"])}
    for field in _CLASSES:
        found.update(("class", one["epcClass"]) for one in event.get(field, ()))
    for paper in event.get("bizTransactionList") or ():
        found.add((f"paper:{_kind_of_paper(paper)}", paper["bizTransaction"]))
    declaration = event.get("errorDeclaration") or {}
    found.update(("corrective", one) for one in declaration.get("correctiveEventIDs") or ())
    return found


def _kind_of_paper(paper: Mapping[str, Any]) -> str:
    return word("bizTransactionList", str(paper.get("type") or "")).removeprefix(_PAPER)


def bare_reason(said: str) -> str:
    """A reason of an error as one word, however it was written."""
    for prefix in _REASONS:
        said = said.removeprefix(prefix)
    return said


def document(
    events: list[Any], created: str, *, query: str = SIMPLE, subscription: str = ""
) -> dict[str, Any]:
    """An answer to a query, or to its subscriber."""
    of = {"subscriptionID": subscription} if subscription else {}
    return {
        "@context": [CONTEXT, {"tallyport": "urn:tallyport:epcis:"}],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": created,
        "epcisBody": {
            "queryResults": {
                "queryName": query,
                **of,
                "resultsBody": {"eventList": events},
            }
        },
    }
