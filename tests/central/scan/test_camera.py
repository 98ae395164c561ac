"""The camera as a scanner: what lies before Chromium's camera here is a picture of a real symbol,
and the vendored decoder reads it, also without a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.central.harness import bench, served
from tests.central.scan.floor import MILK, furnish
from tests.central.scan.phone import NEEDS_BROWSER, phone

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")
pytestmark = NEEDS_BROWSER
FRAMES = 30


def filmed(path: Path, elements: str) -> list[str]:
    """A film of a GS1 DataMatrix, and the flags that let Chromium's camera see it."""
    made = zxingcpp.create_barcode(elements, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)
    symbol = Image.fromarray(made.to_image(scale=10))
    frame = Image.new("RGB", (1280, 720), "#888")
    frame.paste(symbol, ((1280 - symbol.width) // 2, (720 - symbol.height) // 2))
    frame.save(path.with_suffix(".jpg"), quality=92)
    path.write_bytes(path.with_suffix(".jpg").read_bytes() * FRAMES)
    return [
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    ]  # fmt: skip


async def test_a_symbol_is_read_by_the_camera_without_a_network(tmp_path: Path) -> None:
    flags = filmed(tmp_path / "milk.mjpeg", f"(01){MILK}(17)261224(10)L9")
    async with bench(tmp_path) as made, served(made) as url:
        await furnish(made)
        async with phone(url, *flags) as one:
            await one.ready()
            assert not await one.page.evaluate("'BarcodeDetector' in window")
            await one.page.click("#keep-decoder")
            await one.page.wait_for_selector("text=ready")
            await one.page.context.set_offline(True)
            await one.go("order/po-12345")
            await one.page.click("#open-camera")
            await one.told("Taken: 1 x Milk", "good")
            await one.page.click("#open-camera")
            await one.page.wait_for_selector("#camera", state="hidden")
            await one.page.context.set_offline(False)
            await one.sent()
            assert one.complaints == []
        lot: Any = await made.get("/lots/MILK/L9")
        assert lot["expires_on"] == "2026-12-24"


async def test_the_page_itself_may_not_compile_webassembly(tmp_path: Path) -> None:
    """Only the decoder's worker may: its policy comes with its own file."""
    async with bench(tmp_path) as made:
        page = await made.http.get("/scan")
        worker = await made.http.get("/scan/decoder.js")
        assert "wasm" not in page.headers["content-security-policy"]
        assert "'wasm-unsafe-eval'" in worker.headers["content-security-policy"]
        assert "unsafe-inline" not in worker.headers["content-security-policy"]
