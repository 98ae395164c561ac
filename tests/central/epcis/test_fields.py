"""The pure parts of queries for added fields: names, where they stand, how values compare."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.epcis.extending import extends, keys_asked, keys_of
from central.epcis.fields import KNOWN, Fields, full, index_key, prefixes_of, scalars
from central.epcis.model import Added, Wanted
from central.epcis.values import asked_forms, is_measure, ranks, same, told_forms

CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"ex": "https://ns.example.com/epcis", "slash": "https://ns.example.com/epcis/"},
    {"term": {"@id": "https://ns.example.com/epcis#word", "@type": "@id"}, "@version": 1.1},
]
WORDS = st.text(string.ascii_letters + string.digits + "-_é", min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS.map(lambda word: f"ex:{word}"), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ex:field", "https://ns.example.com/epcis#field"),
        ("slash:field", "https://ns.example.com/epcis#field"),
        ("https://ns.example.com/epcis/field", "https://ns.example.com/epcis#field"),
        ("https://ns.example.com/epcis/#field", "https://ns.example.com/epcis#field"),
        ("term", "https://ns.example.com/epcis#word"),
        ("cbvmda:lotNumber", "urn:epcglobal:cbv:mda#lotNumber"),
        ("urn:epcglobal:cbv:mda:lotNumber", "urn:epcglobal:cbv:mda#lotNumber"),
        ("tallyport:movement", "urn:tallyport:epcis#movement"),
        ("nobody:field", "nobody:field"),
        ("field", "field"),
    ],
)
def test_a_field_has_one_full_name(said: str, meant: str) -> None:
    prefixes = prefixes_of(CONTEXT)
    assert full(said, prefixes) == meant
    assert full(meant, prefixes) == meant
    assert index_key(meant) == index_key(said) or said == "term"


def test_a_context_that_defines_nothing_leaves_what_is_known() -> None:
    for context in (None, (), "https://example.com/context", {"@vocab": "x", "a": 3, "b": {}}):
        assert prefixes_of(context) == dict(KNOWN)


@given(st.dictionaries(WORDS.map(lambda word: f"ex:{word}"), VALUES, max_size=4), WORDS)
def test_every_field_that_is_found_is_found_by_its_key(added: dict[str, Any], word: str) -> None:
    event = {"@context": CONTEXT, "type": "ObjectEvent", "ilmd": added, **added}
    keys, fields = keys_of(event), Fields(event)
    for name in {f"ex:{word}", *added}:
        for asked in (name, full(name, prefixes_of(CONTEXT))):
            there = [*fields.named(asked), *fields.named(asked, inner=True)]
            assert list(fields.named(asked, "ILMD")) == list(fields.named(asked))
            assert not there or ("field", index_key(asked)) in keys
            assert bool(list(fields.named(asked))) == (added.get(name) is not None)


def _may_have(event: dict[str, Any], asked: Added) -> bool:
    """Whether the event is one of those that are looked at, by the keys that are kept of it."""
    keys = keys_asked(asked)
    return keys is None or not keys_of(event).isdisjoint({(keys[0], one) for one in keys[1]})


@given(VALUES, st.sampled_from(["EQ", "GT", "GE", "LT", "LE", "EXISTS", "LACKS"]))
def test_any_value_can_be_asked_for(value: object, how: Any) -> None:
    event = {"type": "ObjectEvent", "ex:a": value}
    there = Added(how=how, name="ex:a", values=("5",))
    judged = extends(event, Wanted(added=(there,)))
    assert not judged or _may_have(event, there)
    if how in {"EXISTS", "LACKS"}:
        assert judged == ((value is not None) == (how == "EXISTS"))
    for one in scalars(value):
        text = str(one).lower() if isinstance(one, bool) else str(one)
        assert same(text, one)
        asked = Added(how="EQ", name="ex:a", values=(text,))
        assert extends(event, Wanted(added=(asked,)))
        assert _may_have(event, asked)


@given(st.integers(-(2**60), 2**60), st.integers(-(2**60), 2**60))
def test_numbers_compare_as_numbers_however_they_are_written(told: int, than: int) -> None:
    for value in (told, str(told), f"{told}.0", {"@type": "xsd:integer", "@value": str(told)}):
        event = {"type": "ObjectEvent", "ex:a": [None, value]}
        for how, holds in (("GT", told > than), ("GE", told >= than), ("LE", told <= than),
                           ("LT", told < than)):  # fmt: skip
            one = Added(how=how, name="ex:a", values=(str(than),))  # type: ignore[arg-type]
            assert extends(event, Wanted(added=(one,))) == holds


@pytest.mark.parametrize(
    ("asked", "told", "holds"),
    [
        ("1.0", 1, True), ("01", 1, True), ("1", "1.0", False), ("x", 1, False), ("", "", True),
        ("TRUE", True, True), ("1", True, False), ("2026-01-31", "2026-01-31T00:00:00Z", True),
        ("2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00.000Z", True),
        ("2026-01-31T01:00:00", "2026-01-31T01:00:00Z", False),
        ("2026-02-30", "2026-02-30", True), ("2026-02-30", "2026-02-30T00:00:00Z", False),
        ("urn:epc:id:sgln:4012345.00001.0", "https://x.example/414/4012345000016", True),
    ],
)  # fmt: skip
def test_values_are_the_same_by_what_they_are(asked: str, told: Any, holds: bool) -> None:
    assert same(asked, told) is holds


LIKE = st.sampled_from([
    "-0", "0", "0.0", "1", "01", "1.0", "1e0", "TRUE", "true", "False", "x", "X", "", "2026-01-31",
    "2026-01-31T00:00:00Z", "2026-01-31T01:00:00+01:00", "https://x.example/414/4012345000016",
    "urn:epc:id:sgln:4012345.00001.0", "ex:word", "https://ns.example.com/epcis/word", "cbv:x",
    "https://ref.gs1.org/cbv/x", "1" * 70, "x" * 300, "9" * 59 + ".5", "1e400",
])  # fmt: skip


@given(LIKE, LIKE | st.booleans() | st.sampled_from([0, -0.0, 1, 1.0, 1e300, 2**62]))
def test_what_is_the_same_is_looked_up_by_the_same_text(asked: str, told: Any) -> None:
    prefixes = prefixes_of(CONTEXT)
    if same(asked, told, prefixes):
        assert asked_forms(asked) & told_forms(told, prefixes)


def test_only_numbers_and_times_can_be_greater_or_less() -> None:
    for said in ("1", "-1.5e3", ".5", "2026-01-31", "2026-01-31T08:00:00.123456789Z"):
        assert is_measure(said)
    for said in ("", "x", "nan", "1e9999", "9" * 99, "٣", "2026-1-31", "2026-01-31T08:00:00",
                 "0001-01-01T00:00:00+14:00x"):  # fmt: skip
        assert not is_measure(said)


def test_values_come_in_the_order_of_their_kind() -> None:
    def order(*told: Any) -> list[Any]:
        keys = ranks(list(told))
        return [told[number] for number in sorted(range(len(told)), key=keys.__getitem__)]

    assert order("10", 9, "8.5") == ["8.5", 9, "10"]
    assert order("10", "9", "A") == ["10", "9", "A"]
    assert order("b", "B", "a", "ä") == ["B", "a", "b", "ä"]
    assert order("2026-01-31T01:00:00+02:00", "2026-01-31", "2026-01-30T22:00:00Z") == [
        "2026-01-30T22:00:00Z", "2026-01-31T01:00:00+02:00", "2026-01-31",
    ]  # fmt: skip
    assert order("x", True, False) == [False, True, "x"]
    assert ranks([]) == []
