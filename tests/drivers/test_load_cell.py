from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers import registry
from drivers.emulators.load_cell_node import NodeConverter, line, message
from drivers.load_cells.calibration import Calibration
from drivers.load_cells.frames import checked_line, crc8, window_of_message
from drivers.load_cells.windows import NodeWeigher, WindowSequence
from drivers.readings import DeviceEvent, LoadCellWindow, Reading, WeightReading, WeightStatus

SAID = (
    b'{"v":1,"node":"shelf-7a","boot":"1f2e3d4c","seq":12,"up_ms":2600,"n":16,'
    b'"mean":842113.40,"std":41.72,"sat":0}'
)
LINE = b"TP1,R,shelf-7a,12,2600,16,842113.40,41.72,0*7C\r\n"
MEANT = LoadCellWindow(
    node="shelf-7a",
    boot="1f2e3d4c",
    seq=12,
    up_ms=2600,
    samples=16,
    mean=Decimal("842113.40"),
    std=Decimal("41.72"),
)
GIVEN = {
    "version": 3,
    "date": "2026-11-20",
    "by": "A. Technician",
    "mass_g": "5000",
    "zero_counts": "84000.5",
    "counts_per_g": "420.25",
}
CALIBRATION = Calibration.model_validate(GIVEN)


def window(**fields: Any) -> LoadCellWindow:
    return msgspec.structs.replace(MEANT, **fields)


# ---- what nodes say ----------------------------------------------------------------------------
def test_a_message_keeps_the_figures_as_sent() -> None:
    assert window_of_message(SAID) == MEANT
    assert str(window_of_message(SAID).mean) == "842113.40"
    silent = SAID.replace(b'"n":16,"mean":842113.40,"std":41.72', b'"n":0,"mean":null,"std":null')
    assert (window_of_message(silent).samples, window_of_message(silent).mean) == (0, None)
    warm = SAID.replace(b"}", b',"temp_c":21.5}')
    assert window_of_message(warm).temp_c == Decimal("21.5")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"v":1', b'"v":2', "v"),
        (b'"sat":0', b'"sat":0,"tare":5', "tare"),
        (b',"sat":0', b"", "sat"),
        (b'"boot":"1f2e3d4c"', b'"boot":"1F2E"', "boot"),
        (b'"node":"shelf-7a"', b'"node":"Shelf 7"', "node"),
        (b'"seq":12', b'"seq":4294967296', "seq"),
        (b'"seq":12', b'"seq":-1', "seq"),
        (b'"n":16', b'"n":0', "mean belongs to samples"),
        (b'"n":16', b'"n":1', "deviation belongs to two"),
        (b'"mean":842113.40', b'"mean":null', "mean belongs to samples"),
        (b'"mean":842113.40', b'"mean":"NaN"', "no plain figure"),
        (b'"mean":842113.40', b'"mean":1e99999', "no plain figure"),
        (b'"mean":842113.40', b'"mean":99999999999', "beyond any converter"),
        (b'"std":41.72', b'"std":-1.00', "deviation"),
        (b'"sat":0', b'"sat":17', "17 of 16"),
        (b"842113.40", b"842113.40" + b" " * 600, "600|bytes"),
        (b"}", b"", "No message"),
        (SAID, b"842113", "No message"),
        (SAID, b"", "No message"),
        (SAID, b"\xff", "No message"),
    ],
)
def test_what_is_no_message_is_refused(old: bytes, new: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        window_of_message(SAID.replace(old, new))


def decoded(kind: str, *chunks: bytes) -> tuple[list[Reading], list[tuple[int, str]]]:
    decoder = registry.decoder(kind)
    readings = [reading for chunk in chunks for reading in decoder.feed(chunk)]
    readings += decoder.finish()
    return readings, [(error.offset, str(error)) for error in decoder.errors]


def test_lines() -> None:
    assert crc8(b"123456789") == 0xF4
    assert decoded("load-cell-serial", LINE) == ([window(boot=None)], [])
    assert checked_line("TP1,R,shelf-7a,12,2600,16,842113.40,41.72,0") == LINE
    identity = checked_line("TP1,I,shelf-7a,HX711,1.0,5")
    (told,), errors = decoded("load-cell-serial", identity)
    assert isinstance(told, DeviceEvent)
    assert (told.detail, errors) == ("node shelf-7a: HX711, firmware 1.0, 5 windows a second", [])
    (told,), _ = decoded("load-cell-serial", checked_line("TP1,E,range"))
    assert isinstance(told, DeviceEvent)
    assert "1 to 10 windows" in told.detail
    warm = checked_line("TP1,R,shelf-7a,12,2600,1,-5,,0,-3.25")
    (read,), _ = decoded("load-cell-serial", warm)
    assert read == window(boot=None, samples=1, mean=Decimal(-5), std=None, temp_c=Decimal("-3.25"))


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (LINE.replace(b"842113", b"842114"), "check does not fit"),
        (LINE.replace(b"*7C", b"*7D"), "check does not fit"),
        (checked_line("TP1,R,shelf-7a,12,2600,16,842113.40,41.72"), "another version"),
        (checked_line("TP1,R,shelf-7a,4294967296,2600,16,1,1,0"), "beyond 32 bits"),
        (checked_line("TP1,R,shelf-7a,12,2600,16,,41.72,0"), "mean belongs"),
        (checked_line("TP1,E,tare"), "another version"),
        (LINE[:-2] + b"+\r\n", "No frame"),
    ],
)
def test_a_line_that_is_wrong_is_told(sent: bytes, says: str) -> None:
    readings, errors = decoded("load-cell-serial", sent)
    assert not readings
    assert says in errors[0][1]


