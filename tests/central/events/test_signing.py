"""Signatures as Standard Webhooks has them, by its own library."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from central.database.moments import to_us
from central.events import signing
from central.events.model import Secret
from tests.central.shop import NOON

NOW_US = to_us(NOON)


def test_the_specifications_own_vector() -> None:
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    made = signing.headers(
        [Secret(key=key)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.dictionaries(st.text(), st.text()))
def test_the_official_library_verifies_what_is_signed(body: dict[str, str]) -> None:
    key, payload = signing.new_key(), json.dumps(body).encode()
    now_s = int(time.time())
    made = signing.headers([Secret(key=key)], "movement-1", now_s, payload)
    assert Webhook(key).verify(payload, made) == body
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_key()).verify(payload, made)
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(payload + b" ", made)


def test_a_replaced_key_signs_for_a_day_beside_the_new_one() -> None:
    first, second, third = (signing.new_key() for _ in range(3))
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    held = signing.rotated([Secret(key=first)], second, NOW_US)
    later = NOW_US + signing.ROTATION_US
    assert [one.key for one in signing.good(held, later - 1)] == [second, first]
    assert [one.key for one in signing.good(held, later)] == [second]
    again = signing.rotated(held, third, NOW_US + 1)
    assert [one.key for one in signing.good(again, NOW_US + 1)] == [third, second]
    made = signing.headers(signing.good(held, NOW_US), "m", 1, b"{}")["webhook-signature"]
    assert len(made.split()) == 2


def test_what_the_official_library_signed_is_verified() -> None:
    old, key, body = signing.new_key(), signing.new_key(), '{"a": 1}'
    held = [Secret(key=old), Secret(key=key)]
    at_s = int(NOON.timestamp())
    signature = Webhook(key).sign("m-1", NOON, body)
    shown = {
        "webhook-id": "m-1", "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1a,other {signature}",
    }  # fmt: skip
    assert signing.verified(held, shown, body.encode(), at_s + 300) == "m-1"
    for wrong, now_s, why in (
        (shown, at_s + 301, "more than 300 s"),
        (shown, at_s - 301, "more than 300 s"),
        (shown | {"webhook-id": "m-2"}, at_s, "none of its signatures"),
        (shown | {"webhook-timestamp": str(at_s + 1)}, at_s, "none of its signatures"),
        (shown | {"webhook-timestamp": "\u0663"}, at_s, "lacks"),
        (shown | {"webhook-signature": ""}, at_s, "lacks"),
        ({}, at_s, "lacks"),
    ):
        with pytest.raises(ValueError, match=why):
            signing.verified(held, wrong, body.encode(), now_s)
    with pytest.raises(ValueError, match="none of its signatures"):
        signing.verified(held, shown, b'{"a": 2}', at_s)
    with pytest.raises(ValueError, match="none of its signatures"):
        signing.verified([Secret(key=old)], shown, body.encode(), at_s)
