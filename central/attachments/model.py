"""What an attachment is, and what a file shows itself to be by its first bytes. Pure.

Signatures: PDF (ISO 32000-2, 7.5.2), PNG (ISO/IEC 15948, 5.2), JPEG (ISO/IEC 10918-1, B.1.1),
WebP (RFC 9649). Text is UTF-8 without control characters; CSV is text.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

import msgspec

__all__ = [
    "MEDIA_TYPES", "Attachment", "AttachmentRefused", "Content", "Kind", "Media",
    "NoSuchAttachment", "NotThere", "Reading", "TooLarge", "TooMany", "WrongType", "named",
]  # fmt: skip

Kind = Literal["items", "orders", "inbound-orders", "movements", "reviews"]
Media = Literal["pdf", "png", "jpeg", "webp", "text"]
MEDIA_TYPES: dict[Media, str] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "text": "text/plain; charset=utf-8",
}
_SUFFIXES: dict[Media, tuple[str, ...]] = {
    "pdf": (".pdf",), "png": (".png",), "jpeg": (".jpg", ".jpeg"), "webp": (".webp",),
    "text": (".txt", ".csv"),
}  # fmt: skip
_HEAD = 12
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


class AttachmentRefused(Exception):
    """A file is not taken; the text is a sentence for people, ``status`` fits HTTP."""

    status = 422


class TooLarge(AttachmentRefused):
    """It has more bytes than the settings allow."""

    status = 413


class WrongType(AttachmentRefused):
    """It is of no type that the settings allow."""

    status = 415


class TooMany(AttachmentRefused):
    """Whatever it belongs to has as many as the settings allow."""

    status = 409


class NoSuchAttachment(AttachmentRefused):
    """Nothing of this hash is attached there."""

    status = 404


class NotThere(AttachmentRefused):
    """It is attached, and its file is away or is not what it was."""

    status = 410


class Content(NamedTuple):
    """A file as it was received: its hash (hexadecimal), its size, and what it is."""

    sha256: str
    bytes: int
    media: Media | None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file and what it belongs to: ``subject`` is the SKU, or the id, of that."""

    kind: Kind
    subject: str
    sha256: str
    name: str
    media: Media
    bytes: int
    added_us: int
    added_by: str


class Reading:
    """What a file is, told piece by piece and never held as a whole."""

    def __init__(self) -> None:
        self._head = b""
        self._size = 0
        self._hash = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._is_text = True

    def take(self, piece: bytes) -> int:
        """The next bytes; how many there were so far."""
        self._head += piece[: _HEAD - len(self._head)]
        self._size += len(piece)
        self._hash.update(piece)
        self._is_text = self._is_text and self._reads(piece)
        return self._size

    def content(self) -> Content:
        """All of it, at its end."""
        return Content(self._hash.hexdigest(), self._size, self._media())

    def _media(self) -> Media | None:
        head = self._head
        if head.startswith(b"%PDF-"):
            return "pdf"
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return "png"
        if head.startswith(b"\xff\xd8\xff"):
            return "jpeg"
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return "webp"
        return "text" if self._size and self._is_text and self._reads(b"", end=True) else None

    def _reads(self, piece: bytes, *, end: bool = False) -> bool:
        if _CONTROL.search(piece):
            return False
        try:
            self._decoder.decode(piece, end)
        except UnicodeDecodeError:
            return False
        return True


def named(said: str, content: Content, media: Media) -> str:
    """A name that a file may be kept under: the last part of what a client said, with a suffix of
    what it is, so that no text calls itself a page or a program.
    """
    last = PurePosixPath(said.replace("\\", "/")).name
    plain = "".join(sign if sign.isprintable() else "_" for sign in last).strip(". ")
    suffixes = _SUFFIXES[media]
    if not plain:
        return content.sha256[:12] + suffixes[0]
    return plain if plain.lower().endswith(suffixes) else plain + suffixes[0]
