"""What a reader cannot do is refused before anything is sent, all of it at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.errors import DeviceRefused
from drivers.llrp.capabilities import Capabilities, RfMode, spans
from drivers.llrp.check import check_settings, mistakes
from drivers.llrp.config import LlrpConfig
from drivers.llrp.modes import MODE_NAMES, mode_named
from drivers.llrp.quirks import IMPINJ, R420, ZEBRA

TARI = (6250, 25_000, 6250)
MODES = (
    RfMode(identifier=0, miller=1, bps=640_000, mask="multi-reader", tari_ns=(6250, 6250, 0)),
    RfMode(identifier=1, miller=2, bps=640_000, mask="multi-reader", tari_ns=(6250, 6250, 0)),
    RfMode(identifier=2, miller=4, bps=274_000, mask="dense-reader", tari_ns=(20_000, 20_000, 0)),
    RfMode(identifier=3, miller=8, bps=170_600, mask="dense-reader", tari_ns=TARI),
    RfMode(identifier=1002, miller=1, bps=40_000, mask="", tari_ns=(6250, 6250, 0)),
)


def reader(**other: Any) -> Capabilities:
    told: dict[str, Any] = {
        "antennas": 4, "vendor_pen": IMPINJ, "model": R420, "firmware": "5.14", "gpis": 4,
        "powers_dbm": {1: 10.0, 2: 20.0, 3: 30.0}, "modes": MODES, "hop_table": 1, "channel": 0,
        "sensitivities_db": {1: 0, 2: 10, 3: 11, 4: 12}, "max_filters": 2,
    }  # fmt: skip
    return Capabilities(**told | other)


def settings(**wanted: Any) -> LlrpConfig:
    return LlrpConfig(host="192.0.2.1", **wanted)


def test_all_mistakes_are_told_at_once_each_with_what_is_accepted() -> None:
    wanted = settings(
        antennas=[
            {"antenna": 1, "tx_power_dbm": 5.0, "rx_sensitivity_db": 5},
            {"antenna": 9},
        ],
        rf_mode=7,
        filters=[{"epc_prefix": prefix} for prefix in ("30", "31", "32")],
        gpis=[1, 5, 6],
        impinj_frequencies_mhz=[866.3],
    )
    with pytest.raises(DeviceRefused) as refusal:
        check_settings(wanted, reader())
    said, hint = str(refusal.value), refusal.value.hint
    assert said.startswith("7 settings do not suit this reader")
    for accepted in ("10 to 30 dBm", "0, 10 to 12", "the reader has 4", "1002 (", "takes 2",
                     "GPI 5 to 6", "makes it hop"):  # fmt: skip
        assert accepted in said
    for place in range(1, 8):
        assert f"({place}) " in said
        assert f"({place}) " in hint


@pytest.mark.parametrize(
    ("wanted", "found", "said"),
    [
        ({"antennas": [{"antenna": 2, "tx_power_dbm": 30.01}]}, {}, "of antenna 2 is outside"),
        ({"antennas": [{"antenna": 1, "tx_power_dbm": 9.99}]}, {}, "10 to 30 dBm"),
        ({"antennas": [{"antenna": 1, "tx_power_dbm": 9}]}, {"powers_dbm": {}}, "no power table"),
        (
            {"antennas": [{"antenna": 1, "rx_sensitivity_db": 12}]},
            {"sensitivity_ranges": {1: (1, 3)}},
            "of antenna 1 is not in this reader's table: 0, 10 to 11",
        ),
        (
            {"antennas": [{"antenna": 1, "rx_sensitivity_db": 0}]},
            {"sensitivities_db": {}},
            "has no such table",
        ),
        ({"rf_mode": 3, "tari_ns": 7000}, {}, "6250 to 25000 ns in steps of 6250"),
        ({"rf_mode": "dense"}, {"modes": MODES[:2]}, '"dense" fits no row'),
        ({"rf_mode": "fast"}, {"modes": ()}, "none"),
        ({"impinj_search_mode": "dual"}, {"vendor_pen": ZEBRA}, "impinj_search_mode"),
        ({"impinj_reports": True}, {"vendor_pen": ZEBRA}, f"vendor is {ZEBRA}"),
        ({"report": ["antenna", "phase"]}, {"vendor_pen": ZEBRA}, "phase"),
        ({"impinj_gpi_debounce_ms": 20}, {"vendor_pen": ZEBRA}, "impinj_gpi_debounce_ms"),
        (
            {"impinj_frequencies_mhz": [866.3, 868.0]},
            {"hopping": False, "fixed_khz": (865_700, 866_300)},
            "868, which is no channel of this reader; fixed channels: 865.7, 866.3 MHz",
        ),
        ({"gpi_trigger": {"port": 1, "stop_port": 3}}, {"gpis": 2}, "GPI 3"),
        ({"gpis": [1]}, {"gpis": 0}, "the reader has 0 inputs"),
    ],
)
def test_one_mistake(wanted: dict[str, Any], found: dict[str, Any], said: str) -> None:
    (mistake,) = mistakes(settings(**wanted), reader(**found))
    assert said in mistake.what
    assert mistake.accepted


def test_what_a_reader_does_not_tell_is_left_to_it() -> None:
    many = [{"epc_prefix": f"{number:02X}"} for number in range(9)]
    assert not list(mistakes(settings(filters=many), reader(max_filters=None)))
    fits = settings(
        antennas=[{"antenna": 4, "tx_power_dbm": 29.9, "rx_sensitivity_db": 11}],
        rf_mode=3,
        tari_ns=12_500,
        impinj_search_mode="tagfocus",
        gpis=[4],
    )
    assert not list(mistakes(fits, reader()))
    assert reader().power_index(29.9) == 2  # never more than asked


def test_a_mode_by_name_is_chosen_by_the_columns_of_the_readers_table() -> None:
    chosen = {name: mode_named(name, reader()) for name in MODE_NAMES}
    assert {name: mode and mode.identifier for name, mode in chosen.items()} == {
        "dense": 2, "fast": 0, "robust": 3,
    }  # fmt: skip
    # Another maker's rates are data rates: Miller divides nothing.
    twice = (MODES[0], RfMode(identifier=5, miller=4, bps=700_000, mask="multi-reader",
                              tari_ns=TARI))  # fmt: skip
    fast = mode_named("fast", reader(vendor_pen=ZEBRA, modes=twice))
    assert fast is not None
    assert fast.identifier == 5
    assert mode_named("fast", reader(modes=MODES[4:])) is None  # a row that says nothing


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"impinj_search_mode": 4}, "reader, single, dual, tagfocus, single-reset, dual-select"),
        ({"impinj_search_mode": "tagfocs"}, 'the nearest is "tagfocus"'),
        ({"impinj_reports": "yes"}, "auto; or true, false"),
        ({"rf_mode": -1}, "or a number from 0 to 65535"),
        ({"impinj_search_mode": "tagfocus", "session": 2}, "session 1 only"),
        ({"impinj_search_mode": 3, "session": 2}, "session 1 only"),
        ({"impinj_reports": False, "report": ["phase"]}, "needs impinj_reports"),
        ({"tari_ns": 6250}, "tari_ns needs rf_mode"),
        ({"gpi_trigger": {"port": 1, "stop_state": True}}, "same edge"),
        ({"filters": [{"epc_prefix": "3"*4, "bits": 17}]}, "the prefix has 16"),
        ({"filters": [{"epc_prefix": "30G"}]}, "epc_prefix"),
        ({"rf_mode": "fastest"}, "rf_mode"),
    ],
)  # fmt: skip
def test_what_no_reader_could_do_is_refused_when_the_file_is_read(
    wanted: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)) as refusal:
        settings(**wanted)
    assert refusal.value.error_count() == 1


def test_numbers_in_words() -> None:
    assert spans([]) == ""
    assert spans([3, 1, 2, 7, 9, 10, 9]) == "1 to 3, 7, 9 to 10"
    assert reader().described()[2] == "tx_power_dbm: 10 to 30 dBm"
