from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drivers import registry
from drivers.emulators.indicator import EmulatedIndicator
from drivers.emulators.mtsics_scale import EmulatedScale
from drivers.errors import DeviceRefused, DeviceUnavailable
from drivers.readings import DeviceEvent, WeightReading
from drivers.scales.commands import commands, tell
from drivers.scales.mtsics import MtSicsConfig
from drivers.scales.protocols import CHANGES, PROTOCOLS, Command
from edge.cli import app
from tests.drivers.listening import listening

EXPECTED: dict[str, set[Command]] = {
    "mt-continuous": {"zero", "tare", "clear"},
    "toledo-8217": {"zero", "tare", "clear", "identify"},
    "sma": {"zero", "tare", "clear", "identify"},
    "radwag": {"zero", "tare"},
    "st-gs": set(),
    "mt-sics": {"zero", "tare", "clear", "identify"},
    "llrp": set(),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_the_commands_of_a_kind(kind: str) -> None:
    assert set(commands(kind)) == EXPECTED[kind]


async def net_weight(kind: str, port: int) -> Decimal:
    """The first stable weight that the scale shows now."""
    one = registry.load(kind)
    async with listening(one(one.Config(host="127.0.0.1", port=port))) as heard:
        weight = await heard.heard(WeightReading, lambda reading: reading.stable is True)
    assert weight.value is not None
    return weight.value


@pytest.mark.parametrize("kind", ["sma", "mt-continuous-checksum"])
async def test_tare_and_clear_change_what_the_scale_shows(kind: str) -> None:
    scale = EmulatedIndicator(kind, seed=2)
    port = await scale.listen()
    scale.set_load_g(500)
    settings = registry.load(kind).Config(host="127.0.0.1", port=port)
    try:
        assert abs(await net_weight(kind, port) - Decimal("0.5")) < Decimal("0.005")
        await tell(kind, settings, "tare", seconds=0.5)
        assert abs(await net_weight(kind, port)) < Decimal("0.005")
        await tell(kind, settings, "clear", seconds=0.5)
        assert abs(await net_weight(kind, port) - Decimal("0.5")) < Decimal("0.005")
    finally:
        await scale.stop()


async def test_mt_sics_says_who_it_is_and_what_it_did() -> None:
    scale = EmulatedScale(serial="4711", seed=2)
    settings = MtSicsConfig(port=await scale.start())
    try:
        heard, readings = await tell("mt-sics", settings, "identify")
        assert b"4711" in heard
        assert all(isinstance(reading, DeviceEvent) for reading in readings)
        assert (await tell("mt-sics", settings, "zero"))[0] == b"Z A\r\n"
    finally:
        await scale.stop()


async def test_what_a_protocol_lacks_is_refused_before_the_line_is_opened() -> None:
    settings = registry.load("st-gs").Config(port="none-such")
    with pytest.raises(DeviceRefused, match="no command to zero") as refused:
        await tell("st-gs", settings, "zero")
    assert "none at all" in refused.value.hint
    with pytest.raises(DeviceUnavailable, match="no serial port"):
        await tell("sma", registry.load("sma").Config(port="none-such"), "zero")


def test_what_changes_a_scale_is_never_its_question() -> None:
    for protocol in PROTOCOLS.values():
        for command, sent in protocol.commands.items():
            if command in CHANGES:
                assert sent not in protocol.poll
                assert protocol.poll == b"" or protocol.poll not in sent


def test_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(
        '[edge]\nname="pi"\nsite="s"\n[[devices]]\nname="p1"\ndriver="st-gs"\n'
        'read_point="shelf"\nport="none-such"\n'
    )
    say = CliRunner().invoke
    done = say(app, ["tell", "zero", "--device", "p1", "--config", str(file)])
    assert (done.exit_code, "no command to zero" in done.output) == (1, True)
    done = say(app, ["tell", "explode", "--device", "p1", "--config", str(file)])
    assert (done.exit_code, "zero, tare, clear, identify" in done.output) == (2, True)


async def test_a_scale_without_an_answer_is_not_waited_for_without_end() -> None:
    scale = EmulatedIndicator("sma")
    try:
        settings = registry.load("sma").Config(host="127.0.0.1", port=await scale.listen())
        assert await tell("sma", settings, "zero", seconds=0.5) == (b"", [])
    finally:
        await scale.stop()
