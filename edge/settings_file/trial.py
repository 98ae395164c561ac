"""What a start of the agent makes of a trial of settings, which a restart or a power cut cut."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import structlog

from edge.config import EdgeConfig, load
from edge.settings_file.versions import NoVersion, Outcome, Pending, Versions, sha256
from gateway.files import replace

_log = structlog.get_logger("edge.settings")
MOST_STARTS = 3


def resolved(config: EdgeConfig, path: Path) -> EdgeConfig:
    """As ``edge.config.load`` does: a relative data folder is below the file's."""
    data_dir = path.parent.absolute() / config.edge.data_dir
    return config.model_copy(update={"edge": config.edge.model_copy(update={"data_dir": data_dir})})


def settled(path: Path | None, config: EdgeConfig) -> EdgeConfig:
    """What a trial that a stop came into makes of this start; told in the log."""
    if path is None:
        return config
    config, told = settle(path, config, time.time_ns() // 1_000)
    if told:
        _log.warning("settings_on_trial", what=told)
    return config


def settle(path: Path, config: EdgeConfig, now_us: int) -> tuple[EdgeConfig, str]:
    """Before the agent starts: the settings to start with, and what happened, in words.

    A trial whose file never came, or was changed by hand, is over. One whose settings ended the
    agent ``MOST_STARTS`` times goes back. Any other goes on.
    """
    versions = Versions(config.edge.data_dir / "settings")
    pending = versions.pending()
    if pending is None:
        return config, ""
    content = path.read_bytes()
    if sha256(content) != _hash(versions, pending.version):
        unused = sha256(content) == _hash(versions, pending.back_to)
        why = "it was cut off before it was used" if unused else "the file was changed by hand"
        versions.end(pending.version, Outcome(state="interrupted", at_us=now_us, why=why))
        return config, f"version {pending.version} of the settings was not tried: {why}"
    if pending.starts < MOST_STARTS:
        versions.begin(msgspec.structs.replace(pending, starts=pending.starts + 1))
        return config, f"version {pending.version} of the settings is on trial"
    return _go_back(path, versions, pending, now_us)


def _go_back(
    path: Path, versions: Versions, pending: Pending, now_us: int
) -> tuple[EdgeConfig, str]:
    why = f"the agent was started {pending.starts} times with it and did not stay"
    replace(path, versions.content(pending.back_to), path.stat().st_mode & 0o777)
    versions.end(pending.version, Outcome(state="went_back", at_us=now_us, why=why))
    told = f"version {pending.version} of the settings went back: {why}"
    return load(path, spare=True), told


def _hash(versions: Versions, version: int) -> str:
    try:
        return versions.get(version).sha256
    except NoVersion:
        return ""
