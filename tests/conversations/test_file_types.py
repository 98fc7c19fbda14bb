"""Files are what their bytes say, whatever they are called, and their names are harmless."""

from __future__ import annotations

import io
import unicodedata
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.file_types import (
    LONGEST_NAME,
    ascii_name,
    clean_name,
    is_allowed,
    served_type,
    text_of,
    type_of,
)

OFFICE = "application/vnd.openxmlformats-officedocument."


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n....", "a.txt", "image/png"),
        (b"\xff\xd8\xff\xe0....", "a.png", "image/jpeg"),
        (b"GIF89a....", "a", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "a", "image/webp"),
        (b"%PDF-1.7\n", "a.html", "application/pdf"),
        (zipped("a.txt"), "a.docx", "application/zip"),
        (
            zipped("[Content_Types].xml", "word/document.xml"),
            "a",
            f"{OFFICE}wordprocessingml.document",
        ),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "a", f"{OFFICE}spreadsheetml.sheet"),
        (
            zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
            "a.docx",
            "application/vnd.ms-office.macro-enabled",
        ),
        ("Plain, 中文".encode(), "a.png", "text/plain"),
        ("中文".encode("gb18030"), "a.csv", "text/csv"),
        (b'{"a": 1}', "a.JSON", "application/json"),
        (b"<!doctype html><script>alert(1)</script>", "a.html", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.svg", "text/plain"),
        (b"MZ\x90\x00\x03", "a.txt", ""),
        (b"\x7fELF\x02\x01", "a.txt", ""),
        (b"text with a zero \x00", "a.txt", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", ""),
    ],
)
def test_the_type_is_found_in_the_bytes(content: bytes, name: str, expected: str) -> None:
    assert type_of(content, name) == expected


def test_a_picture_that_is_a_page_too_is_handed_out_as_a_picture() -> None:
    content = b"GIF89a/*<script>alert(1)</script>*/=1;"

    assert served_type(type_of(content, "a.html")) == "image/gif"


@given(st.binary(), st.text())
def test_nothing_is_ever_handed_out_as_something_that_runs(content: bytes, name: str) -> None:
    kind = served_type(type_of(content, name))

    assert kind.split("/")[0] in ("image", "application", "text")
    assert not any(word in kind for word in ("html", "svg", "script", "xml+", "+xml"))


def test_only_what_the_site_allows_may_be_sent() -> None:
    patterns = ["image/*", "application/pdf", f"{OFFICE}*"]

    allowed = ["image/png", "application/pdf", f"{OFFICE}spreadsheetml.sheet"]
    others = ["", "text/plain", "application/zip", "application/pdf2", "video/mp4"]
    assert [is_allowed(kind, patterns) for kind in allowed + others] == [True] * 3 + [False] * 5


def test_a_text_is_read_without_its_mark_and_in_a_chinese_encoding() -> None:
    assert text_of(b"\xef\xbb\xbfa") == "a"
    assert text_of("你好，世界".encode("gb18030")) == "你好，世界"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\报告.pdf", "报告.pdf"),
        ("gpj\u202efdp.exe", "gpjfdp.exe"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
        ("  .hidden  ", "hidden"),
        ("\x00\u200b", "file"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * (LONGEST_NAME - 4) + ".pdf"),
    ],
)
def test_a_name_loses_its_path_and_what_cannot_be_seen(name: str, expected: str) -> None:
    assert clean_name(name) == expected


@given(st.text())
def test_any_name_becomes_one_that_can_be_kept_and_put_into_an_address(name: str) -> None:
    cleaned = clean_name(name)

    assert 0 < len(cleaned) <= LONGEST_NAME
    assert not any(unicodedata.category(each)[0] == "C" or each in '/\\<>"' for each in cleaned)
    assert clean_name(cleaned) == cleaned
    assert ascii_name(cleaned).isascii()
    assert "/" not in ascii_name(cleaned)
