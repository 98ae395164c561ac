"""The emulated ERP does what it is told, and takes nothing that is not signed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from central.erp.emulator import EmulatedErp
from central.events import signing
from central.events.model import Secret

KEY = signing.new_key()


@pytest.fixture
def erp() -> Iterator[EmulatedErp]:
    made = EmulatedErp(KEY, "http://127.0.0.1:1/nobody")
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join()


def test_it_takes_each_receipt_once_and_answers_as_it_was_told(erp: EmulatedErp) -> None:
    body = b'{"a": 1}'
    headers = signing.headers([Secret(key=KEY)], "event-1", int(time.time()), body)
    with httpx.Client(base_url=erp.url, trust_env=False) as http:
        assert http.post("/receipts", content=body).status_code == 401
        assert http.post("/behave", content=b'{"answer": []}').status_code == 422
        told = {"answers": [{"status": 429, "headers": {"retry-after": "7"}}, {"lost": True}]}
        assert http.post("/behave", json=told).status_code == 204
        busy = http.post("/receipts", content=body, headers=headers)
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
        assert http.get("/taken").json()["taken"] == {}
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/receipts", content=body, headers=headers)
        assert http.post("/receipts", content=body, headers=headers).status_code == 200
        assert http.get("/taken").json() == {
            "taken": {"event-1": {"a": 1}},
            "asked": 4,
            "unsigned": 1,
        }
        assert http.post("/send", content=b"{}").status_code == 502, "nobody takes its orders"
        assert http.get("/other").status_code == 404
