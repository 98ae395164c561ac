"""Signatures as Standard Webhooks has them, by its own library."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from central.events import signing
from central.events.model import Secret
from central.moments import to_us
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
