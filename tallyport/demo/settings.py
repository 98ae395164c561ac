"""The settings files that the demo writes for its processes: what a person would write too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from drivers.emulators.portal_scene import Antenna
from tallyport.demo.goods import DOCK_POINT, EDGE, SCAN_POINT, SHELF_POINT, SITE


def central_toml(
    folder: Path,
    *,
    http_port: int,
    mqtt_port: int,
    embedded: bool,
    database_url: str | None,
    series_url: str | None = None,
) -> str:
    """Central's settings for one box, or for an outside broker, database and series server."""
    database = f'\n[database]\nurl = "{database_url}"\n' if database_url else ""
    series = f'\n[series]\nkind = "influx"\nurl = "{series_url}"\n' if series_url else ""
    return f"""\
[central]
data_dir = "{folder / "central"}"

[http]
host = "127.0.0.1"
port = {http_port}

[mqtt]
embedded = {"true" if embedded else "false"}
host = "127.0.0.1"
port = {mqtt_port}
{database}{series}"""


def edge_toml(folder: Path, *, mqtt_port: int, page_port: int, devices: str) -> str:
    """The edge's settings: where the broker is, its own page, and its devices."""
    return f"""\
[edge]
name = "{EDGE}"
site = "{SITE}"
data_dir = "{folder / "edge"}"

[mqtt]
host = "127.0.0.1"
port = {mqtt_port}

[page]
port = {page_port}

{devices}"""


def reader_toml(port: int, antennas: Sequence[Antenna]) -> str:
    """The dock's reader, with where its antennas look."""
    entries = "\n".join(
        f"[[devices.antennas]]\nantenna = {antenna.antenna}\n"
        f'side = "{antenna.side}"\nx_m = {antenna.x_m}\ny_m = {antenna.y_m}\nz_m = {antenna.z_m}\n'
        for antenna in antennas
    )
    return f"""\
[[devices]]
name = "dock-1-reader"
driver = "llrp"
read_point = "{DOCK_POINT}"
host = "127.0.0.1"
port = {port}
{entries}
"""


def plate_toml(plate: int, path: str) -> str:
    """One load plate of the shelf."""
    return f"""\
[[devices]]
name = "plate-{plate}"
driver = "mt-sics"
read_point = "{SHELF_POINT}"
plate = {plate}
port = "{path}"

"""


def scanner_toml(path: str) -> str:
    """The receiving desk's scanner."""
    return f"""\
[[devices]]
name = "desk-scanner"
driver = "scanner"
read_point = "{SCAN_POINT}"
port = "{path}"

"""
