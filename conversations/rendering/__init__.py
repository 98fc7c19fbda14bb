"""Message text to safe HTML: the one renderer behind the `html` of every message frame."""

import re
from html import escape

from conversations.rendering.keeping import Kept
from conversations.rendering.markdown import markdown
from conversations.rendering.sanitizing import ALLOWED_TAGS, sanitize

__all__ = ["ALLOWED_TAGS", "clean_text", "is_plain", "plain_to_html", "sanitize", "to_html"]

# What WeChat takes apart at most, of whose texts far less is shown.
MARKDOWN_MAX_CHARS = 40_000
# Longer texts are shown as plain text; twice the longest reply of a site that sets no other.
TEXT_MAX_CHARS = 400_000

# Longer texts are not remembered in WeChat's words, 256 of them at most.
CACHE_MAX_CHARS = 10_000
# Bytes of HTML that a process remembers: some pages of long history.
KEPT_BYTES = 16 * 1024 * 1024

# What Markdown, HTML escaping or `clean_text` could change: anywhere, or in front of a line.
SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$\x00-\x09\x0b-\x1f\x7f-\xa0]")
SPECIAL_START = re.compile(r"[#+=:-]|\d{1,9}[.)]")
SPECIAL_NEXT_LINE = re.compile(r"\n(?:[\s#+=:-]|\d{1,9}[.)]|$)")
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def to_html(text: str) -> str:
    """Return `text`, Markdown from an agent, as HTML that is safe to put into the page.

    Single line breaks are kept, raw HTML is shown as text, images survive only from `/media/`,
    code of a known language is colored by classes, formulas keep their source.
    Cost: 2 µs for 100 characters without Markdown, 6 µs for 500; else about 5 µs a character, and
    some seconds for the worst 400,000 known; what was rendered lately comes from a cache.
    """
    if is_plain(text):
        return f"<p>{text.replace(chr(10), '<br>' + chr(10))}</p>\n"
    if len(text) > TEXT_MAX_CHARS:
        return plain_to_html(text)
    return _kept.of(text)


def plain_to_html(text: str) -> str:
    """Return `text` escaped, with its line breaks and spaces: what people type is no Markdown."""
    lines = escape(clean_text(text), quote=False).split("\n")
    return f'<p class="plain">{"<br>".join(lines)}</p>\n'


def clean_text(text: str) -> str:
    """Return `text` without terminal colors and control characters, with `\\n` for line breaks."""
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def is_plain(text: str) -> bool:
    """Tell whether Markdown would only wrap `text` in a paragraph; in doubt, say no."""
    return not (
        SPECIAL.search(text)
        or SPECIAL_START.match(text)
        or SPECIAL_NEXT_LINE.search(text)
        or " \n" in text
        or text != text.strip()
        or not text
    )


def _render(text: str) -> str:
    return sanitize(markdown.render(clean_text(text)))


_kept = Kept(_render, most_bytes=KEPT_BYTES)
