"""Subscriptions: who is told of which events, and what he did not take."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from central.api.acting import Telling
from central.api.bodies import Said
from central.api.etags import IfMatch, check, tagged
from central.api.events.bodies import AgainBody, SubscriptionBody, SubscriptionPatch
from central.api.pages import Limit, Number, following, page
from central.api.permits import needs
from central.api.problems import shown_as
from central.api.services import Services, json_answer
from central.events import deliveries, stream, subscriptions
from central.events.model import Subscription

_MANAGE = needs("write:events")
After = Annotated[Said | None, Query(max_length=100)]


def router(services: Services) -> APIRouter:
    """The routes of subscriptions."""
    made = APIRouter(tags=["events"])
    _add_lookups(made, services)
    _add_changes(made, services)
    _add_dead(made, services)
    return made


def _shown(made: Subscription) -> dict[str, object]:
    return dict(msgspec.to_builtins(made))


def _add_lookups(made: APIRouter, services: Services) -> None:
    @made.get(
        "/subscriptions",
        summary="List subscriptions",
        responses=shown_as(422),
        openapi_extra=_MANAGE,
    )
    async def listed(after: After = None, limit: Limit = 100) -> Response:
        """By id."""
        found = await services.read(lambda c: subscriptions.listed(c, after=after, limit=limit))
        return page([_shown(one) for one in found], following(found, limit, lambda one: one.id))

    @made.get(
        "/subscriptions/{subscription}",
        summary="One subscription",
        responses=shown_as(404),
        openapi_extra=_MANAGE,
    )
    async def get(subscription: str) -> Response:
        """With the `ETag` that a change asks for."""
        return tagged(_shown(await services.read(lambda c: subscriptions.get(c, subscription))))

    @made.get(
        "/subscriptions/{subscription}/delivery",
        summary="How far a subscriber has been told",
        responses=shown_as(404),
        openapi_extra=_MANAGE,
    )
    async def delivery(subscription: str) -> Response:
        """`behind` is how many movements and other events happened since, wanted or not; `why` and
        `failures` are of the next one; it is tried again at `next_us`.
        """

        def work(connection: Connection) -> dict[str, object]:
            subscriptions.get(connection, subscription)
            now = deliveries.standing(connection, subscription)
            newest = stream.head(connection)
            behind = newest.ledger - now.ledger_seq + newest.log - now.log_seq
            return {**msgspec.to_builtins(now), "behind": behind}

        return json_answer(await services.read(work))


def _add_changes(made: APIRouter, services: Services) -> None:
    @made.post(
        "/subscriptions",
        status_code=201,
        summary="Subscribe to events",
        responses=shown_as(422),
        openapi_extra=_MANAGE,
    )
    async def add(body: SubscriptionBody, told: Telling) -> Response:
        """From now on, or from the beginning of the books. A webhook's `secret` is in this answer
        and in no other.
        """
        wanted = body.subscription(services.events)
        made, key = await services.write(
            lambda c: subscriptions.add(c, wanted, told, from_beginning=body.begins == "beginning")
        )
        return json_answer(_shown(made) | ({"secret": key} if key else {}), 201)

    @made.patch(
        "/subscriptions/{subscription}",
        summary="Change a subscription",
        responses=shown_as(404, 412, 422),
        openapi_extra=_MANAGE,
    )
    async def change(
        subscription: str, body: SubscriptionPatch, told: Telling, if_match: IfMatch = None
    ) -> Response:
        """What is not named stays. `paused` holds everything back until it is `active` again, from
        where it was; so is one that was turned off by a 410.
        """

        def work(connection: Connection) -> dict[str, object]:
            before = subscriptions.get(connection, subscription)
            check(if_match, _shown(before), needed=False)
            wanted = body.patched(before, services.events)
            return _shown(subscriptions.change(connection, wanted, told))

        return tagged(await services.write(work))

    @made.delete(
        "/subscriptions/{subscription}",
        status_code=204,
        summary="End a subscription",
        responses=shown_as(404),
        openapi_extra=_MANAGE,
    )
    async def end(subscription: str, told: Telling) -> Response:
        """With what it did not take."""
        await services.write(lambda c: subscriptions.end(c, subscription, told))
        return Response(status_code=204)

    @made.post(
        "/subscriptions/{subscription}/secret",
        status_code=201,
        summary="Replace a webhook's secret",
        responses=shown_as(404, 422),
        openapi_extra=_MANAGE,
    )
    async def rotate(subscription: str, told: Telling) -> Response:
        """For 24 hours every webhook carries two signatures, by the new and by the old one."""
        key = await services.write(lambda c: subscriptions.new_secret(c, subscription, told))
        return json_answer({"secret": key}, 201)


def _add_dead(made: APIRouter, services: Services) -> None:
    @made.get(
        "/subscriptions/{subscription}/dead-letters",
        summary="Events that were not taken",
        responses=shown_as(404, 422),
        openapi_extra=_MANAGE,
    )
    async def dead(subscription: str, after: Number = None, limit: Limit = 100) -> Response:
        """The newest first, each with the target's last word."""

        def work(connection: Connection) -> list[deliveries.Dead]:
            subscriptions.get(connection, subscription)
            return deliveries.dead(connection, subscription, before=after, limit=limit)

        found = await services.read(work)
        return page(found, following(found, limit, lambda one: one.id))

    @made.post(
        "/subscriptions/{subscription}/dead-letters/replay",
        status_code=202,
        summary="Tell them once more",
        responses=shown_as(404, 422),
        openapi_extra=_MANAGE,
    )
    async def again(subscription: str, body: AgainBody) -> Response:
        """Those of `ids`, or all. What is taken leaves the list; what is not, stays."""

        def work(connection: Connection) -> int:
            subscriptions.get(connection, subscription)
            return deliveries.again(connection, subscription, body.ids)

        return json_answer({"asked": await services.write(work)}, 202)
