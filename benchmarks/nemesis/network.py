"""Faults of one TCP port on the loopback, by nftables: real lost packets, real silence.

Only packets to or from that port are touched, in a table of our own that goes when healed.
Needs root and nft.
"""

from __future__ import annotations

import os
import shutil
import subprocess

_LARGEST_SEGMENT = 66_000
_TABLE = f"tallyport_nemesis_{os.getpid()}"


def why_not() -> str | None:
    """Why no network fault can be made here, or ``None``."""
    if shutil.which("nft") is None:
        return "nft is not installed: apt-get install nftables"
    if os.geteuid() != 0:
        return "network faults need root"
    probe = subprocess.run(
        ["nft", "add", "table", "inet", _TABLE], capture_output=True, check=False
    )
    heal()
    return None if probe.returncode == 0 else f"nft may not: {probe.stderr.decode().strip()}"


def black_hole(port: int) -> None:
    """Nothing comes through in either direction; nobody is told."""
    _apply(f"tcp dport {port} drop; tcp sport {port} drop")


def one_way(port: int, *, towards: bool) -> None:
    """Nothing comes through ``towards`` the port, or nothing back."""
    _apply(f"tcp {'dport' if towards else 'sport'} {port} drop")


def loss(port: int, percent: int) -> None:
    """So many of a hundred packets are lost, in both directions."""
    drop = f"numgen random mod 100 < {percent} drop"
    _apply(f"tcp dport {port} {drop}; tcp sport {port} {drop}")


def slow(port: int, bytes_per_s: int = 8_000) -> None:
    """A line of 64 kbit/s: what is more is lost, and TCP slows down.

    The loopback carries segments of up to 64 KiB whole: a burst below that would be an outage.
    """
    limit = f"limit rate over {bytes_per_s} bytes/second burst {_LARGEST_SEGMENT} bytes drop"
    _apply(f"tcp dport {port} {limit}; tcp sport {port} {limit}")


def heal() -> None:
    """Take every fault away."""
    subprocess.run(["nft", "delete", "table", "inet", _TABLE], capture_output=True, check=False)


def _apply(rules: str) -> None:
    heal()
    script = (
        f"add table inet {_TABLE}\n"
        f"add chain inet {_TABLE} faults {{ type filter hook input priority 0; }}\n"
        + "".join(
            f'add rule inet {_TABLE} faults iifname "lo" {rule}\n' for rule in rules.split("; ")
        )
    )
    subprocess.run(["nft", "-f", "-"], input=script.encode(), check=True, capture_output=True)
