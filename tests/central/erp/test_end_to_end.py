"""From the ERP's order to the receipt in the ERP: a real central that is killed, and an ERP that is
away, slow, busy and loses answers, over a webhook and over files.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.erp.emulator import Answer, EmulatedErp
from tests.central.erp.desks import EXAMPLES, GTIN
from tests.central.erp.test_inbox import ORDER

PATIENCE_S = 90.0
SECRET = tomllib.loads((EXAMPLES / "ours.toml").read_text())["erp"]["connections"]["main"][
    "secrets"
][0]


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait for a condition of another process."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Central:
    """A central of its own, which can be killed and started again."""

    def __init__(self, folder: Path, erp_url: str) -> None:
        self.folder = folder
        told = (EXAMPLES / "ours.toml").read_text()
        told = told.replace("http://127.0.0.1:8200", erp_url).replace("erp/main", str(folder / "a"))
        other = told.replace("connections.main", "connections.files").replace(
            str(folder / "a"), str(folder / "b")
        )
        other = other.replace(f'url = "{erp_url}/receipts"', "attempts = 15")
        self.config = folder / "central.toml"
        self.config.write_text(
            f'[central]\ndata_dir = "{folder / "data"}"\n[http]\nport = 0\n[mqtt]\nport = 0\n'
            '[events]\nwebhook_networks = ["127.0.0.0/8"]\nwebhook_timeout_s = 0.5\n'
            "[erp]\nlook_every_s = 0.1\n"
            + told
            + other.replace("folder = ", "settle_s = 0\nfolder = ")
        )

    @contextmanager
    def running(self) -> Iterator[Central]:
        """Killed at the end, without a word."""
        ready = self.folder / "data" / "central.ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "tallyport", "central", "run", "-c", str(self.config)]
        with (self.folder / "central.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                until(
                    "central starts",
                    lambda: ready.exists() or self._ended(process),
                )
                port = json.loads(ready.read_text())["http_port"]
                self.http = httpx.Client(
                    base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S, trust_env=False
                )
                with self.http:
                    yield self
            finally:
                process.kill()
                process.wait()

    def _ended(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, (self.folder / "central.log").read_text()
        return False

    def post(self, path: str, **body: object) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def states(self, connection: str, direction: str) -> list[str]:
        found = self.get(f"/erp/messages?connection={connection}&direction={direction}")
        return [one["state"] for one in found["rows"]]

    @property
    def signed_way_in(self) -> str:
        return f"{self.http.base_url}/hooks/erp/main/purchase-orders"


def at_work(erp: EmulatedErp) -> threading.Thread:
    thread = threading.Thread(target=erp.serve)
    thread.start()
    return thread


def sums(receipts: Any) -> Counter[str]:
    """What the ERP has of each line, who counts a message once."""
    found: Counter[str] = Counter()
    for one in receipts:
        for line in one.get("lines", ()):
            found[f"{one['order']}/{line['line']}"] += line["quantity"]
    return found


def laid(folder: Path) -> list[Any]:
    outbox = folder / "b" / "outbox"
    return [json.loads(one.read_text()) for one in sorted(outbox.glob("*.json"))]


@pytest.fixture
def erp() -> Iterator[EmulatedErp]:
    made = EmulatedErp(SECRET, "nowhere")
    thread = at_work(made)
    yield made
    made.close()
    thread.join()


def test_each_receipt_reaches_the_erp_once_in_effect(tmp_path: Path, erp: EmulatedErp) -> None:
    central = Central(tmp_path, erp.url)
    lines = [{"line": "10", "sku": "OAT", "quantity": 5, "unit": "CS"}]
    with central.running():
        central.post("/warehouses", code="WH-01", name="Hamburg")
        central.post("/items", sku="OAT", name="Oats", gtins=[{"gtin": GTIN, "quantity": 6}])
        order = {"orders": [ORDER | {"lines": lines}]}
        erp.central = central.signed_way_in
        assert erp.send(json.dumps(order).encode(), "m-1")[0] == 202
        assert erp.send(json.dumps(order).encode(), "m-1")[0] in {200, 202}
        inbox = tmp_path / "b" / "inbox"
        until("the inbox is made", inbox.exists)
        (inbox / "po.json.part").write_text(json.dumps(order))
        (inbox / "po.json.part").rename(inbox / "po.json")
        for name in ("main", "files"):
            until("applied", lambda n=name: central.states(n, "in") == ["applied"])  # type: ignore[misc]
            central.post("/api/receiving", id=f"session-{name}", order=f"{name}-PO-7890")
            scan(central, name, 1)
        until("the first receipt", lambda: len(erp.taken) == 1 and len(laid(tmp_path)) == 1)
        erp.answers = [Answer(lost=True)]
        for name in ("main", "files"):
            scan(central, name, 2)
        until("the answer is lost", lambda: erp.asked >= 2)
    taken, asked = dict(erp.taken), erp.asked
    with central.running():
        until("told again after the kill", lambda: erp.asked > asked)
        erp.close()
        for name in ("main", "files"):
            scan(central, name, 3)
            scan(central, name, 3)
            central.post(f"/api/receiving/session-{name}/close")
            central.post(f"/api/orders/inbound/{name}-PO-7890/close", reason="short_shipped")
        back = EmulatedErp(SECRET, "nowhere", port=int(erp.url.rpartition(":")[2]))
        back.taken, back.answers = taken, [
            Answer(delay_s=0.8), Answer(status=429, headers={"retry-after": "1"}),
        ]  # fmt: skip
        thread = at_work(back)
        try:
            until("all is told", lambda: central.states("main", "out") == ["applied"] * 4)
            until("all is laid", lambda: central.states("files", "out") == ["applied"] * 4)
        finally:
            back.close()
            thread.join()
        expected: Any = central.get("/api/orders/inbound/main-PO-7890")["lines"][0]["received"]
    assert expected == 18
    assert sums(back.taken.values()) == {"PO-7890/10": expected}
    assert sums(laid(tmp_path)) == {"PO-7890/10": expected}
    assert back.unsigned == erp.unsigned == 0
    (closed,) = [one for one in back.taken.values() if "differences" in one]
    assert [(one["kind"], one["quantity"]) for one in closed["differences"]] == [("short", 12)]
    assert list(back.taken.values())[-1] is closed, "the end comes last"


def scan(central: Central, name: str, number: int) -> None:
    """Somebody scans a case of six."""
    central.http.post(
        f"/api/receiving/session-{name}/receipts",
        json={"id": f"scan-{name}-{number}", "code": f"01{GTIN}"},
    ).raise_for_status()
