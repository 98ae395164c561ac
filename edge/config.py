"""An edge's settings: one TOML file, checked whole, with every mistake told at once.

Nothing here touches a device, the network or the disk beyond the file itself, so that a file
can be checked on any desk (``tallyport edge check``).
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from drivers import registry
from edge.fold.settings import FoldSettings
from gateway.logs import Level, Style
from gateway.mqtt_settings import MqttSettings
from gateway.settings_errors import ConfigError, Mistake, check_settings, located
from gateway.toml_places import broken_at

__all__ = [
    "ConfigError",
    "DeviceConfig",
    "EdgeConfig",
    "Mistake",
    "check",
    "check_device",
    "check_text",
    "load",
]

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""As in ``gateway.contract.Name``: lower case, digits, ``. _ -``."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EdgeSection(_Section):
    """``[edge]``: who this is, and where it keeps its data."""

    name: Name
    site: Name
    data_dir: Path = Path("/var/lib/tallyport/edge")
    health_every_s: float = Field(default=60.0, ge=1, le=3_600)
    drain_s: float = Field(default=5.0, ge=0, le=300)
    """How long a stop waits for central to confirm what is on the way."""
    log_level: Level = "info"
    log_format: Style = "auto"


class MqttSection(MqttSettings):
    """``[mqtt]``: the broker. ``client_id`` is made from site and edge unless given.

    The edge needs no session in the broker: its journal remembers, and the watermark is
    retained.
    """

    client_id: Annotated[str, Field(max_length=128)] = ""
    clean_start: bool = True
    session_expiry_s: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 0


class JournalSection(_Section):
    """``[journal]``: when to commit, how much disk it may take, what gives when it is full."""

    commit_every_ms: int = Field(default=250, ge=10, le=60_000)
    commit_every: int = Field(default=500, ge=1, le=10_000)
    max_mib: int = Field(default=2_048, ge=8, le=1_048_576)
    when_full: Literal["drop_oldest", "refuse_newest"] = "drop_oldest"
    segment_rows: int = Field(default=50_000, ge=100, le=1_000_000)
    segment_mib: int = Field(default=16, ge=1, le=1_024)
    memory_mib: int = Field(default=48, ge=16, le=4_096)


class UplinkSection(_Section):
    """``[uplink]``: ``batch`` observations per message, ``window`` messages on the way."""

    batch: int = Field(default=200, ge=1, le=1_000)
    window: int = Field(default=20, ge=1, le=100)
    compress: bool = False
    resend_after_s: float = Field(default=15.0, ge=1, le=600)


class PageSection(_Section):
    """``[page]``: the technician's page of this edge. Beyond this machine (``host`` other than
    loopback) it asks for the ``pin``.
    """

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65_535)
    pin: Annotated[str | None, Field(min_length=6, max_length=64, repr=False)] = None

    @model_validator(mode="after")
    def _strangers_need_the_pin(self) -> PageSection:
        if self.enabled and self.pin is None and not is_loopback(self.host):
            raise ValueError(
                "beyond this machine the page needs a pin: give pin (six characters or more), or "
                "leave host at 127.0.0.1"
            )
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class DeviceConfig(_Section):
    """One ``[[devices]]`` table: what every device has, and its driver's own ``options``."""

    name: Name
    driver: str
    read_point: Name
    identity: Annotated[str, Field(max_length=128)] = ""
    """What the device says that it is (a MAC address, a serial number): by this it is known again
    at another address. Discovery fills it in."""
    plate: int = Field(default=1, ge=0, le=10_000)
    """Number of the load plate, for a scale."""
    fold: FoldSettings = FoldSettings()
    options: Any = None


class EdgeConfig(_Section):
    """The whole file."""

    edge: EdgeSection
    mqtt: MqttSection
    journal: JournalSection = JournalSection()
    uplink: UplinkSection = UplinkSection()
    page: PageSection = PageSection()
    fold: FoldSettings = FoldSettings()
    devices: tuple[DeviceConfig, ...] = ()

    def mqtt_settings(self) -> MqttSettings:
        """How to connect, with the client id filled in."""
        own = self.mqtt.client_id or f"{self.edge.site}.{self.edge.name}"
        return self.mqtt.model_copy(update={"client_id": own})


