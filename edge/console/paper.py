"""A record on A4, to be signed: a calibration's certificate, a walk test's acceptance record.

Drawn by reportlab in a process of its own (``python -m edge.console.paper``, a record in, a PDF
out): the agent stays as small as it was, and a fault in drawing stops nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import msgspec

from gateway.console import Troubled

_PATIENCE_S = 60.0


async def pdf_of(record: Mapping[str, Any]) -> bytes:
    """The record as a PDF. Raises ``Troubled`` where it cannot be drawn on this machine."""
    drawing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge.console.paper",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_PATIENCE_S):
            pdf, said = await drawing.communicate(msgspec.json.encode(record))
    except BaseException as error:
        drawing.kill()
        await drawing.wait()
        if isinstance(error, TimeoutError):
            raise Troubled("slow", "The PDF was not drawn within a minute.", "Try again.") from None
        raise
    if drawing.returncode != 0:
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise Troubled(
            "no-pdf",
            f"The PDF could not be drawn: {''.join(last) or 'the drawing ended'}.",
            "The record itself is kept: download it as JSON. Is reportlab installed here?",
        )
    return pdf


def main() -> None:
    """Draw what comes in."""
    from edge.console import paper_pages  # noqa: PLC0415 - only here, in a process of its own

    record = msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, Any])
    out = BytesIO()
    paper_pages.draw(record, out)
    sys.stdout.buffer.write(out.getvalue())


if __name__ == "__main__":
    main()
