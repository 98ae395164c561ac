"""The pure parts: identifiers, hashes, what is an event, which movements follow from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.epcis.from_ledger import CONTEXT_OF_OURS, event_of
from central.epcis.hashing import event_hash, prehash
from central.epcis.identifiers import canonical, gtin_of
from central.epcis.into_ledger import NotBookable, movements_of
from central.epcis.model import NotAnEvent, checked
from central.epcis.names import Names, Unit, epc_uri
from central.epcis.tags import hex_forms
from central.stock.model import Posted
from gateway.gs1.epc_encode import encode_epc
from tests.central.shop import NOON, moving

NAMES = Names({"dock": "urn:epc:id:sgln:4012345.00001.0"})
GTIN = "04012345000016"
EVENT: dict[str, Any] = {
    "type": "ObjectEvent",
    "eventTime": "2026-03-01T13:00:00.0004+01:00",
    "eventTimeZoneOffset": "+01:00",
    "action": "OBSERVE",
    "bizStep": "receiving",
    "bizLocation": {"id": "https://id.gs1.org/414/4012345000016"},
    "quantityList": [{"epcClass": f"https://id.gs1.org/01/{GTIN}/10/L%2F1", "quantity": 12.0}],
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("urn:epc:id:sgtin:4012345.011111.98%2F76", "01/04012345111118/21/98%2F76"),
        ("urn:epc:id:sscc:4012345.0000000333", "00/040123450000003338"),
        ("urn:epc:id:sgln:4012345.00011.987", "414/4012345000115/254/987"),
        ("urn:epc:id:sgln:4012345.00011.0", "414/4012345000115"),
        ("urn:epc:id:giai:4000001.111", "8004/4000001111"),
        ("urn:epc:class:lgtin:4054739.099914.20160711", "01/04054739999148/10/20160711"),
        ("urn:epc:idpat:sgtin:4012345.066666.*", "01/04012345666663"),
        ("https://acme.example/x/01/04012345111118/21/9876?linkType=a#b",
         "01/04012345111118/21/9876"),
    ],
)  # fmt: skip
def test_identifiers_have_one_form(written: str, expected: str) -> None:
    assert canonical(written) == f"https://id.gs1.org/{expected}"
    assert canonical(canonical(written)) == canonical(written)


@given(st.text())
def test_any_text_has_a_form_and_keeps_it(text: str) -> None:
    for said in (text, f"urn:epc:id:sgtin:{text}", f"https://a.example/01/{text}"):
        assert canonical(canonical(said)) == canonical(said)


@given(st.integers(6, 12), st.integers(0, 7), st.integers(0, 2**38 - 1))
def test_a_tag_is_found_by_its_link_whatever_its_prefix_and_filter(
    cut: int, value: int, serial: int
) -> None:
    digits = "4012345678901"
    bits = encode_epc(
        "sgtin-96",
        company_prefix=digits[:cut],
        reference=("1" + digits[cut:12])[: 13 - cut],
        serial=str(serial),
        filter=value,
    )
    link = epc_uri(bits)
    named = gtin_of(link)
    assert named is not None
    assert named[2] == str(serial)
    assert bits in hex_forms(link)


def test_bits_of_no_scheme_are_a_name_as_well() -> None:
    assert epc_uri("E28011700000020F") == "urn:epc:raw:64.xE28011700000020F"
    assert hex_forms("urn:epc:raw:64.xE28011700000020F") == {"E28011700000020F"}
    assert hex_forms("https://acme.example/thing") == set()


def test_a_hash_hangs_on_what_is_told_and_not_on_how() -> None:
    same = {
        **dict(reversed(list(EVENT.items()))),
        "eventTime": "2026-03-01T12:00:00Z",
        "bizStep": "https://ref.gs1.org/cbv/BizStep-receiving",
        "bizLocation": {"id": "urn:epc:id:sgln:4012345.00001.0"},
        "quantityList": [{"quantity": 12, "epcClass": "urn:epc:class:lgtin:4012345.000001.L%2F1"}],
        "recordTime": "2026-03-02T12:00:00Z",
        "eventID": "urn:uuid:1",
    }
    assert prehash(same) == prehash(EVENT)
    assert event_hash(EVENT).startswith("ni:///sha-256;")
    for changed in ({"bizStep": "shipping"}, {"x:a": "1"}, {"quantityList": []}):
        assert event_hash(EVENT | changed) != event_hash(EVENT)
    a = event_hash(EVENT | {"x:a": "1"}, {"x": "https://x.example/"})
    assert a == event_hash(EVENT | {"y:a": "1"}, [{"y": "https://x.example/"}])


def test_a_hash_is_what_others_make_of_it() -> None:
    """The package epcis-event-hash-generator 1.9.3 comes to this."""
    event = EVENT | {
        "quantityList": [{"epcClass": f"https://id.gs1.org/01/{GTIN}/10/L1", "quantity": 12.0}],
        "bizTransactionList": [{"type": "po", "bizTransaction": "urn:acme:po:1"}],
        "sourceList": [{"type": "location", "source": "urn:epc:id:sgln:4012345.00011.987"}],
        "acme:field": ["2", "1"],
    }
    digest = "149aeaf0730c829fa346344cb8127ad7f730b87e1cef15cbb4afdbab1d6ff581"
    context = ["https://ref.gs1.org/x.jsonld", {"acme": "https://acme.example/"}]
    assert event_hash(event, context) == f"ni:///sha-256;{digest}?ver=CBV2.0"


def test_the_order_of_things_does_not_matter_to_a_hash() -> None:
    two = [{"epcClass": "urn:x:1", "quantity": 1}, {"epcClass": "urn:x:2", "quantity": 2}]
    assert event_hash(EVENT | {"quantityList": two}) == event_hash(
        EVENT | {"quantityList": two[::-1]}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"action": "LOOK"}, "action"),
        ({"action": None}, "has an action"),
        ({"eventTime": "2026-03-01T13:00:00"}, "eventTime"),
        ({"eventTimeZoneOffset": "+15:00"}, "eventTimeZoneOffset"),
        ({"type": "Event"}, "type"),
        ({"quantityList": None}, "has an epcList"),
        ({"quantityList": [{"epcClass": "x y"}]}, "epcClass"),
        ({"type": "TransactionEvent"}, "bizTransactionList"),
        ({"type": "AssociationEvent"}, "parentID"),
        ({"type": "AggregationEvent", "action": "ADD"}, "parentID"),
        ({"type": "TransformationEvent"}, "TransformationEvent"),
        ({"bizLocation": {"id": "here"}}, "bizLocation"),
    ],
)
def test_what_is_no_event_is_told(change: dict[str, object], said: str) -> None:
    assert checked(EVENT) == (datetime(2026, 3, 1, 12, 0, 0, 400, tzinfo=UTC), None)
    with pytest.raises(NotAnEvent, match=said):
        checked(EVENT | change)


UNITS = {GTIN: Unit("NUT", 6)}


def _moved(**change: object) -> tuple[str, str, str, str, int]:
    (movement,) = movements_of(EVENT | change, NOON, "urn:uuid:1", NAMES, UNITS)
    assert len(movement.id) <= 64
    return (
        movement.sku, movement.lot, movement.source, movement.destination, movement.quantity,
    )  # fmt: skip


def test_what_the_ledger_can_take_becomes_a_movement() -> None:
    assert _moved() == ("NUT", "L/1", "supplier", "dock", 72)
    assert _moved(bizStep="shipping") == ("NUT", "L/1", "dock", "customer", 72)
    assert _moved(bizStep="urn:epcglobal:cbv:bizstep:destroying")[3] == "scrap"
    ends: dict[str, object] = {
        "sourceList": [
            {"type": "owning_party", "source": "urn:x:1"},
            {"type": "location", "source": "urn:tallyport:location:dock"},
        ],
        "destinationList": [{"type": "location", "destination": "urn:tallyport:location:hall%201"}],
        "bizStep": "storing",
        "quantityList": [{"epcClass": "urn:tallyport:item:A%3AB:L1", "quantity": 3}],
    }
    assert _moved(**ends) == ("A:B", "L1", "dock", "hall 1", 3)
    tags = [f"https://id.gs1.org/01/{GTIN}/21/{n}" for n in (1, 2)]
    assert _moved(epcList=tags, quantityList=[]) == ("NUT", "", "supplier", "dock", 12)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "AggregationEvent", "action": "ADD"}, "moves nothing"),
        ({"type": "TransactionEvent"}, "TransactionEvent OBSERVE: it moves nothing"),
        ({"bizStep": "inspecting"}, "from which to which"),
        ({"bizLocation": {"id": "urn:x:elsewhere"}}, "from which to which"),
        ({"quantityList": [{"epcClass": "urn:x:1", "quantity": 1}]}, "no item of ours"),
        ({"quantityList": [{"epcClass": "urn:tallyport:item:A", "quantity": 1.5}]}, "whole"),
        ({"quantityList": [{"epcClass": "urn:tallyport:item:A"}]}, "whole"),
        (
            {"quantityList": [{"epcClass": "urn:tallyport:item:A", "quantity": 1, "uom": "KGM"}]},
            "whole",
        ),
        ({"quantityList": [{"epcClass": "urn:x:1", "quantity": float("inf")}]}, "whole"),
        ({"quantityList": []}, "names no goods"),
        ({"epcList": ["urn:epc:id:sscc:4012345.0000000333"]}, "no item of ours"),
    ],
)
def test_what_it_cannot_take_says_why(change: dict[str, object], why: str) -> None:
    with pytest.raises(NotBookable, match=why):
        movements_of(EVENT | change, NOON, "urn:uuid:1", NAMES, UNITS)


@pytest.mark.parametrize(
    ("source", "destination", "more", "expected"),
    [
        ("supplier", "dock", {"biz_step": "receiving", "reference": "PO-7"},
         ("OBSERVE", "receiving", "in_progress")),
        ("dock", "hall", {}, ("OBSERVE", "storing", "in_progress")),
        ("dock", "customer", {"biz_step": "shipping"}, ("OBSERVE", "shipping", "in_progress")),
        ("dock", "scrap", {}, ("DELETE", "destroying", "destroyed")),
        ("dock", "dock", {"destination_status": "quarantined"},
         ("OBSERVE", "inspecting", "non_sellable_other")),
        ("dock", "adjustment", {"corrects": "movement-0"}, ("OBSERVE", "storing", "in_progress")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("epcs", [(), ("3034257BF7194E4000001A85",)])
def test_a_movement_is_an_event_that_says_both_ends(
    source: str,
    destination: str,
    more: dict[str, object],
    expected: tuple[str, str, str],
    epcs: tuple[str, ...],
) -> None:
    posted = Posted(
        seq=1, movement=moving(1, source, destination, epcs=epcs, **more), record_time=NOON
    )
    event = event_of(posted, NAMES, GTIN)
    checked(event)
    assert (event["action"], event["bizStep"], event["disposition"]) == expected
    assert event["eventID"] == event_hash(event, CONTEXT_OF_OURS)
    assert ("epcList" in event) == bool(epcs)
    other = Posted(seq=2, movement=moving(2, source, destination, epcs=epcs), record_time=NOON)
    assert event_of(other, NAMES, GTIN)["eventID"] != event["eventID"]
    if not epcs and source == "supplier":
        (back,) = movements_of(event, NOON, "urn:uuid:1", NAMES, {GTIN: Unit("NUT", 1)})
        assert (back.sku, back.source, back.destination, back.quantity, back.reference) == (
            "NUT", "supplier", "dock", 1, "PO-7",
        )  # fmt: skip
