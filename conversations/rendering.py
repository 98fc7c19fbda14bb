"""Message text to safe HTML: the one renderer behind the `html` of every message frame."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Longer texts are shown as plain text. The slowest text of this length (only `[`) takes 0.8 s,
# a table of 500 columns 1.2 s.
MARKDOWN_MAX_CHARS = 40_000

# With 256 entries of at most this length the cache stays in the low tens of megabytes.
CACHE_MAX_CHARS = 10_000

# What Markdown, HTML escaping or `clean_text` could change: anywhere, or in front of a line.
SPECIAL = re.compile(r"[\\`*_\[\]<>&~|\x00-\x09\x0b-\x1f\x7f-\xa0]")
SPECIAL_START = re.compile(r"[#+=:-]|\d{1,9}[.)]")
SPECIAL_NEXT_LINE = re.compile(r"\n(?:[\s#+=:-]|\d{1,9}[.)]|$)")
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

LINK = re.compile(r"(?:https?://|mailto:)[^\s]+", re.IGNORECASE)
# Own uploads only, no climbing out: a remote image would tell its host what the answer says.
_SEGMENT = r"[A-Za-z0-9_-](?:[A-Za-z0-9_.-]|%20|%[89A-Fa-f][0-9A-Fa-f])*"
LOCAL_FILE = re.compile(rf"/media/(?:{_SEGMENT}/)*{_SEGMENT}")

ALLOWED_TAGS = {
    *("p", "br", "hr", "blockquote", "pre", "code", "div"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("a", "img", "em", "strong", "s", "del"),
}
ALLOWED_ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "div": {"class"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "p": {"class"},
    "td": {"align"},
    "th": {"align"},
}
LANGUAGE_CLASS = re.compile(r"language-[\w+#.-]{1,40}")


def to_html(text: str) -> str:
    """Return `text`, Markdown from an agent, as HTML that is safe to put into the page.

    Single line breaks are kept, raw HTML is shown as text, images survive only from `/media/`.
    Cost: 2 µs for 100 characters without Markdown, 6 µs for 500; else about 4 µs a character, and
    about a second for the worst text known; repeated texts come from a cache.
    """
    if _is_plain(text):
        return f"<p>{text.replace(chr(10), '<br>' + chr(10))}</p>\n"
    if len(text) > MARKDOWN_MAX_CHARS:
        return plain_to_html(text)
    if len(text) > CACHE_MAX_CHARS:
        return _render(text)
    return _render_cached(text)


def plain_to_html(text: str) -> str:
    """Return `text` escaped, with its line breaks and spaces: what people type is no Markdown."""
    lines = escape(clean_text(text), quote=False).split("\n")
    return f'<p class="plain">{"<br>".join(lines)}</p>\n'


def clean_text(text: str) -> str:
    """Return `text` without terminal colors and control characters, with `\\n` for line breaks."""
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _is_plain(text: str) -> bool:
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
    return sanitize(_markdown.render(clean_text(text)))


_render_cached = lru_cache(maxsize=256)(_render)


def sanitize(html: str) -> str:
    """Return `html` reduced to the allow-list, whatever the Markdown parser let through."""
    return nh3.clean(
        html,
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        attribute_filter=_allowed_value,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}, "img": {"loading": "lazy"}},
    )


def _allowed_value(tag: str, attribute: str, value: str) -> str | None:
    match tag, attribute:
        case "a", "href":
            return value if LINK.fullmatch(value) or LOCAL_FILE.fullmatch(value) else None
        case "img", "src":
            return value if LOCAL_FILE.fullmatch(value) else None
        case "code", "class":
            return value if LANGUAGE_CLASS.fullmatch(value) else None
        case "div", "class":
            return value if value == "table" else None
        case "p", "class":
            return value if value == "plain" else None
        case (("td" | "th"), "align"):
            return value if value in ("left", "center", "right") else None
        case _:
            return value


class _ChatRenderer(RendererHTML):
    """CommonMark's HTML, less what the content security policy or the page's layout cannot take."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Show an own upload; make any other picture a link, which loads nothing by itself."""
        token = tokens[idx]
        source = str(token.attrGet("src") or "")
        if LOCAL_FILE.fullmatch(source):
            return super().image(tokens, idx, options, env)
        label = escape(self.renderInlineAsText(token.children, options, env) or source)
        return f'<a href="{escape(source)}">{label}</a>' if LINK.fullmatch(source) else label

    def table_open(self, *_: object) -> str:
        return '<div class="table"><table>\n'

    def table_close(self, *_: object) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return self._cell(tokens[idx])

    def td_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return self._cell(tokens[idx])

    def _cell(self, token: Token) -> str:
        """Say the alignment as an attribute: the policy forbids inline style."""
        style = str(token.attrGet("style") or "")
        align = f' align="{style.removeprefix("text-align:")}"' if style else ""
        return f"<{token.tag}{align}>"


_markdown = MarkdownIt(
    # Deeper blocks would be dropped, silently; 20 is the preset.
    "commonmark",
    {"html": False, "breaks": True, "maxNesting": 60},
    renderer_cls=_ChatRenderer,
).enable(["table", "strikethrough"])
