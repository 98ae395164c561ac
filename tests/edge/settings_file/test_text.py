"""The text of a settings file: mistakes with places, secrets, edits that keep comments, schema."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from edge.config import ConfigError, check_text, load
from edge.settings_file.edits import NoDevice, add_device, edit_device, put, remove_device
from edge.settings_file.schema import schema
from edge.settings_file.secrecy import hidden, unhidden

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = (ROOT / "firmware_configs/edge.example.toml").read_text()
SECRETS = """[mqtt]
password = "hunter2 # not a comment" # keep this
[page]
pin = '123456'
[[devices]]
name = "a"
broker = { host = "h", password = "first" }
[[devices]]
name = "b"
broker = { host = "h", password = "second" }
"""


def places(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(ConfigError) as caught:
        check_text(text, origin="edge.toml")
    return [(one.line, one.column, one.key) for one in caught.value.mistakes]


def test_each_mistake_has_its_line_and_column(tmp_path: Path) -> None:
    text = (
        '[edge]\nname = "Pi"\nsite = "s"\n\n[[devices]]\nname = "d"\ndriver = "llrp"\n'
        'read_point = "r"\n  hots = "h"\nhost = "h"\n'
        'antennas = [{ antenna = 1, side = "outsied" }]\n'
    )
    assert places(text) == [
        (2, 1, "edge.name"),
        (9, 3, "devices[0].hots"),
        (11, 28, "devices[0].antennas[0].side"),
    ]
    assert places("[edge]\nname = \n") == [(2, 8, "file")]
    path = tmp_path / "edge.toml"
    path.write_text(text)
    with pytest.raises(
        ConfigError, match=rf"{path}:9:3: devices\[0\].hots = .*Did you mean .*host"
    ):
        load(path)


def test_secrets_are_hidden_and_kept() -> None:
    shown = hidden(SECRETS)
    for secret in ("hunter2", "123456", "first", "second"):
        assert secret not in shown
    assert shown.count('"********"') == 4
    assert "# keep this" in shown
    assert unhidden(shown, SECRETS) == SECRETS
    # A new order of the devices, and a new secret for one of them.
    head, one, two = shown.partition('[[devices]]\nname = "b"')
    first = one + two
    head, second = head[: head.index("[[devices]]")], head[head.index("[[devices]]") :]
    moved = unhidden(head + first + second.replace('"********"', '"third"'), SECRETS)
    tables = tomllib.loads(moved)["devices"]
    assert {one["name"]: one["broker"]["password"] for one in tables} == {
        "b": "second", "a": "third",
    }  # fmt: skip
    with pytest.raises(ConfigError, match="these stars") as caught:
        unhidden(shown.replace('"a"', '"new"'), SECRETS)
    assert (caught.value.mistakes[0].line, caught.value.mistakes[0].column) == (7, 35)


def test_a_device_is_added_and_all_else_stays() -> None:
    fields = {
        "name": "new", "driver": "llrp", "read_point": "dock-2", "host": "10.0.0.9",
        "antennas": [{"antenna": 1, "side": "inside"}, {"antenna": 2, "side": "outside"}],
    }  # fmt: skip
    text = add_device(EXAMPLE, fields)
    assert text.startswith(EXAMPLE)
    assert tomllib.loads(text)["devices"][-1] == fields
    assert remove_device(text, "new").rstrip() == EXAMPLE.rstrip()
    assert tomllib.loads(add_device("", {"name": "x"})) == {"devices": [{"name": "x"}]}
    with pytest.raises(NoDevice, match=r"\[\[devices\]\]"):
        add_device("devices = [{ name = 'a' }]", fields)


def test_a_device_is_changed_in_place() -> None:
    def change(table: object) -> None:
        put(table, {"identity": "00:16:25:11:25:d6", "host": "192.0.2.11"})  # type: ignore[arg-type]

    text = edit_device(EXAMPLE, "dock-1-reader", change)
    kept = [line for line in EXAMPLE.splitlines() if line != 'host = "192.0.2.10"']
    assert [line for line in text.splitlines() if line in kept] == kept
    assert tomllib.loads(text)["devices"][0]["identity"] == "00:16:25:11:25:d6"
    rid = edit_device(text, "dock-1-reader", lambda table: put(table, {"identity": None}))
    assert "identity" not in tomllib.loads(rid)["devices"][0]
    with pytest.raises(NoDevice, match="there are: dock-1-reader, shelf-7-plate-1, desk-scanner"):
        remove_device(EXAMPLE, "nobody")


def test_the_schema_takes_every_sample_and_refuses_what_check_refuses() -> None:
    whole = schema()
    jsonschema.Draft202012Validator.check_schema(whole)
    judge = jsonschema.Draft202012Validator(whole)
    samples = (ROOT / "firmware_configs").rglob("*.toml")
    read = [tomllib.loads(path.read_text()) for path in samples]
    edge = {"edge": {"name": "pi", "site": "s"}}
    files = [edge | one for one in read if "devices" in one]
    assert len(files) > 20
    for one in files:
        as_json = json.loads(json.dumps(one, default=str))  # dates, which JSON writes as text
        assert not list(judge.iter_errors(as_json))
    assert list(judge.iter_errors({"edge": {"name": "pi", "site": "s", "sit": 1}}))
    wrong = {"name": "d", "driver": "mt-sics", "read_point": "r", "host": 1}
    assert list(judge.iter_errors({"edge": {"name": "pi", "site": "s"}, "devices": [wrong]}))
