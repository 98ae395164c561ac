"""The requests of docs/alerts.md, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from central.alerts.watch import Watch
from tests.central.harness import bench

PAGE = Path(__file__).parents[3] / "docs" / "alerts.md"
_REQUEST = re.compile(
    r"^    (GET|POST|PUT|DELETE) +(\S+)(?: +(\{(?:.|\n {5,})*?\})$)?", re.MULTILINE
)


def requests() -> list[tuple[str, str, dict[str, object] | None]]:
    """Method, path and body, in their order."""
    return [
        (method, path, msgspec.json.decode(body) if body else None)
        for method, path, body in _REQUEST.findall(PAGE.read_text(encoding="utf-8"))
    ]


async def test_every_request_of_the_page_is_answered(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.post("/locations", code="shop", name="Shop")
        await made.post("/items", sku="OAT-500", name="Oats", category="food")
        told = requests()
        assert {method for method, _path, body in told if body} == {"POST"}
        for method, path_, body in told:
            path = path_
            if path.startswith("/alerts/17"):
                watch = Watch(made.database, made.tide)
                while await watch.step():
                    pass
                (alert, *_) = (await made.get("/alerts"))["rows"]  # type: ignore[misc]
                path = path.replace("17", str(alert["no"]))
            answer = await made.http.request(method, path, json=body)
            assert answer.is_success, (method, path, answer.text)
