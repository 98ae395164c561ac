"""What clients say of subscriptions."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator, ConfigDict, Field, model_validator

from central.api.bodies import Body, Code, Name, Said, Sku
from central.api.problems import Problem
from central.config import EventsSection
from central.events.model import Subscription, Target

__all__ = ["AgainBody", "SubscriptionBody", "SubscriptionPatch", "Url"]

_MOST = 500


def _callable(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a webhook's URL begins with https:// and names a host")
    if parts.username is not None or parts.fragment:
        raise ValueError("a webhook's URL has neither a user nor a fragment: it is signed instead")
    if not url.isascii() or any(one <= " " for one in url):
        raise ValueError("a webhook's URL is plain ASCII without blanks")
    if parts.port == 0:
        raise ValueError("port 0 is none")
    return url


Url = Annotated[Said, Field(min_length=10, max_length=2_000), AfterValidator(_callable)]
Kinds = Annotated[tuple[Code, ...], Field(max_length=_MOST)]
Skus = Annotated[tuple[Sku, ...], Field(max_length=_MOST)]
Locations = Annotated[
    tuple[Code, ...], Field(max_length=_MOST, description="Each with all that lies below it.")
]
Attempts = Annotated[
    int, Field(ge=1, le=50, description="How often an event is told before it is put aside.")
]


class TargetBody(Body):
    """Where to: a `webhook` with its `url`, `mqtt` (central's own broker), or a `broker` that
    central's settings name.
    """

    kind: Literal["webhook", "mqtt", "broker"]
    url: Url | None = None
    broker: Code | None = None

    @model_validator(mode="after")
    def _whole(self) -> TargetBody:
        if (self.kind == "webhook") != (self.url is not None):
            raise ValueError("a webhook has a url, and nothing else has one")
        if (self.kind == "broker") != (self.broker is not None):
            raise ValueError("a broker is named by `broker`, and nothing else has one")
        return self

    def target(self, settings: EventsSection) -> Target:
        """Raises ``Problem`` 422 for a broker that the settings do not name."""
        if self.broker is not None and self.broker not in settings.brokers:
            known = ", ".join(sorted(settings.brokers)) or "none"
            raise Problem(422, f"the settings name no broker {self.broker} (known: {known}): "
                               "add it to [events.brokers]")  # fmt: skip
        return Target(kind=self.kind, url=self.url or "", broker=self.broker or "")


class SubscriptionBody(Body):
    """Who wants to be told of what."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "name": "ERP",
                    "target": {"kind": "webhook", "url": "https://erp.example.com/stock"},
                    "kinds": ["stock_updated", "OrderReserved"],
                    "locations": ["WH-01"],
                }
            ]
        },
    )

    name: Name
    target: TargetBody
    kinds: Kinds = ()
    skus: Skus = ()
    locations: Locations = ()
    attempts: Attempts = 15
    begins: Annotated[
        Literal["now", "beginning"], Field(description="With what happens next, or from the first.")
    ] = "now"

    def subscription(self, settings: EventsSection) -> Subscription:
        """Raises ``Problem``."""
        return Subscription(
            id="",
            name=self.name,
            target=self.target.target(settings),
            kinds=self.kinds,
            skus=self.skus,
            locations=self.locations,
            attempts=self.attempts,
        )


class SubscriptionPatch(Body):
    """What is to be another one from now on."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"status": "paused"}]}
    )

    name: Name | None = None
    target: TargetBody | None = None
    kinds: Kinds | None = None
    skus: Skus | None = None
    locations: Locations | None = None
    attempts: Attempts | None = None
    status: Literal["active", "paused"] | None = None

    def patched(self, before: Subscription, settings: EventsSection) -> Subscription:
        """Raises ``Problem``."""
        said = {name: getattr(self, name) for name in self.model_fields_set}
        changes = {name: value for name, value in said.items() if value is not None}
        if self.target is not None:
            changes["target"] = self.target.target(settings)
        status = changes.get("status", "active" if before.status == "gone" else before.status)
        return msgspec.structs.replace(before, **changes | {"status": status})


class AgainBody(Body):
    """Which of them; without `ids`, all."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{}]})

    ids: Annotated[list[Annotated[int, Field(ge=0, le=2**62)]], Field(max_length=_MOST)] | None = (
        None
    )
