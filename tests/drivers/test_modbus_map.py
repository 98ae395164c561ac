"""Register maps: what registers mean. Frames and lines are elsewhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.readings import WeightReading, WeightStatus
from drivers.scales.modbus_map import Block, RegisterMap

FULL: dict[str, Any] = {
    "weight": {"address": 10, "decimals": 1},
    "status": {"address": 12, "moving": 2, "overload": 0, "underload": 1, "net": 5, "zero": 6},
}


def registers(table: dict[str, Any], **weight: object) -> RegisterMap:
    return RegisterMap.model_validate(table | {"weight": table["weight"] | weight})


def words(*values: int) -> dict[int, int]:
    return dict(enumerate(values, start=10))


@pytest.mark.parametrize(
    ("high", "low", "weight", "value"),
    [
        (0xFFFF, 0xFF85, {}, "-12.3"),
        (0xFF85, 0xFFFF, {"words": "low-first"}, "-12.3"),
        (0x8000, 0, {"type": "u32"}, "214748364.8"),
        (0xFF85, 0, {"type": "i16"}, "-12.3"),
        (0xFF85, 0, {"type": "u16", "decimals": 0}, "65413"),
        (0x4145, 0, {"type": "f32", "decimals": 2}, "12.31"),
        (0, 0x4145, {"type": "f32", "decimals": 2, "words": "low-first"}, "12.31"),
        (0, 0, {"decimals": 3}, "0.000"),
        (0, 50, {"factor": "0.02"}, "0.100"),
        (0, 7, {"factor": 5, "decimals": 0}, "35"),
    ],
)
def test_weights_of_every_type(high: int, low: int, weight: dict[str, object], value: str) -> None:
    reading = registers(FULL, **weight).reading(words(high, low, 0x20), "kg")
    assert str(reading.value) == value, "with the digits that the resolution gives"
    assert (reading.unit, reading.stable, reading.net, reading.zero) == ("kg", True, True, False)


def test_a_register_may_tell_the_decimals() -> None:
    told = registers(FULL, decimals_address=13)
    assert told.blocks == (Block(10, 4),)
    reading = told.reading(words(0, 12345, 0, 3), "kg")
    assert reading.value == Decimal("12.345")
    with pytest.raises(ValueError, match="tells 900 decimals"):
        told.reading(words(0, 12345, 0, 900), "kg")


def test_a_sign_may_be_a_bit_and_net_a_register_of_its_own() -> None:
    table = {
        "weight": {"address": 10, "type": "u16", "decimals": 1, "net": True},
        "status": {"address": 11, "negative": 15, "stable": 0, "valid": 1},
    }
    reading = registers(table).reading(words(123, 0x8003), "kg")
    assert reading == WeightReading(value=Decimal("-12.3"), unit="kg", stable=True, net=True)
    assert registers(table).reading(words(0, 0x8003), "kg").value == 0
    assert registers(table).reading(words(1, 1), "kg").status is WeightStatus.ERROR


@pytest.mark.parametrize(
    ("bits", "status"),
    [(0b001, "overload"), (0b010, "underload"), (0b011, "overload")],
)
def test_states_carry_no_value(bits: int, status: str) -> None:
    expected = WeightReading(value=None, status=WeightStatus(status), stable=True)
    assert registers(FULL).reading(words(0, 1, bits), "kg") == expected


def test_busy_and_fault_carry_no_value_and_no_number_is_none() -> None:
    table = FULL | {"status": {"address": 12, "busy": 0, "fault": 1}}
    assert registers(table).reading(words(0, 1, 1), "kg").status is WeightStatus.BUSY
    assert registers(table).reading(words(0, 1, 2), "kg").status is WeightStatus.ERROR
    for bits in (0x7FC0, 0x7F80, 0xFF80, 0x7F7F):  # not a number, both infinities, 3e38
        with pytest.raises(ValueError, match="no number"):
            registers(FULL, type="f32").reading(words(bits, 0, 0), "kg")


def test_without_a_status_nothing_is_claimed() -> None:
    reading = RegisterMap.model_validate({"weight": {"address": 10}}).reading(words(0, 5), "g")
    assert reading == WeightReading(value=Decimal(5), unit="g")


def test_one_question_or_one_for_each() -> None:
    assert registers(FULL).blocks == (Block(10, 3),)
    apart = RegisterMap.model_validate(
        {**FULL, "together": False, "status": {"address": 900, "moving": 1}}
    )
    assert apart.blocks == (Block(10, 2), Block(900, 1))
    with pytest.raises(ValidationError, match="set together = false"):
        RegisterMap.model_validate({**FULL, "status": {"address": 900, "moving": 1}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"function": 6},
        {"weight": {"address": 70_000}},
        {"weight": {"address": 0, "decimals": 9}},
        {"commands": {"zero": {"address": 8, "values": []}}},
        {"commands": {"zero": {"address": 8, "values": [70_000]}}},
        {"commands": {"explode": {"address": 8, "values": [1]}}},
    ],
)
def test_maps_refuse_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RegisterMap.model_validate(FULL | wrong)
