"""A wrong settings file is told whole, in words a person can act on."""

from __future__ import annotations

from pathlib import Path

import pytest

from central.config import CentralSettings, ConfigError, load_settings
from gateway.settings_errors import Mistake, check_settings


def _mistakes(tmp_path: Path, text: str) -> list[Mistake]:
    path = tmp_path / "central.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_settings(path)
    return raised.value.mistakes


def test_defaults_are_a_working_central(tmp_path: Path) -> None:
    settings = load_settings(None)
    assert settings.mqtt.embedded
    assert settings.database_url.startswith("sqlite:////")
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert load_settings(empty) == settings


@pytest.mark.parametrize(
    ("text", "key", "value", "said"),
    [
        ("[http]\nprot = 80", "http.prot", "80", "Did you mean http.port?"),
        ("[htpp]\nport = 80", "htpp", "{...}", "Did you mean http?"),
        ("[http]\nport = 70000", "http.port", "70000", "at most 65535"),
        ('[http]\nport = "web"', "http.port", '"web"', "a whole number"),
        ('[series]\nkind = "influxdb"', "series.kind", '"influxdb"', 'Did you mean "influx"?'),
        ('[series]\nkind = "influx"', "series", None, "needs url"),
        ('[database]\nurl = "mysql://x"', "database.url", '"hidden"', "sqlite|postgresql"),
        ('[mqtt]\npassword = "geheim"', "mqtt", None, "needs a username"),
        ("[mqtt]\nembedded = false\nport = 0", "mqtt", None, "free port"),
        ("http = 3", "http", "3", "a table"),
        ("[http", "file", None, "not TOML"),
    ],
)
def test_each_mistake_names_key_value_and_what_is_accepted(
    tmp_path: Path, text: str, key: str, value: str | None, said: str
) -> None:
    (mistake,) = _mistakes(tmp_path, text)
    assert mistake.key == key
    assert value is None or mistake.value == value
    assert said in str(mistake)
    assert "geheim" not in str(mistake)


def test_every_mistake_at_once(tmp_path: Path) -> None:
    mistakes = _mistakes(
        tmp_path,
        '[http]\nport = -1\nhots = "x"\n[mqtt]\nembedded = "perhaps"\n[series]\nkeep_days = 0\n',
    )
    assert {m.key for m in mistakes} == {
        "http.port",
        "http.hots",
        "mqtt.embedded",
        "series.keep_days",
    }


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "nowhere.toml")


def test_plain_data_is_checked_alike() -> None:
    assert check_settings({"http": {"port": 0}}, CentralSettings).http.port == 0
