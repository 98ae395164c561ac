from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from typer.testing import CliRunner

from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.scale_frames import ENCODERS, Shown
from drivers.frames import FrameDecoder
from drivers.readings import DeviceEvent, Reading, WeightReading
from drivers.scales.pattern import PatternConfig, PatternScale, compiled, pattern_format
from drivers.scales.pattern_learning import CannotLearn, learn
from edge.cli import app
from tests.drivers.listening import listening

LINES = ["ST,GS,+  12.5kg", "US,GS,-   1.25kg", "ST,GS,+ 100.0kg"]


def decoded(pattern: str, *chunks: bytes) -> tuple[list[Reading], list[tuple[int, str]]]:
    decoder = FrameDecoder(pattern_format(compiled(pattern)))
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    readings += decoder.finish()
    return readings, [(error.offset, str(error)) for error in decoder.errors]


@pytest.mark.parametrize(
    ("line", "value", "unit", "stable"),
    [
        (b"W  12.50 kg\r\n", "12.50", "kg", None),
        (b"\x02net - 3,5 LB*\x03\r", "-3.5", "lb", None),
        (b"7 0.125 t ok\n", "0.125", "t", None),
    ],
)
def test_any_line_with_a_figure_and_its_unit(
    line: bytes, value: str, unit: str, stable: bool | None
) -> None:
    decoder = PatternScale.decoder()
    expected = WeightReading(value=Decimal(value), unit=unit, stable=stable)
    assert decoder.feed(line) == [expected]


def test_flags_and_faults_of_a_pattern() -> None:
    pattern = (
        r"(?:(?P<over>\^+)|(?P<under>v+)|(?P<fault>E\d)|(?P<moving>~)?(?P<value>\d+)(?P<net>n)?)"
    )
    said = [
        (one.status.value, one.value and str(one.value), one.stable, one.net)
        for one in decoded(pattern, b"^^\rv\rE3\r~12\r13n\r")[0]
        if isinstance(one, WeightReading)
    ]
    assert said == [
        ("overload", None, None, None),
        ("underload", None, None, None),
        ("error", None, None, None),
        ("ok", "12", False, False),
        ("ok", "13", True, True),
    ]
    inside = r"(?P<value>[-+ \d]+)kg"
    assert decoded(inside, b"- 12kg\r")[0] == [WeightReading(value=Decimal(-12))]
    assert decoded(pattern, b"12 or so\r\n13\r\n")[1] != []


# ---- learning ------------------------------------------------------------------------------
def test_three_lines_teach_figure_sign_unit_rest_and_net() -> None:
    pattern = learn(LINES)
    readings, errors = decoded(pattern, b"".join(line.encode() + b"\r\n" for line in LINES))
    assert not errors
    assert readings == [
        WeightReading(value=Decimal("12.5"), unit="kg", stable=True, net=False),
        WeightReading(value=Decimal("-1.25"), unit="kg", stable=False, net=False),
        WeightReading(value=Decimal("100.0"), unit="kg", stable=True, net=False),
    ]
    (unseen,), _ = decoded(pattern, b"US,NT,+   0.00 kg\r\n")
    assert unseen == WeightReading(value=Decimal("0.00"), unit="kg", stable=False, net=True)


def heard(pattern: str, line: str) -> tuple[str, str | None, bool | None, bool | None]:
    """Value, unit, at rest, net."""
    (reading,), errors = decoded(pattern, line.encode() + b"\r\n")
    assert not errors
    assert isinstance(reading, WeightReading)
    return str(reading.value), reading.unit, reading.stable, reading.net


@pytest.mark.parametrize(
    ("lines", "unseen", "said"),
    [
        # signs
        (["  12.5 kg", "- 3.25 kg", " 100.0 kg"], "-  0.10 kg", ("-0.10", "kg", None, None)),
        (["12.5- kg", "3.25  kg", "9.0- kg"], " 4.25- kg", ("-4.25", "kg", None, None)),
        ([".5 kg", "1.5 kg", "-.25 kg"], "-.75 kg", ("-0.75", "kg", None, None)),
        # decimal commas, and thousands set apart
        (["0,125 kg", "1,250 kg", "-2,000 kg"], "-0,375 kg", ("-0.375", "kg", None, None)),
        (["1,250.5 kg", "12.5 kg", "-1,000.0 kg"], "12,345.5 kg", ("12345.5", "kg", None, None)),
        (["1.250,5 kg", "12,5 kg", "1.000,0 kg"], "2.345,5 kg", ("2345.5", "kg", None, None)),
        (["1,250 g", "12 g", "3,000 g"], "12,345 g", ("12345", "g", None, None)),
        (["1'250 g", "12 g", "3'000 g"], "1'234'567 g", ("1234567", "g", None, None)),
        (["1 250 g", "12 g", "3 000 g"], "12 345 g", ("12345", "g", None, None)),
        # the unit before its figure, or behind a comma
        (["kg 12.5", "kg -3.25", "kg 100.0"], "lb - 3.0", ("-3.0", "lb", None, None)),
        (["W: g 125 OK", "W: g 3 OK", "W: g 10 OK"], "W: g 77 OK", ("77", "g", None, None)),
        (["01,ST,12.5,kg", "02,US,3.2,kg", "01,ST,9.0,kg"], "03,US,1.0,kg",
         ("1.0", "kg", False, None)),
        (["  12 pcs", "   3 pcs", " 100 pcs"], "   7 pcs", ("7", "pcs", None, None)),
        # words and marks
        (["STABLE 12.5 kg", "MOTION 3.2 kg", "STABLE 9.0 kg"], "MOTION 1.0 kg",
         ("1.0", "kg", False, None)),
        (["12.5 kg N", "3.25 kg G", "100.0 kg N"], "1.0 kg G", ("1.0", "kg", None, False)),
        (["12.5 kg ?", "3.25 kg", "100.0 kg ?"], "1.0 kg", ("1.0", "kg", True, None)),
        (["12.5 kg *", "3.25 kg", "100.0 kg *"], "1.0 kg *", ("1.0", "kg", None, None)),
        (["12.5 kg 21.11.2026 10:00", "3.2 kg 21.11.2026 10:01", "9.0 kg 21.11.2026 10:02"],
         "4.5 kg 22.11.2026 07:59", ("4.5", "kg", None, None)),
    ],
)  # fmt: skip
def test_what_lines_of_many_makers_teach(
    lines: list[str], unseen: str, said: tuple[str, str | None, bool | None, bool | None]
) -> None:
    assert heard(learn(lines), unseen) == said


