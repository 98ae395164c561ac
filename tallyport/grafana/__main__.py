"""Write every dashboard as JSON, the same bytes each time.

Needs ``grafana-foundation-sdk`` (the extra ``dev``), which knows Grafana's dashboards and panels.
"""

from __future__ import annotations

import json
from pathlib import Path

import typer
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tallyport.grafana.boards import BOARDS

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboards"


def written() -> dict[str, str]:
    """Each file's name and what stands in it."""
    return {
        f"{name}.json": json.dumps(made().build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, made in BOARDS.items()
    }


def main(folder: Path = FOLDER) -> None:
    """Write the files, and say which."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written().items():
        (folder / name).write_text(text, encoding="utf-8")
        typer.echo(folder / name)


if __name__ == "__main__":
    typer.run(main)
