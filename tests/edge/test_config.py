"""A settings file tells every mistake at once, in words that help."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edge.config import ConfigError, check, load
from edge.describing import describe

GOOD = """
[edge]
name = "pi-1"
site = "s-1"
data_dir = "data"
"""
SCALE = GOOD + '[[devices]]\nname="p1"\ndriver="mt-sics"\nread_point="shelf"\nport="/dev/a"\n'
READER = GOOD + '[[devices]]\nname="r1"\ndriver="llrp"\nread_point="dock"\nhost="10.0.0.5"\n'
BLUETOOTH = GOOD + '[[devices]]\nname="b1"\ndriver="ble-bthome"\nread_point="s"\naddress="x"\n'
BRIDGE = GOOD + '[[devices]]\nname="b1"\ndriver="sma"\nread_point="s"\nble={address="x"}\n'
SAMPLES = Path(__file__).parents[2] / "firmware_configs"


def wrong(tmp_path: Path, text: str) -> str:
    path = tmp_path / "edge.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


CASES: dict[str, tuple[str, list[str]]] = {
    "no toml": ("[edge\nname=1", ["this is not TOML", "line 1"]),
    "nested without end": ("a = " + "[" * 3000, ["this is not TOML"]),
    "a number without end": ("a = " + "9" * 5000, ["this is not TOML"]),
    "half a string": (GOOD + 'x = "a', ["this is not TOML", "line 6"]),
    "empty": ("", ["edge: this setting is needed"]),
    "no name": ('[edge]\nsite="s"', ["edge.name: this setting is needed"]),
    "no site": ('[edge]\nname="s"', ["edge.site: this setting is needed"]),
    "capitals": ('[edge]\nname="Pi 1"\nsite="s"', ['edge.name = "Pi 1"', "text like"]),
    "number for a name": ('[edge]\nname=5\nsite="s"', ["edge.name = 5", "text in quotes"]),
    "unknown section": (GOOD + "[mqt]\nhost='x'", ["mqt", "no such setting", "Did you mean mqtt"]),
    "unknown key": (GOOD + "[mqtt]\nhots='x'", ["mqtt.hots", "Did you mean mqtt.host"]),
    "port range": (GOOD + "[mqtt]\nport=70000", ["mqtt.port = 70000", "at most 65535"]),
    "port text": (GOOD + "[mqtt]\nport='a'", ['mqtt.port = "a"', "a whole number"]),
    "half tls": (GOOD + "[mqtt]\ntls_cert='c'", ["tls_cert and tls_key belong together"]),
    "commit too seldom": (
        GOOD + "[journal]\ncommit_every_ms=1000000",
        ["journal.commit_every_ms", "at most 60000"],
    ),
    "policy": (
        GOOD + "[journal]\nwhen_full='drop_oldes'",
        ['journal.when_full = "drop_oldes"', "refuse_newest", 'Did you mean "drop_oldest"'],
    ),
    "tiny journal": (GOOD + "[journal]\nmax_mib=1", ["journal.max_mib = 1", "at least 8"]),
    "batch": (GOOD + "[uplink]\nbatch=5000", ["uplink.batch = 5000", "at most 1000"]),
    "compress": (GOOD + "[uplink]\ncompress='maybe'", ["uplink.compress", "true or false"]),
    "fold": (GOOD + "[fold]\nquiet_s=0", ["fold.quiet_s = 0", "at least 0.2"]),
    "fold key": (GOOD + "[fold]\nquiet=2", ["fold.quiet", "Did you mean fold.quiet_s"]),
    "gate": (GOOD + "[fold]\ngate='gpio'", ['fold.gate = "gpio"', 'Did you mean "gpi"']),
    "devices no list": (GOOD + "[devices]\nname='x'", ["devices", "a list"]),
    "no driver": (GOOD + "[[devices]]\nname='a'", ["devices[0].driver: this setting is needed"]),
    "wrong driver": (
        GOOD + "[[devices]]\nname='a'\ndriver='mtsics'",
        ['devices[0].driver = "mtsics"', "no such driver", 'Did you mean "mt-sics"'],
    ),
    "driver no text": (GOOD + "[[devices]]\ndriver=['llrp']", ["devices[0].driver", "llrp"]),
    "device without all": (
        GOOD + "[[devices]]\ndriver='llrp'",
        ["devices[0].name: ", "devices[0].read_point: ", "devices[0].host: "],
    ),
    "driver's key": (
        SCALE + "baud_rat=9600",
        ["devices[0].baud_rat", "Did you mean devices[0].baud_rate"],
    ),
    "shared key": (SCALE + "red_point='x'", ["Did you mean devices[0].read_point"]),
    "driver's value": (SCALE + "parity='evn'", ["devices[0].parity", 'Did you mean "even"']),
    "driver's range": (SCALE + "baud_rate=3", ["devices[0].baud_rate = 3", "at least 50"]),
    "driver's rule": (
        READER + "idle_timeout_s=1.0",
        ["devices[0]: ", "idle_timeout_s", "at least twice keepalive_s"],
    ),
    "nested": (
        READER + "[[devices.antennas]]\nantenna=1\nside='out'",
        ["devices[0].antennas[0].side", "outside"],
    ),
    "device fold": (SCALE + "[devices.fold]\nheld=3", ["Did you mean devices[0].fold.held_s"]),
    "same name": (
        SCALE + SCALE.removeprefix(GOOD).replace("/dev/a", "/dev/b") + "plate=2\n",
        ["devices[1].name", "another device has this name: devices[0]"],
    ),
    "same port": (
        SCALE + SCALE.removeprefix(GOOD).replace("p1", "p2"),
        ["devices[1].port", "another device uses this port: devices[0]"],
    ),
    "same plate": (
        SCALE + "plate=1\n"
        + SCALE.removeprefix(GOOD).replace("p1", "p2").replace("/dev/a", "/dev/b") + "plate=1\n",
        ["devices[1].plate", "another device is this plate"],
    ),
    "same reader": (
        READER + READER.removeprefix(GOOD).replace("r1", "r2"),
        ["a reader takes one client: devices[0]"],
    ),
    "same advertisement": (
        BLUETOOTH + BLUETOOTH.removeprefix(GOOD).replace("b1", "b2"),
        ["devices[1].address", "another device is heard from there: devices[0]"],
    ),
    "same bridge": (
        BRIDGE + BRIDGE.removeprefix(GOOD).replace("b1", "b2"),
        ["devices[1].ble.address", "a bridge takes one: devices[0]"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_file_is_told_in_words(case: str, tmp_path: Path) -> None:
    text, expected = CASES[case]
    told = wrong(tmp_path, text)
    for words in expected:
        assert words in told


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    told = wrong(
        tmp_path,
        '[edge]\nname="P"\n[uplink]\nwindow=0\n' + SCALE.removeprefix(GOOD) + "bytesize=9\nx=1\n",
    )
    assert "5 mistakes" in told
    for key in ("edge.name", "edge.site", "uplink.window", "devices[0].bytesize", "devices[0].x"):
        assert key in told


def test_a_plate_beyond_the_last_is_told_with_its_place(tmp_path: Path) -> None:
    """Fuzzing: it was a traceback, because the driver took what the edge does not."""
    told = wrong(tmp_path, SCALE + "plate=10001\n")
    assert "devices[0].plate" in told
    assert "10000" in told.replace(" ", "").replace(",", "")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "none.toml")


def test_the_sample_shows_every_key_with_its_default(tmp_path: Path) -> None:
    config = load(SAMPLES / "edge.example.toml")
    assert [device.driver for device in config.devices] == ["llrp", "mt-sics", "scanner"]
    assert config.devices[0].fold.quiet_s == 2.0
    (tmp_path / "edge.toml").write_text(GOOD)
    plain = load(tmp_path / "edge.toml")
    for section in ("mqtt", "journal", "uplink", "fold"):
        assert getattr(config, section) == getattr(plain, section)
    text = (SAMPLES / "edge.example.toml").read_text()
    for section in ("edge", "journal", "uplink", "fold"):
        for key in type(getattr(plain, section)).model_fields:
            assert f"\n{key} = " in text or f"\n# {key} = " in text, key
    assert plain.edge.data_dir == tmp_path / "data"
    assert plain.mqtt_settings().client_id == "s-1.pi-1"


def test_checking_a_file_loads_no_database_and_no_broker_client(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(SCALE)
    code = (
        "import sys; from edge.cli import app\n"
        f"try: app(['check', '--config', {str(path)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "assert not {'duckdb', 'sllurp', 'paho'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "p1: mt-sics at shelf" in done.stdout


def test_readers_that_dial_in_share_a_port_and_are_described_by_whom_they_are() -> None:
    data = tomllib.loads((SAMPLES / "llrp" / "dials-in.toml").read_text())
    found = check({"edge": {"name": "edge-1", "site": "yard"}, **data})
    assert [describe(device, 0).description for device in found.devices] == [
        "00:16:25:11:25:D6 dials in to port 5084",
        "00:16:25:11:25:D7 dials in to port 5084",
        "reader-7.example:5085",
    ]