def test_values_tell_a_thousand_from_a_decimal() -> None:
    lines = ["1,250 g", "2,500 g", "3,000 g"]
    assert heard(learn(lines), "4,125 g")[0] == "4.125"
    pattern = learn(lines, ["1250", "2500", "3000"])
    assert heard(pattern, "4,125 g")[0] == "4125"


def test_without_a_unit_the_values_tell_the_weight() -> None:
    lines = ["01 00125 7", "01 00250 7", "01 00010 9"]
    with pytest.raises(CannotLearn, match="Which figure"):
        learn(lines)
    pattern = learn(lines, ["125", "250", "10"])
    assert [one.value for one in decoded(pattern, b"02 00333 1\r")[0]] == [Decimal(333)]  # type: ignore[union-attr]
    assert decoded(pattern, b"02 00333\r")[0] == [], "a field that is missing is no shorter weight"


@pytest.mark.parametrize(
    ("lines", "values", "says"),
    [
        (LINES[:2], (), "3 lines or more"),
        (["a", "b", "c"], (), "no weight"),
        ([*LINES, "OVER 1 kg"], (), "differ in more than their figures"),
        (["12.5 kg 0.0 kg", "9.5 kg 0.0 kg", "1.5 kg 0.0 kg"], (), "Which figure"),
        (["(12.5) kg", "3.25 kg", "(9.0) kg"], (), "brackets"),
        (["1.2.3 kg", "1.2.4 kg", "1.2.5 kg"], (), "write the pattern"),
        (LINES, ("1",), "3 lines and 1 values"),
        (LINES, ("1", "x", "2"), "no weight"),
    ],
)
def test_what_cannot_be_learned_is_told(
    lines: list[str], values: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CannotLearn, match=says):
        learn(lines, values)


SHOWN = st.builds(
    Shown,
    kg=st.integers(-9_999, 99_999).map(lambda grams: Decimal(grams) / 1000),
    stable=st.booleans(),
    net=st.booleans(),
    over=st.just(False),
    under=st.just(False),
)


@pytest.mark.evidence("split", "scale-pattern")
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["st-gs", "and-standard", "dini-argeo"]),
    st.lists(SHOWN, min_size=3, max_size=3),
    SHOWN,
    st.data(),
)
def test_what_was_learned_reads_other_weights_however_the_stream_is_cut(
    kind: str, seen: list[Shown], other: Shown, data: st.DataObject
) -> None:
    pattern = learn([ENCODERS[kind](one).decode().strip() for one in seen])
    stream = b"".join(ENCODERS[kind](one) for one in [*seen, *seen])
    whole = decoded(pattern, stream)
    values = [one.value for one in whole[0] if isinstance(one, WeightReading)]
    assert values == [one.kg for one in [*seen, *seen]]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    assert decoded(pattern, *(stream[a:b] for a, b in pairwise([0, *cuts, len(stream)]))) == whole
    # One that is read is read rightly; a word that no sample had may be refused.
    for one in decoded(pattern, ENCODERS[kind](other))[0]:
        assert isinstance(one, WeightReading)
        assert one.value == other.kg


def test_settings_refuse_what_cannot_work() -> None:
    for wrong, says in (
        ({"pattern": "("}, "no regular expression"),
        ({"pattern": r"\d+"}, "needs a group"),
        ({"pattern": r"(?P<value>\d+)(?P<colour>x)"}, "no group colour"),
        ({"ask": True}, "belong together"),
        ({"question": "P\\r\\n"}, "belong together"),
    ):
        with pytest.raises(ValidationError, match=says):
            PatternConfig.model_validate({"port": "x", **wrong})


@pytest.mark.evidence("emulator", "scale-pattern")
async def test_the_driver_asks_with_its_question_and_hears_the_answer() -> None:
    scale = EmulatedIndicator("dini-argeo", seed=1)
    try:
        config = PatternConfig(
            host="127.0.0.1", port=await scale.listen(), ask=True, question="READ\\r\\n",
            interval_s=0.05, pattern=r"(?:(?P<stable>ST)|US),GS,(?P<value>[-\d. ]+),(?P<unit>kg)",
        )  # fmt: skip
        scale.set_load_g(592)
        async with listening(PatternScale(config)) as heard:
            weight = await heard.heard(WeightReading, lambda one: one.stable is True)
            assert weight.unit == "kg"
            assert heard.of(DeviceEvent)[0].name == "connected"
    finally:
        await scale.stop()


def test_the_command_prints_what_goes_into_the_file() -> None:
    done = CliRunner().invoke(app, ["learn", *LINES])
    assert (done.exit_code, 'driver = "scale-pattern"' in done.output) == (0, True)
    assert f"pattern = '{learn(LINES)}'" in done.output
    assert CliRunner().invoke(app, ["learn", "a", "b", "c"]).exit_code == 1