FIGURES = st.integers(-(2**25), 2**25).map(lambda cents: Decimal(cents) / 100)
WINDOWS = st.builds(
    LoadCellWindow,
    node=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,31}", fullmatch=True),
    boot=st.integers(0, 2**32 - 1).map(lambda mark: f"{mark:08x}"),
    seq=st.integers(0, 2**32 - 1),
    up_ms=st.integers(0, 2**32 - 1),
    samples=st.integers(2, 64),
    mean=FIGURES,
    std=FIGURES.map(abs),
    saturated=st.integers(0, 2),
)
NOISE = st.one_of(
    st.binary(max_size=30),
    st.just(b"\xff" * 9_000),
    st.just(b"TP1,R," * 500),
    st.just(b'{"v":1,' * 500),
    st.just(LINE[:20]),
    st.just(SAID[:40]),
)
SPELLED = {"load-cell-mqtt": lambda one: message(one) + b"\n", "load-cell-serial": line}


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(sorted(SPELLED)),
    st.lists(st.tuples(NOISE, WINDOWS), max_size=4),
    st.data(),
)
def test_any_split_gives_the_same_and_noise_between_frames_is_survived(
    kind: str, parts: list[tuple[bytes, LoadCellWindow]], data: st.DataObject
) -> None:
    stream = b"".join(noise + b"\r\n" + SPELLED[kind](one) for noise, one in parts)
    whole = decoded(kind, stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    assert decoded(kind, *(stream[a:b] for a, b in pairwise(edges))) == whole
    step = 1 if len(stream) < 500 else 997
    assert decoded(kind, *(stream[i : i + step] for i in range(0, len(stream), step))) == whole
    rest = iter(whole[0])
    for _, one in parts:
        expected = one if kind == "load-cell-mqtt" else msgspec.structs.replace(one, boot=None)
        assert any(reading == expected for reading in rest), (expected, whole)


@pytest.mark.parametrize("kind", sorted(SPELLED))
def test_memory_is_bounded(kind: str) -> None:
    decoder: Any = registry.decoder(kind)
    for _ in range(20):
        decoder.feed(b'{"v":1,TP1,R,a,1' * 1_250)
        assert decoder.pending_bytes <= 4096 + 512
    assert decoder.errors


# ---- calibration -------------------------------------------------------------------------------
def test_counts_become_grams_exactly() -> None:
    assert CALIBRATION.grams(Decimal("84000.5")) == 0
    assert str(CALIBRATION.grams(Decimal("84000.5") + 5000 * Decimal("420.25"))) == "5000.000"
    assert str(CALIBRATION.grams(Decimal(84_000))) == "-0.001"
    assert str(CALIBRATION.grams(Decimal("84000.49"))) == "0.000"
    coarse = Calibration.model_validate(GIVEN | {"counts_per_g": -2, "zero_counts": 0})
    assert str(coarse.grams(Decimal(-5))) == "2.5"
    coarser = Calibration.model_validate(GIVEN | {"counts_per_g": "0.05", "zero_counts": 0})
    assert coarser.grams(Decimal(1)) == 20


def test_the_zero_follows_the_temperature() -> None:
    warm = Calibration.model_validate(GIVEN | {"zero_counts_per_k": "-42.025", "at_c": 20})
    assert warm.grams(Decimal("84000.5"), Decimal(30)) == 1
    assert warm.grams(Decimal("84000.5"), Decimal(20)) == 0
    weigher = NodeWeigher("shelf-7a", warm, Decimal(2))
    weigher.take([window(), window(seq=13, temp_c=Decimal(25))])
    assert weigher.counters()["without_temperature"] == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"counts_per_g": 0}, "changes nothing"),
        ({"version": 0}, "greater than or equal to 1"),
        ({"mass_g": -1}, "greater than 0"),
        ({"zero_counts": "NaN"}, "finite"),
        ({"by": ""}, "at least 1"),
        ({"at_c": 20}, "belong together"),
        ({"tare_g": 20}, "not permitted"),
        ({"date": "yesterday"}, "date"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Calibration.model_validate(GIVEN | wrong)


# ---- windows in their order --------------------------------------------------------------------
def test_gaps_repeats_and_restarts() -> None:
    sequence = WindowSequence()
    assert sequence.take(window(seq=5)) == (True, [])
    assert sequence.take(window(seq=6)) == (True, [])
    new, told = sequence.take(window(seq=10))
    assert new
    assert told[0].detail == "node shelf-7a: 3 windows before 10 lost"
    assert sequence.take(window(seq=10)) == (False, [])
    assert sequence.take(window(seq=9)) == (False, [])
    new, told = sequence.take(window(seq=400, boot="00000001"))
    assert (new, told[0].name) == (True, "restarted")
    assert (sequence.lost, sequence.repeated, sequence.restarts) == (3, 2, 1)


def test_a_restart_without_a_mark_of_the_boot() -> None:
    sequence = WindowSequence()
    sequence.take(window(boot=None, seq=900, up_ms=4_294_967_200))
    # The clock of 32 bits ran over: the numbers go on.
    assert sequence.take(window(boot=None, seq=901, up_ms=104)) == (True, [])
    new, told = sequence.take(window(boot=None, seq=0, up_ms=100))
    assert (new, told[0].name, sequence.restarts) == (True, "restarted", 1)


def test_weights_name_their_calibration() -> None:
    weigher = NodeWeigher("shelf-7a", CALIBRATION, Decimal(2))
    rest, shaken, alone, stranger, over, under, dead = weigher.take(
        [
            window(seq=0),
            window(seq=1, std=Decimal("840.51")),
            window(seq=2, samples=1, std=None),
            window(seq=3, node="shelf-7b"),
            window(seq=3, saturated=1),
            window(seq=4, saturated=1, mean=Decimal(-8_388_608)),
            window(seq=5, samples=0, mean=None, std=None),
        ]
    )
    assert isinstance(rest, WeightReading)
    assert float(rest.spread or 0) == pytest.approx(41.72 / 420.25)
    assert msgspec.structs.replace(rest, spread=None) == WeightReading(
        value=Decimal("1803.957"), unit="g", stable=True, net=False, calibration=3
    )
    assert [one.stable for one in (shaken, alone) if isinstance(one, WeightReading)] == [
        False,
        None,
    ]
    assert isinstance(stranger, DeviceEvent)
    assert "node shelf-7b instead of node shelf-7a" in stranger.detail
    faults = [one for one in (over, under, dead) if isinstance(one, WeightReading)]
    assert [(one.value, one.status) for one in faults] == [
        (None, WeightStatus.OVERLOAD),
        (None, WeightStatus.UNDERLOAD),
        (None, WeightStatus.ERROR),
    ]
    assert (weigher.counters()["windows"], weigher.strangers) == (6, 1)


def test_without_a_calibration_there_are_counts_and_no_grams() -> None:
    assert NodeWeigher("shelf-7a", None, Decimal(2)).take([MEANT]) == [MEANT]


def test_the_emulated_converter_is_a_load_cell() -> None:
    cell = NodeConverter("shelf-7a", zero_counts=84_000, counts_per_g=420.25, seed=4)
    cell.set_load_g(500)
    windows = [cell.window() for _ in range(60)]
    weigher = NodeWeigher("shelf-7a", CALIBRATION, Decimal(2))
    last = weigher.take(windows)[-20:]
    values = [one.value for one in last if isinstance(one, WeightReading) and one.value is not None]
    assert len(values) == 20
    assert all(abs(value - 500) < 5 for value in values)
    cell.broken = True
    assert window_of_message(message(cell.window())).samples == 0
