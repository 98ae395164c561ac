"""TOML files into pydantic settings, with every mistake told at once and in words.

Each mistake names its key, the value found, what is accepted, and the nearest thing that
would have been right. Central and the edge read their files through ``read_settings``.
"""

from __future__ import annotations

import difflib
import inspect
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.toml_places import broken_at, path_of, places_of

Settings = TypeVar("Settings", bound=BaseModel)


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in a settings file. ``value`` is as found, ``None`` when missing; ``line``
    and ``column`` count from 1, and are 0 where there is no text to point into.
    """

    key: str
    problem: str
    value: str | None = None
    accepted: str = ""
    nearest: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        found = f" = {self.value}" if self.value is not None else ""
        accepted = f" Accepted: {self.accepted}." if self.accepted else ""
        nearest = f" Did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.key}{found}: {self.problem}.{accepted}{nearest}"


class ConfigError(Exception):
    """The settings cannot be used; ``mistakes`` holds every one of them."""

    def __init__(self, origin: str, mistakes: list[Mistake]) -> None:
        self.origin = origin
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        lines = "\n".join(f"  {_where(origin, one)}{one}" for one in mistakes)
        super().__init__(f"{origin}: {count}, nothing was started.\n{lines}")


def _where(origin: str, mistake: Mistake) -> str:
    return f"{origin}:{mistake.line}:{mistake.column}: " if mistake.line else ""


def located(error: ConfigError, text: str) -> ConfigError:
    """The same mistakes, each with the line and column in the text that they were found in."""
    places = places_of(text)
    found = []
    for mistake in error.mistakes:
        place = places.of(path_of(mistake.key))
        line, column = (1, 1) if place is None else places.line_of(place.key)
        found.append(msgspec.structs.replace(mistake, line=line, column=column))
    return ConfigError(error.origin, sorted(found, key=lambda one: (one.line, one.column)))


def read_settings(path: Path, model: type[Settings]) -> Settings:
    """Read a TOML file into ``model``; raise ``ConfigError`` with all mistakes."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problem = "there is no such file; give its path with --config"
        raise ConfigError(str(path), [Mistake(key="file", problem=problem)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [Mistake(key="file", problem=str(error))]) from error
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number too long, nested too deep
        problem = f"this is not TOML: {error}"
        line, column = broken_at(text, str(error))
        mistake = Mistake(key="file", problem=problem, line=line, column=column)
        raise ConfigError(str(path), [mistake]) from error
    try:
        return check_settings(data, model, origin=str(path))
    except ConfigError as error:
        raise located(error, text) from None


def check_settings(
    data: Mapping[str, object], model: type[Settings], *, origin: str = "settings"
) -> Settings:
    """Validate plain data against ``model``; raise ``ConfigError`` with all mistakes."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        mistakes = [_mistake(detail, data, model) for detail in error.errors(include_url=False)]
        raise ConfigError(origin, mistakes) from None


def _mistake(detail: ErrorDetails, data: Mapping[str, object], model: type[BaseModel]) -> Mistake:
    """Put one pydantic error into words."""
    key, value, known = _locate(detail["loc"], data, model)
    secret = key.endswith(("token", "password", "url")) or "secret" in key
    if secret and isinstance(value, str):
        value = "hidden"
    kind = detail["type"]
    if kind == "extra_forbidden":
        leaf = key.rpartition(".")[2]
        near = difflib.get_close_matches(leaf, known, n=1, cutoff=0.5)
        nearest = key[: len(key) - len(leaf)] + near[0] if near else ""
        return Mistake(
            key=key,
            value=_shown(value),
            problem="no such setting",
            accepted=", ".join(sorted(known)),
            nearest=nearest,
        )
    if kind == "missing":
        return Mistake(key=key, problem="this setting is needed", accepted=_accepted(detail))
    return Mistake(
        key=key,
        value=_shown(value),
        problem=_problem(detail),
        accepted=_accepted(detail),
        nearest=_nearest_value(detail, value),
    )


def _locate(
    loc: tuple[int | str, ...], data: Mapping[str, object], model: type[BaseModel]
) -> tuple[str, object, list[str]]:
    """Follow an error's location: the key as a person writes it, the value, known names there.

    A part of the location that the data does not have is the tag of a union: it picks the
    model and is not written.
    """
    key, value, models = "", typing.cast("object", data), [model]
    for place, part in enumerate(loc):
        last = place == len(loc) - 1
        if isinstance(part, int):
            key += f"[{part}]"
            value = value[part] if isinstance(value, list) and part < len(value) else None
        elif last or (isinstance(value, Mapping) and part in value):
            known = [name for one in models for name in _names(one)]
            if last:
                found = value.get(part) if isinstance(value, Mapping) else value
                return f"{key}.{part}".lstrip("."), found, known
            key = f"{key}.{part}".lstrip(".")
            models = [
                inner
                for one in models
                for name, field in one.model_fields.items()
                if part in (name, field.alias)
                for inner in _models_in(field.annotation)
            ] or models  # a name of the writer's own, in a table of many
            value = typing.cast("Mapping[str, object]", value)[part]
        else:
            models = [one for one in models if _tagged(one, part)] or models
    if not key:  # about the file as a whole: nobody wants to read all of it here
        key, value = "file", None
    return key, value, [name for one in models for name in _names(one)]


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _tagged(model: type[BaseModel], tag: str) -> bool:
    """Whether a union member is the one a tag (or a class name) stands for."""
    if model.__name__ == tag:
        return True
    return any(
        tag in typing.get_args(field.annotation) or field.default == tag
        for field in model.model_fields.values()
    )


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Every settings model that an annotation mentions."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)


def _problem(detail: ErrorDetails) -> str:
    if detail["type"] in {"literal_error", "enum"}:
        return "not one of the words known here"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:].rstrip(".")


_RANGES = (("gt", "more than"), ("ge", "at least"), ("lt", "less than"), ("le", "at most"))
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "string": 'text in quotes, "like this"',
    "bool": "true or false",
    "dict": "a table",
    "model": "a table",
    "list": "a list, [like, this]",
    "tuple": "a list, [like, this]",
    "path": "a path in quotes",
}


def _accepted(detail: ErrorDetails) -> str:
    """What would be right, as far as the error knows."""
    context: dict[str, Any] = detail.get("ctx", {})
    if "expected" in context:
        return str(context["expected"]).replace("'", "")
    if "expected_tags" in context:
        return str(context["expected_tags"]).replace("'", "")
    ranges = [f"{words} {context[name]}" for name, words in _RANGES if name in context]
    if ranges:
        return " and ".join(ranges)
    if "pattern" in context:
        return f"text like {context['pattern']}"
    lengths = [
        f"{words} {context[name]} long"
        for name, words in (("min_length", "at least"), ("max_length", "at most"))
        if name in context
    ]
    return " and ".join(lengths) or _KINDS.get(detail["type"].partition("_")[0], "")


def _nearest_value(detail: ErrorDetails, value: object) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    words = str(context.get("expected") or context.get("expected_tags") or "")
    if not isinstance(value, str | dict) or not words:
        return ""
    if isinstance(value, dict):
        value = value.get(str(context.get("discriminator", "")).strip("'"), "")
    choices = [word.strip(" '") for word in words.replace(" or ", ",").split(",")]
    near = difflib.get_close_matches(str(value).lower(), choices, n=1, cutoff=0.5)
    return f'"{near[0]}"' if near else ""


def _shown(value: object) -> str | None:
    """A value as a person wrote it, cut short; a table stays closed, it may hold secrets."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return "{...}"
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
