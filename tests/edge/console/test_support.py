"""Health, logs and the diagnostics bundle of a running edge, and that no secret is in it."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.console.support.bundle import CUT, MOST_BYTES, Facts, bundle, secrets_of
from edge.console.support.clock_state import clock_state
from gateway.certificate_dates import good_until
from gateway.certificates import Authority
from gateway.console import Ask, new_id
from screens.console.bundle import asked
from tests.edge.console.bench import Site, ask, site
from tests.edge.waiting import until

CANARIES = ("CANARY-broker-password", "CANARY-page-pin", "CANARY-bridge-password")


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Site]:
    bridge = {
        "name": "bridged", "driver": "toledo-8217", "read_point": "b", "plate": 9,
        "mqtt": {
            "host": "127.0.0.1", "port": 9, "heard": "scale/1",
            "username": "u", "password": CANARIES[2],
        },
    }  # fmt: skip
    mqtt = {"port": 9, "username": "edge", "password": CANARIES[0], "retry_base_s": 0.05}
    async with site(
        tmp_path, devices=[bridge], mqtt=mqtt, page={"port": 0, "pin": CANARIES[1]}
    ) as ready:
        yield ready


async def download(made: Site) -> bytes:
    """As the page does it: made once, fetched in parts."""
    first, trouble = await asked(made.desk, "diagnostics")
    assert trouble is None
    data = b""
    while len(data) < first["bytes"]:
        part, trouble = await asked(
            made.desk, "diagnostics.part", {"name": first["name"], "offset": len(data)}
        )
        assert trouble is None
        import base64

        data += base64.b64decode(part["data"])
    return data


def files_of(data: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {
            one.name.partition("/")[2]: (archive.extractfile(one) or io.BytesIO()).read().decode()
            for one in archive.getmembers()
        }


async def test_no_planted_secret_is_in_the_bundle(made: Site) -> None:
    for canary in CANARIES:  # a line that should not have quoted one
        made.logs.take({"event": "quoted", "level": "error", "why": f"user x with {canary}"})
    await made.scanner.send(b"\xff\xfe\x00" * 40 + b"\r\n")
    gun = made.agent.fleet.supervisors["gun"]
    await until(lambda: bool(gun.flaws), "bytes that make no sense")
    data = await download(made)
    found = files_of(data)
    for name, text in found.items():
        for canary in CANARIES:
            assert canary not in text, name
    assert CUT in found["settings.toml"]
    assert "quoted" in found["log.jsonl"]
    (flaw,) = [one for one in json.loads(found["unread.json"]) if one["device"] == "gun"][:1]
    assert "ff" in flaw["hex"]
    assert {"dock", "plate", "gun", "bridged"} == {
        one["name"] for one in json.loads(found["devices.json"])
    }
    assert json.loads(found["versions.json"])["packages"]["msgspec"]
    assert json.loads(found["now.json"])["edge"] == "pi"
    assert json.loads(found["journal.json"])["limit_bytes"] > 0


async def test_a_full_log_stays_within_its_size(made: Site) -> None:
    for number in range(3_000):
        text = "".join(f"{number * one:x}" for one in range(90))
        made.logs.take({"event": f"line {number}", "level": "info", "device": "dock", "why": text})
    data = await download(made)
    assert len(data) < MOST_BYTES
    lines = files_of(data)["log.jsonl"].splitlines()
    assert len(lines) == 2_000
    assert json.loads(lines[-1])["event"] == "line 2999"


async def test_health_says_what_to_do_first(made: Site) -> None:
    bridged = made.agent.fleet.supervisors["bridged"]
    await until(lambda: bridged.health.state == "retrying")
    told = await ask(made.desk, "health")
    assert told.result is not None
    found = {one["what"]: one for one in told.result["findings"]}
    assert found["bridged"]["level"] == "warn"
    assert found["bridged"]["action"] == "retry"
    assert found["bridged"]["hint"]
    assert found["Central"]["level"] == "warn"
    assert found["Journal"]["level"] == "good"
    levels = [one["level"] for one in told.result["findings"]]
    assert levels == sorted(levels, key=("bad", "warn", "good").index)


async def test_log_lines_come_as_they_are_written_and_can_be_chosen(made: Site) -> None:
    asked_for = Ask(id=new_id(), op="logs", arguments={"level": "warning", "device": "dock"})
    made.desk.start(asked_for)
    made.logs.take({"event": "not_this", "level": "info", "device": "dock"})
    made.logs.take({"event": "nor_this", "level": "error", "device": "plate"})
    made.logs.take({"event": "this", "level": "error", "device": "dock", "cause": "it fell"})
    async with asyncio.timeout(30):
        async for told in made.desk.follow(asked_for.id):
            if told.progress and told.progress["lines"]:
                break
    assert told.progress is not None
    (line,) = told.progress["lines"]
    assert (line["event"], line["level"], line["fields"]) == ("this", "error", {"cause": "it fell"})


async def test_diagnose_asks_the_running_agent_with_the_pin(made: Site, tmp_path: Path) -> None:
    out = tmp_path / "bundle.tar.gz"
    port = made.url.rsplit(":", 1)[1].strip("/")
    text = made.path.read_text()
    own = tmp_path / "own.toml"
    own.write_text(text.replace("port = 0", f"port = {port}"))
    result = await asyncio.to_thread(
        CliRunner().invoke, app, ["diagnose", "-c", str(own), "-o", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "by the running agent" in result.output
    assert out.stat().st_mode & 0o777 == 0o600
    assert "agent" in files_of(out.read_bytes())["README.txt"]


def test_diagnose_works_without_an_agent(tmp_path: Path) -> None:
    file, out = tmp_path / "edge.toml", tmp_path / "b.tar.gz"
    file.write_text(
        '[edge]\nname = "pi"\nsite = "s"\ndata_dir = "data"\n[page]\nport = 9\n'
        f'[mqtt]\npassword = "{CANARIES[0]}"\n'
    )
    result = CliRunner().invoke(app, ["diagnose", "-c", str(file), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert "without the agent" in result.output
    found = files_of(out.read_bytes())
    assert "mqtt" in found["settings.toml"]
    assert not any(CANARIES[0] in text for text in found.values())


def test_every_secret_of_the_settings_is_known() -> None:
    text = """
        top_secret = "one-secret"
        [mqtt]
        password = "two-secret"
        [[devices]]
        token = ["three-secret"]
        url = "http://user:four-secret@host/"
        [devices.deep]
        api_secret = {a = "five-secret"}
        plain = "not-hidden"
    """
    assert set(secrets_of(text)) == {f"{n}-secret" for n in ("one", "two", "three", "four", "five")}


def test_certificates_are_told_with_their_end(tmp_path: Path) -> None:
    issued = Authority.create(tmp_path / "ca", "test").client("shop.pi", days=30)
    issued.write(tmp_path, "pi")
    end = good_until((tmp_path / "pi.pem").read_text())
    assert timedelta(days=29) < end - datetime.now(UTC) <= timedelta(days=30)
    authority = good_until((tmp_path / "ca" / "ca.pem").read_text())
    assert authority > end
    for text in ("", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"):
        with pytest.raises(ValueError, match="certificate"):
            good_until(text)


def test_the_kernel_tells_of_the_clock() -> None:
    state = clock_state()
    assert state.synchronised in {True, False, None}
    assert state.error_us >= 0


def test_a_settings_text_that_is_no_toml_is_left_out() -> None:
    from edge.config import check

    config = check({"edge": {"name": "pi", "site": "s"}, "mqtt": {}})
    found: dict[str, Any] = files_of(bundle(config, 'password = "CANARY', Facts()))
    assert "CANARY" not in found["settings.toml"]
