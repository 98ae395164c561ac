"""The settings files that the demo writes for its processes: what a person would write too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.emulators.portal_scene import Antenna
from tallyport.demo.goods import DOCK_POINT, EDGE, SCAN_POINT, SHELF_POINT, SITE

if TYPE_CHECKING:
    from tallyport.demo.processes import Site


def central_toml(site: Site) -> str:
    """Central's settings for one box, or for an outside broker and database."""
    database = f'\n[database]\nurl = "{site.database_url}"\n' if site.database_url else ""
    embedded = "true" if site.broker_port is None else "false"
    return f"""\
[central]
data_dir = "{site.folder / "central"}"

[http]
host = "127.0.0.1"
port = {site.http_port}

[mqtt]
embedded = {embedded}
host = "127.0.0.1"
port = {site.mqtt_port}
{database}"""


def edge_toml(site: Site) -> str:
    """The edge's settings: where the broker is, and its devices."""
    return f"""\
[edge]
name = "{EDGE}"
site = "{SITE}"
data_dir = "{site.folder / "edge"}"

[mqtt]
host = "127.0.0.1"
port = {site.mqtt_port}

{site.devices}"""


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
