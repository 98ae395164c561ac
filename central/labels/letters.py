"""The letters that labels are written with: how wide words are, and which signs there are.

The same two faces are drawn into PDF, and into ZPL where a printer's own may lack a sign; a
printer's own condensed letters are narrower, so what is measured here fits there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from central.labels.model import LabelRefused

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

__all__ = ["OWN", "Faces", "cut", "face", "picture_face", "wide", "wrapped"]

_FOLDER = Path(__file__).parent / "fonts"
_ELLIPSIS = "…"


class Faces(NamedTuple):
    """TrueType files: plain letters, and bold ones."""

    plain: Path = _FOLDER / "DejaVuSansCondensed.ttf"
    bold: Path = _FOLDER / "DejaVuSansCondensed-Bold.ttf"

    def of(self, bold: bool) -> Path:
        """The one of the two."""
        return self.bold if bold else self.plain


OWN = Faces()
"""DejaVu Sans Condensed: Latin, Greek, Cyrillic and more, see fonts/README.md."""


@cache
def face(path: Path) -> Any:  # noqa: ANN401 - reportlab is untyped
    """The face as reportlab draws it. Raises ``LabelRefused`` where the file is no TrueType."""
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415 - slow, only where labels are made
    from reportlab.pdfbase.ttfonts import TTFError, TTFont  # noqa: PLC0415

    try:
        found = TTFont(f"label-{path.stem}", str(path))
    except (TTFError, OSError) as error:
        raise LabelRefused(f"{path} is no TrueType font that can be used: {error}") from error
    pdfmetrics.registerFont(found)
    return found


@cache
def picture_face(path: Path, size: int) -> FreeTypeFont:
    """The face as Pillow draws it, ``size`` dots an em."""
    from PIL import ImageFont  # noqa: PLC0415 - as above

    return ImageFont.truetype(str(path), size)


def wide(text: str, path: Path) -> float:
    """How wide words are, in ems. Raises ``LabelRefused`` for a sign that the face lacks."""
    made = face(path)
    if lacking := sorted({sign for sign in text if ord(sign) not in made.face.charToGlyph}):
        raise LabelRefused(
            f"the letters have no {' '.join(map(repr, lacking))} of {text!r}: name a TrueType "
            "font that has it ([labels] font and font_bold)"
        )
    return float(made.stringWidth(text, 1))


def wrapped(text: str, path: Path, most_em: float, lines: int) -> list[str] | None:
    """The words in at most so many lines, none wider than ``most_em``; ``None`` where they do not
    fit. Line ends of the text are kept.
    """
    found: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if wide(longer, path) <= most_em:
                line = longer
                continue
            if not line:
                return None
            found.append(line)
            line = word
            if wide(word, path) > most_em:
                return None
        found.append(line)
    return found if len(found) <= lines else None


def cut(text: str, path: Path, most_em: float, lines: int) -> list[str]:
    """As many of the words as fit, the last line ending in an ellipsis where some do not."""
    found: list[str] = []
    left = [paragraph.split() for paragraph in text.split("\n")]
    while left and len(found) < lines:
        words = left[0]
        line = words.pop(0) if words else ""
        while words and wide(f"{line} {words[0]}", path) <= most_em:
            line = f"{line} {words.pop(0)}"
        more = bool(words) or len(left) > 1
        if not words:
            left.pop(0)
        last = len(found) == lines - 1
        if wide(line, path) > most_em or (last and more):
            line = _shortened(line, path, most_em)
        found.append(line)
    return found


def _shortened(line: str, path: Path, most_em: float) -> str:
    while line and wide(line + _ELLIPSIS, path) > most_em:
        line = line[:-1]
    return line.rstrip() + _ELLIPSIS
