"""What a file shows itself to be, however it comes in, and what it may be called."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.attachments.model import Content, Media, Reading, named

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 8
FILES: list[tuple[bytes, Media | None]] = [
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "pdf"),
    (PNG, "png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "jpeg"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
    ("sku;Stück\r\nABC;1\r\n".encode(), "text"),
    (b"\xef\xbb\xbfsku\n", "text"),
    (b"<html><script>alert(1)</script></html>", "text"),
    ("Stück".encode("cp1252"), None),
    ("Stück".encode("utf-16"), None),
    ("ends in the middle ü".encode()[:-1], None),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", None),
    (b"GIF89a\x01\x00\x01\x00", None),
    (b"MZ\x90\x00", None),
    (b"a\x00b", None),
    (b"", None),
]


def read(*pieces: bytes) -> Content:
    reading = Reading()
    for piece in pieces:
        reading.take(piece)
    return reading.content()


@pytest.mark.parametrize(("file", "media"), FILES)
def test_what_a_file_is_shows_by_its_content(file: bytes, media: Media | None) -> None:
    assert read(file) == Content(hashlib.sha256(file).hexdigest(), len(file), media)


@given(
    st.sampled_from([file for file, _ in FILES])
    | st.binary(max_size=40)
    | st.text().map(str.encode),
    st.lists(st.integers(0, 40), max_size=5).map(sorted),
)
def test_it_is_the_same_in_whatever_pieces_it_comes(file: bytes, cuts: list[int]) -> None:
    edges = [0, *cuts, max(len(file), 40)]
    assert read(*(file[a:b] for a, b in pairwise(edges))) == read(file)


@pytest.mark.parametrize(
    ("said", "media", "name"),
    [
        ("Lieferschein 7.PDF", "pdf", "Lieferschein 7.PDF"),
        ("photo.jpeg", "jpeg", "photo.jpeg"),
        ("page.html", "text", "page.html.txt"),
        ("../../etc/passwd", "text", "passwd.txt"),
        ("C:\\Users\\anna\\note.csv", "text", "note.csv"),
        ("a\r\nSet-Cookie: b", "png", "a__Set-Cookie: b.png"),
        ("..", "png", "0123456789ab.png"),
        ("", "webp", "0123456789ab.webp"),
    ],
)
def test_a_name_fits_what_the_file_is(said: str, media: Media, name: str) -> None:
    assert named(said, Content("0123456789abcdef", 1, media), media) == name
