"""Who may do what on the broker, as Mosquitto's dynamic-security plugin says it. Pure.

One role for each device with its own topics written out (version 2.0 of the plugin substitutes
no names), one for central. Whatever no role allows is denied. The same commands are sent to a
running broker (topic ``CONTROL``) or folded into the file that it starts from, which is the
plugin's own format (mosquitto.org/documentation/dynamic-security).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway import topics
from gateway.certificates import common_name

__all__ = [
    "ADMIN",
    "CENTRAL",
    "CONTROL",
    "RESPONSE",
    "admit_admin",
    "admit_central",
    "admit_device",
    "fold",
    "nobody",
    "revoke",
    "worker_name",
]

CONTROL = "$CONTROL/dynamic-security/v1"
RESPONSE = "$CONTROL/dynamic-security/v1/response"
CENTRAL = "tallyport-central"
"""The common name of central's certificate."""
ADMIN = "tallyport-admin"
"""The same of whoever admits and revokes while the broker runs."""
Command = dict[str, Any]


def nobody() -> dict[str, Any]:
    """The file of a broker that lets nobody in yet."""
    refused = ("publishClientSend", "publishClientReceive", "subscribe")
    return {
        "defaultACLAccess": {**dict.fromkeys(refused, False), "unsubscribe": True},
        "clients": [],
        "groups": [],
        "roles": [],
    }


def admit_device(site: str, edge: str) -> list[Command]:
    """Commands that let an edge in: its own ``up`` to write, its own ``down`` to read."""
    return _admit(
        common_name(site, edge),
        writes=[f"{topics.ROOT}/{site}/{edge}/up/#"],
        reads=[f"{topics.ROOT}/{site}/{edge}/down/#"],
    )


def worker_name(worker: str) -> str:
    """Who one of several central processes is: the common name of its certificate."""
    return f"{CENTRAL}-{worker}"


def admit_central(name: str = CENTRAL) -> list[Command]:
    """Commands that let central in: every ``up`` to read, every ``down``, the ledger's digest
    and the events to write.
    """
    return _admit(
        name,
        writes=[f"{topics.ROOT}/+/+/down/#", topics.DIGEST, f"{topics.EVENTS}/#"],
        reads=[f"{topics.ROOT}/+/+/up/#"],
    )


def admit_admin() -> list[Command]:
    """Commands that let in whoever admits and revokes: the plugin's own topics, no others."""
    return _admit(ADMIN, writes=[CONTROL], reads=[RESPONSE])


def revoke(name: str) -> list[Command]:
    """Commands that throw a client out now and leave it nothing to do: a certificate alone
    still opens a connection until the broker has read the revocation list. Then the name is
    free, to be admitted again with another certificate.
    """
    return [
        {"command": "removeClientRole", "username": name, "rolename": name},
        {"command": "disableClient", "username": name},
        {"command": "deleteClient", "username": name},
        {"command": "deleteRole", "rolename": name},
    ]


def _admit(name: str, *, writes: list[str], reads: list[str]) -> list[Command]:
    acls = [
        *(_acl("publishClientSend", topic) for topic in writes),
        *(_acl("subscribePattern", topic) for topic in reads),
        *(_acl("publishClientReceive", topic) for topic in reads),
    ]
    return [
        {"command": "createRole", "rolename": name, "acls": acls},
        {"command": "createClient", "username": name, "roles": [{"rolename": name}]},
    ]


def _acl(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "allow": True}


def fold(state: Mapping[str, Any], commands: Iterable[Command]) -> dict[str, Any]:
    """What the plugin's file says after ``commands``; ValueError for what it would refuse."""
    roles = {role["rolename"]: role for role in state["roles"]}
    clients = {client["username"]: client for client in state["clients"]}
    for command in commands:
        content = {key: value for key, value in command.items() if key != "command"}
        match command["command"]:
            case "createRole":
                _new(roles, content["rolename"], "role")
                roles[content["rolename"]] = content
            case "createClient":
                _new(clients, content["username"], "client")
                clients[content["username"]] = content
            case "disableClient":
                _change(clients, content["username"], disabled=True)
            case "removeClientRole":
                _change(clients, content["username"], roles=[])
            case "deleteClient":
                del clients[content["username"]]
            case "deleteRole":
                del roles[content["rolename"]]
            case other:
                raise ValueError(f"unknown command {other}")
    return {**state, "roles": list(roles.values()), "clients": list(clients.values())}


def _change(clients: dict[str, Any], name: str, **fields: object) -> None:
    if name not in clients:
        raise ValueError(f"there is no client {name}")
    clients[name] = clients[name] | fields


def _new(known: Mapping[str, object], name: str, what: str) -> None:
    if name in known:
        raise ValueError(f"there is a {what} {name} already")
