"""All that letting people in needs, wired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import structlog

from central.access.keeper import Keeper
from central.access.passwords import Passwords
from central.access.provider import Provider
from central.access.sessions import Lifetimes
from central.access.signing_in import SigningIn
from central.access.tokens import Signer, fresh, read_secret
from central.api.access.door import LocalDoor, LoginDoor
from central.api.access.gate import Door, OpenDoor
from central.config import CentralSettings
from central.database.store import Database

__all__ = ["Entrance", "entrance_for", "open_entrance", "open_or_closed"]

_log = structlog.get_logger("central.access")

_HOUR_US = 3_600 * 1_000_000


class Entrance(NamedTuple):
    """``door`` asks who somebody is, ``keeper`` knows them, ``signing_in`` is how they come;
    ``provider`` is another one that knows them, and ``roles`` what its groups give.
    """

    keeper: Keeper
    signing_in: SigningIn
    door: Door
    provider: Provider | None = None
    roles: Mapping[str, str] = {}
    label: str = ""


def entrance_for(settings: CentralSettings, database: Database) -> Entrance:
    """As the settings say; nobody is asked yet whether somebody has an account."""
    access = settings.access
    keeper = Keeper(
        database,
        signer=Signer(read_secret(settings.secret_path), minutes=access.token_minutes),
        lifetimes=Lifetimes(
            idle_us=round(access.session_idle_h * _HOUR_US),
            session_us=round(access.session_days * 24 * _HOUR_US),
            refresh_us=round(access.refresh_days * 24 * _HOUR_US),
        ),
        per_minute=access.requests_per_minute,
    )
    made = Entrance(keeper, SigningIn(keeper, Passwords()), LoginDoor(keeper))
    oidc = access.oidc
    if oidc is None:
        return made
    secret = None if oidc.client_secret is None else oidc.client_secret.get_secret_value()
    provider = Provider(
        issuer=oidc.issuer, client_id=oidc.client_id, client_secret=secret,
        groups_claim=oidc.groups_claim,
    )  # fmt: skip
    return made._replace(provider=provider, roles=oidc.roles, label=oidc.label)


def open_or_closed(entrance: Entrance, settings: CentralSettings, setup: str | None) -> Entrance:
    """With the door that the settings ask for. ``setup`` is the token for the first administrator,
    where there is none.
    """
    access = settings.access
    is_open = access.mode == "open" or (
        access.mode == "auto" and settings.is_local and setup is not None
    )
    if not is_open:
        if setup is not None:
            _log.warning(
                "no_administrator_yet", open="/setup", token=setup, good_for="an hour, once",
                or_say="tallyport central users add --admin NAME",
            )  # fmt: skip
        return entrance
    _log.warning(
        "open_without_log_in", host=settings.http.host,
        meaning="whoever reaches this address may do everything",
        to_close='tallyport central users add --admin NAME, and [access] mode = "required"',
    )  # fmt: skip
    hosts = access.hosts if settings.is_local else None
    return entrance._replace(door=LocalDoor(entrance.keeper, hosts))


def open_entrance(database: Database) -> Entrance:
    """Where nobody is asked who they are: for tests."""
    keeper = Keeper(
        database,
        signer=Signer(fresh().encode(), minutes=15),
        lifetimes=Lifetimes(12 * _HOUR_US, 14 * 24 * _HOUR_US, 30 * 24 * _HOUR_US),
        per_minute=6_000,
    )
    return Entrance(keeper, SigningIn(keeper, Passwords(memory_kib=64, rounds=1)), OpenDoor())
