"""The JSON Schema of a settings file, made of the models that check it: for editors and forms."""

from __future__ import annotations

from typing import Any

from drivers import registry
from edge.config import DeviceConfig, EdgeConfig


def schema() -> dict[str, Any]:
    """Everything that a settings file may hold (JSON Schema 2020-12); each kind of device has its
    own shape. Kinds that cannot be loaded on this machine are left out.
    """
    whole = EdgeConfig.model_json_schema(mode="validation")
    definitions: dict[str, Any] = whole.pop("$defs", {})
    shared = dict(DeviceConfig.model_json_schema()["properties"])
    shared.pop("options", None)
    kinds = []
    for kind in registry.kinds():
        try:
            own = registry.load(kind).Config.model_json_schema(mode="validation")
        except ImportError:
            continue
        kinds.append(_device(kind, own, shared, definitions))
    whole["properties"]["devices"] = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "driver", "read_point"],
            "oneOf": kinds,
        },
    }
    whole.pop("required", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **whole,
        "title": "Settings of a Tallyport edge",
        "required": ["edge"],
        "$defs": definitions,
    }


def _device(
    kind: str, own: dict[str, Any], shared: dict[str, Any], definitions: dict[str, Any]
) -> dict[str, Any]:
    prefix = kind.replace("-", "_") + "."
    inner = own.pop("$defs", {})
    definitions.update({prefix + name: _renamed(one, prefix) for name, one in inner.items()})
    own = _renamed(own, prefix)
    return {
        "title": kind,
        "type": "object",
        "additionalProperties": False,
        "required": sorted({"name", "driver", "read_point", *own.get("required", [])}),
        "properties": {**shared, **own["properties"], "driver": {"const": kind}},
    }


def _renamed(one: Any, prefix: str) -> Any:  # noqa: ANN401 - any part of a schema
    """References to definitions of one kind's own, under their new names."""
    if isinstance(one, dict):
        return {
            key: value.replace("#/$defs/", f"#/$defs/{prefix}")
            if key == "$ref"
            else _renamed(value, prefix)
            for key, value in one.items()
        }
    if isinstance(one, list):
        return [_renamed(part, prefix) for part in one]
    return one
