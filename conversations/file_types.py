"""Finds out what kind of file some bytes are by looking at them, and makes its name harmless."""

from __future__ import annotations

import re
import unicodedata
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_OFFICE = "application/vnd.openxmlformats-officedocument."
#: What bytes begin with, from the formats' own specifications.
_SIGNATURES = [
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb".{4}ftyp(avif|avis)", re.DOTALL), "image/avif"),
    (re.compile(rb".{4}ftyp(heic|heix|mif1)", re.DOTALL), "image/heic"),
    (re.compile(rb"II\*\x00|MM\x00\*"), "image/tiff"),
    (re.compile(rb"BM.{8}\x00\x00", re.DOTALL), "image/bmp"),
    (re.compile(rb"%PDF-"), "application/pdf"),
    (re.compile(rb"RIFF.{4}WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"ID3|\xff[\xf2\xf3\xfb]"), "audio/mpeg"),
    (re.compile(rb".{4}ftypM4A", re.DOTALL), "audio/mp4"),
    (re.compile(rb"OggS"), "audio/ogg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb".{4}ftyp", re.DOTALL), "video/mp4"),
    (re.compile(rb"\x1aE\xdf\xa3"), "video/webm"),
    (re.compile(rb"\x1f\x8b\x08"), "application/gzip"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "application/x-7z-compressed"),
]
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OPEN_DOCUMENT = re.compile(
    rb"PK\x03\x04.{26}mimetype(application/vnd\.oasis\.opendocument\.[a-z-]+|application/epub\+zip)",
    re.DOTALL,
)
#: A part that only this kind of Office document has, and the type of one without macros.
_OFFICE_PARTS = [
    (b"word/document.xml", f"{_OFFICE}wordprocessingml.document"),
    (b"xl/workbook.xml", f"{_OFFICE}spreadsheetml.sheet"),
    (b"ppt/presentation.xml", f"{_OFFICE}presentationml.presentation"),
]
_TEXTS = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
}
# Control characters that texts have no use for: tab, line ends, form feed and escape stay.
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
LONGEST_NAME = 120
#: Pictures that every browser and model shows.
SHOWN_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
#: Types that a browser is told; anything else is a plain text or a heap of bytes to it.
_SERVED = (*SHOWN_IMAGES, "application/pdf", "application/zip")


def type_of(content: bytes, name: str) -> str:
    """Return the media type of a file, "" where nothing is known of it.

    Bytes alone decide between kinds. Whatever is a text, HTML and SVG too, is a plain one; the name
    only tells JSON, CSV and Markdown apart from others.
    """
    for signature, found in _SIGNATURES:
        if signature.match(content):
            return found
    if content.startswith(_ZIP):
        return _type_of_zip(content)
    if text_of(content) is None:
        return ""
    return _TEXTS.get(PurePosixPath(name).suffix.lower(), "text/plain")


def _type_of_zip(content: bytes) -> str:
    if found := _OPEN_DOCUMENT.match(content):
        return found[1].decode()
    if b"[Content_Types].xml" not in content:
        return "application/zip"
    # A document with macros is a type of its own, which a site has to name to let it in.
    if b"vbaProject.bin" in content:
        return "application/vnd.ms-office.macro-enabled"
    return next((kind for part, kind in _OFFICE_PARTS if part in content), "application/zip")


def text_of(content: bytes) -> str | None:
    """Return what a text says, in UTF-8 or as Chinese systems write it; None where it is none."""
    if _BINARY.search(content):
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def is_allowed(kind: str, patterns: list[str]) -> bool:
    """Tell whether a media type is one of those that may be sent; `*` stands for any end."""
    return bool(kind) and any(fnmatchcase(kind, pattern) for pattern in patterns)


def is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind == "application/json"


def served_type(kind: str) -> str:
    """Return as what a file is handed out: nothing that a browser would run."""
    if kind in _SERVED or kind.startswith(_OFFICE):
        return kind
    return "text/plain" if is_text(kind) else "application/octet-stream"


def clean_name(name: str) -> str:
    """Return a file's name without path, invisible characters and those that turn text around."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    # Control and format characters (bidi overrides are of these), surrogates, line separators.
    kept = "".join(each for each in last if unicodedata.category(each)[0] != "C")
    kept = " ".join(re.sub(r'[<>:"|?*]', "_", kept).split()).strip(" .")
    if len(kept) > LONGEST_NAME:
        suffix = PurePosixPath(kept).suffix[:12]
        kept = kept[: LONGEST_NAME - len(suffix)].rstrip(" .") + suffix
    return kept or "file"


def ascii_name(name: str) -> str:
    """Return a name for an address: short, and of characters that need no escaping."""
    path = PurePosixPath(name)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-")[:40]
    suffix = re.sub(r"[^A-Za-z0-9]+", "", path.suffix)[:8]
    return f"{stem or 'file'}.{suffix}" if suffix else stem or "file"