class _File(BaseModel):
    """The file's shape before its devices are looked at one by one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edge: EdgeSection
    mqtt: MqttSection = MqttSection()
    journal: JournalSection = JournalSection()
    uplink: UplinkSection = UplinkSection()
    page: PageSection = PageSection()
    fold: FoldSettings = FoldSettings()
    devices: list[dict[str, Any]] = []


def load(path: Path, *, spare: bool = False) -> EdgeConfig:
    """Read and check a file. Raises ``ConfigError`` listing every mistake; its text is for
    people. A relative ``data_dir`` is below the file's folder.

    ``spare``: a device whose driver cannot be loaded is kept, without ``options``, so that the
    others can be heard all the same; building its driver raises.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file; give its path with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, f"it cannot be read: {error}") from error
    config = check_text(text, origin=str(path), spare=spare)
    data_dir = path.parent.absolute() / config.edge.data_dir
    return config.model_copy(update={"edge": config.edge.model_copy(update={"data_dir": data_dir})})


def check_text(text: str, *, origin: str = "settings", spare: bool = False) -> EdgeConfig:
    """Check the text of a file. Raises ``ConfigError`` with every mistake and where it stands."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number too long, nested too deep
        line, column = broken_at(text, str(error))
        where = f"at line {line}, the end"
        problem = f"this is not TOML: {error}".replace("at end of document", where)
        mistake = Mistake(key="file", problem=problem, line=line, column=column)
        raise ConfigError(origin, [mistake]) from error
    try:
        return check(data, origin=origin, spare=spare)
    except ConfigError as error:
        raise located(error, text) from None


def check(data: Mapping[str, Any], *, origin: str = "settings", spare: bool = False) -> EdgeConfig:
    """Check settings that were read already. Raises ``ConfigError`` with every mistake."""
    mistakes: list[Mistake] = []
    shape: _File | None = None
    try:
        shape = check_settings(data, _File, origin=origin)
    except ConfigError as error:
        mistakes += error.mistakes
    devices: list[DeviceConfig] = []
    fold = shape.fold if shape is not None else FoldSettings()
    tables = data.get("devices", [])
    for index, table in enumerate(tables if isinstance(tables, list) else []):
        if not isinstance(table, dict):
            continue  # told by the shape already
        try:
            devices.append(_device(table, fold, spare=spare))
        except ConfigError as error:
            mistakes += [_below(f"devices[{index}]", mistake) for mistake in error.mistakes]
    mistakes += _clashes(tables)
    if mistakes or shape is None:
        raise ConfigError(origin, mistakes)
    return EdgeConfig(
        edge=shape.edge,
        mqtt=shape.mqtt,
        journal=shape.journal,
        uplink=shape.uplink,
        page=shape.page,
        fold=shape.fold,
        devices=tuple(devices),
    )


def _unreadable(path: Path, problem: str) -> ConfigError:
    return ConfigError(str(path), [Mistake(key="file", problem=problem)])


def check_device(table: dict[str, Any]) -> DeviceConfig:
    """Check one device's table by itself. Raises ``ConfigError``."""
    return _device(table, FoldSettings())


# ---- devices -------------------------------------------------------------------------------
def _device(table: dict[str, Any], fold: FoldSettings, *, spare: bool = False) -> DeviceConfig:
    options_model = _options_model(table, spare=spare)
    if options_model is None:
        own = {key: table[key] for key in table if key in {"name", "driver", "read_point"}}
        return check_settings(own, DeviceConfig, origin="device")
    shared: dict[str, Any] = {
        name: (
            field.annotation if not field.metadata else Annotated[field.annotation, field],
            field,
        )
        for name, field in DeviceConfig.model_fields.items()
        if name not in {"options", *options_model.model_fields}
    }
    whole = create_model("Device", __base__=options_model, **shared)
    checked = check_settings(table, whole, origin="device")
    given = {name: getattr(checked, name) for name in shared}
    own_fold: FoldSettings = given["fold"]
    given["fold"] = fold.model_copy(update=own_fold.model_dump(exclude_unset=True))
    options = options_model.model_validate(
        {key: value for key, value in table.items() if key not in shared}
    )
    if "plate" in options_model.model_fields:
        given["plate"] = options.model_dump()["plate"]
    return DeviceConfig(**given, options=options)


