"""Where keys stand in a TOML text: every key of every sample, and what is awkward."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.toml_places import broken_at, path_of, places_of

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "firmware_configs").rglob("*.toml"))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        yield (*path, key)
        yield from paths(one, (*path, key))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_key_of_every_sample(sample: Path) -> None:
    text = sample.read_text()
    places = places_of(text)
    for path in paths(tomllib.loads(text)):
        place = places.places[path]
        word = path[-1]
        if isinstance(word, str) and place.end > place.value:
            assert text[place.key :].lstrip("\"'").startswith(word)
            alone = tomllib.loads(f"x = {text[place.value : place.end]}")
            assert alone["x"] == _at(tomllib.loads(text), path)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


AWKWARD = '''# a = 1
"quoted.key" = 'x # no comment' # one
a.b.c = """
a = [1] \\"""
"""
list = [ # first
  1, [2, "]"], { deep = "}", "," = '#' },
]
[t."u v"]
k = 1979-05-27 07:32:00
[[m]]
n = 1
[[m]]
n = 2
[m.inner]
o = 3
'''


def test_the_awkward() -> None:
    found = places_of(AWKWARD)

    def value(*path: str | int) -> str:
        place = found.places[path]
        return AWKWARD[place.value : place.end]

    assert value("quoted.key") == "'x # no comment'"
    assert value("a", "b", "c").endswith('\\"""\n"""')
    assert value("list", 1, 1) == '"]"'
    assert value("list", 2, "deep") == '"}"'
    assert value("t", "u v", "k") == "1979-05-27 07:32:00"
    assert value("m", 1, "n") == "2"
    assert value("m", 1, "inner", "o") == "3"
    assert found.line_of(found.places["m", 1].key) == (13, 1)
    # What is not written stands where its table stands.
    missing = found.of(path_of("m[1].host"))
    assert missing is not None
    assert found.line_of(missing.key) == (13, 1)
    assert found.of(()) is None


def test_a_broken_text_is_told_by_line_and_column() -> None:
    for text, place in (("a = 1\nb = = 2\n", (2, 5)), ("a = [1,\n", (2, 1)), ("[a\n", (1, 3))):
        with pytest.raises(tomllib.TOMLDecodeError) as caught:
            tomllib.loads(text)
        assert broken_at(text, str(caught.value)) == place
        places_of(text)
