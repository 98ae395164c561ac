from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.command_codes import (
    CodeError,
    CommandCode,
    PlaceCode,
    Verb,
    check_character,
    command_code,
    parse_code,
    place_code,
)

PLACE = st.from_regex(r"[0-9A-Za-z._-]{1,40}", fullmatch=True)
CODE = st.one_of(st.sampled_from(Verb).map(command_code), PLACE.map(place_code))


def refused(text: str) -> bool:
    try:
        return parse_code(text) is None
    except CodeError:
        return True


def test_the_codes_are_these() -> None:
    # Labels hang on walls for years: what is printed once is read for ever.
    assert [command_code(verb) for verb in Verb] == [
        "TP-C-RECEIVE-U",
        "TP-C-MOVE-TO-T",
        "TP-C-PICK-F",
        "TP-C-COUNT-B",
        "TP-C-UNDO-L",
    ]
    assert [place_code(place) for place in ("shelf-7", "A.1_b")] == [
        "TP-L-shelf-7-Z",
        "TP-L-A.1_b-M",
    ]
    assert parse_code(" TP-C-PICK-F\r\n") == CommandCode(Verb.PICK)
    assert parse_code("TP-L-shelf-7-Z") == PlaceCode("shelf-7")


@given(PLACE)
def test_a_place_reads_back_in_any_case(place: str) -> None:
    code = place_code(place)
    assert parse_code(code) == PlaceCode(place)
    for turned in (code.lower(), code.upper(), code.swapcase()):
        found = parse_code(turned)
        assert isinstance(found, PlaceCode)
        assert found.place.lower() == place.lower()


@given(CODE, st.data())
def test_one_wrong_character_is_always_noticed(code: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(3, len(code) - 1))
    wrong = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-._*+$%/ "))
    assume(wrong != code[at].upper())
    assert refused(code[:at] + wrong + code[at + 1 :])


@given(CODE, st.data())
def test_two_that_changed_places_are_always_noticed(code: str, data: st.DataObject) -> None:
    one = data.draw(st.integers(3, len(code) - 3))
    two = data.draw(st.integers(one + 1, min(one + 39, len(code) - 2)))
    assume(code[one].upper() != code[two].upper())
    letters = [*code]
    letters[one], letters[two] = letters[two], letters[one]
    assert refused("".join(letters))


@given(st.text())
def test_any_text_is_ours_or_not_or_says_why(text: str) -> None:
    for read in (text, "TP-" + text, "TP-L-" + text):
        try:
            found = parse_code(read)
        except CodeError as error:
            assert str(error)
        else:
            assert found is None or read.strip()[:3].upper() == "TP-"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TP-C-", "is it torn"),
        ("TP-L-" + "x" * 41 + "-0", "is it torn"),
        ("TP-C-PICK", "is it torn"),
        ("TP-L-Grün-0", "is it torn"),
        ("TP-C-FLY-" + check_character("TP-C-FLY"), "none of the commands receive, move-to"),
    ],
)
def test_refusals_say_why(text: str, says: str) -> None:
    with pytest.raises(CodeError, match=re.escape(says)):
        parse_code(text)


@pytest.mark.parametrize("place", ["", "a b", "Grün", "x" * 41, "a/b"])
def test_a_place_without_such_a_name_is_refused(place: str) -> None:
    with pytest.raises(CodeError, match="1 to 40 letters"):
        place_code(place)


@pytest.mark.parametrize(
    "text",
    ["", "O-CMD.MAIN-MENU", "5901234123457", "tpc-pick", "TP-400", "TP-X-PICK-0", "INV-SI123"],
)
def test_other_codes_are_not_ours(text: str) -> None:
    assert parse_code(text) is None