def _options_model(table: dict[str, Any], *, spare: bool) -> type[BaseModel] | None:
    """The driver's own settings; ConfigError when there is no such driver. With ``spare``, None
    for one that cannot be loaded.
    """
    kinds = sorted(registry.kinds())
    kind = table.get("driver")
    if kind is None:
        mistake = Mistake(key="driver", problem="this setting is needed", accepted=", ".join(kinds))
        raise ConfigError("device", [mistake])
    if kind not in kinds:
        near = difflib.get_close_matches(str(kind).lower(), kinds, n=1, cutoff=0.4)
        mistake = Mistake(
            key="driver",
            value=msgspec.json.encode(kind, enc_hook=str).decode(),
            problem="no such driver",
            accepted=", ".join(kinds),
            nearest=f'"{near[0]}"' if near else "",
        )
        raise ConfigError("device", [mistake])
    try:
        model: type[BaseModel] = registry.load(kind).Config
    except ImportError as error:
        if spare:
            return None
        raise ConfigError("device", [Mistake(key="driver", problem=str(error))]) from error
    return model


def _below(table: str, mistake: Mistake) -> Mistake:
    """The same mistake, seen from the whole file."""
    if mistake.key == "file":  # the table as a whole: its keys do not fit together
        return msgspec.structs.replace(mistake, key=table, value=None)
    key = f"{table}.{mistake.key}"
    nearest = mistake.nearest
    if nearest and not nearest.startswith('"'):
        nearest = f"{table}.{nearest}"
    return msgspec.structs.replace(mistake, key=key, nearest=nearest)


_UNIQUE = {
    ("name",): "another device has this name",
    ("identity",): "another device has this identity",
    ("port",): "another device uses this port",
    ("host", "port"): "another device connects there; a reader takes one client",
    ("mqtt.host", "mqtt.port", "mqtt.heard"): "another device listens to this topic",
    ("ble.address",): "another device is connected there; a bridge takes one",
    ("mass", "address"): "another device is heard from there",
    ("broker.host", "broker.port", "node"): "another device is this node",
    ("read_point", "plate"): "another device is this plate of the read point",
}


_USUAL: dict[str, object] = {"mqtt.host": "127.0.0.1", "mqtt.port": 1883, "mass": 1}
_USUAL |= {key.replace("mqtt", "broker"): value for key, value in _USUAL.items()}


def _at(table: Mapping[str, Any], path: str) -> object:
    """A setting, in a table within the table where the path has a dot."""
    value: Any = table
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return _USUAL.get(path) if value is None else value


def _clashes(tables: object) -> list[Mistake]:
    """What must differ between devices and does not."""
    if not isinstance(tables, list):
        return []
    seen: dict[tuple[object, ...], int] = {}
    found: list[Mistake] = []
    for index, table in enumerate(tables):
        if not isinstance(table, dict):
            continue
        for keys, problem in _UNIQUE.items():
            values = tuple(_at(table, key) for key in keys)
            if keys == ("host", "port"):
                values = (values[0], values[1] or "its usual port")
            if None in values or (keys == ("port",) and not isinstance(values[0], str)):
                continue
            try:
                first = seen.setdefault((keys, *values), index)
            except TypeError:
                continue  # a list or table where a word belongs: told elsewhere
            if first != index:
                shown = ", ".join(str(value) for value in values)
                found.append(
                    Mistake(
                        key=f"devices[{index}].{keys[-1]}",
                        value=f'"{shown}"',
                        problem=f"{problem}: devices[{first}]",
                    )
                )
    return found
