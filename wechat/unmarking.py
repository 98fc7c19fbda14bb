"""Takes Markdown apart into the plain text that WeChat can show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from conversations.rendering import (
    CACHE_MAX_CHARS,
    MARKDOWN_MAX_CHARS,
    SPECIAL,
    SPECIAL_NEXT_LINE,
    SPECIAL_START,
    clean_text,
)

# Behind `http`, an address up to what may be a mark of the text around it.
_ADDRESS_REST = re.compile(
    r"(?:(?<=http)|(?<=https))://[^\s<>\[\]()*`\"\\]*[^\s<>\[\]()*`\"\\_~.,:;!?']",
    re.IGNORECASE,
)


def _keep_address(state: StateInline, silent: bool) -> bool:
    """Take an address in the text as it is: WeChat makes a link of it, which has to lead there."""
    rest = _ADDRESS_REST.match(state.src, state.pos, state.posMax)
    if not rest:
        return False
    if not silent:
        state.pending += rest[0]
    state.pos = rest.end()
    return True


# The dialect of the web page: conversations/rendering.py says why each option.
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 60}).enable(
    ["table", "strikethrough"]
)
_markdown.inline.ruler.push("address", _keep_address)

# A phone shows about twenty characters in a line: what lies deeper is not indented further.
MAX_INDENTS = 4

_WEB_ADDRESS = re.compile(r"https?://[^\s\"<>]+", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(?:mailto|tel):", re.IGNORECASE)
# CommonMark sees no emphasis between Chinese letters and punctuation, as in **注意：**请看. What
# stands between two letters or digits, as in 2**3, is none.
_STARS = re.compile(r"(?<!\*)\*\*(?!\*)(?!(?<=[0-9A-Za-z]..)[0-9A-Za-z])")
_CHINESE = "[\u2018-\u201d\u2026\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
_CHINESE_STARS = re.compile(rf"(?<={_CHINESE})\*\*(?!\*)|(?<!\*)\*\*(?={_CHINESE})")


def plain_text(markdown: str) -> str:
    """Return `markdown`, from an agent, as WeChat shows it: no marks, links as `<a href>`.

    The same text gives the same result at any time: positions in it are stored. It is empty only
    if there is nothing in `markdown` but white space. Cost as for `rendering.to_html`; what was
    asked before comes from a cache.
    """
    if len(markdown) > MARKDOWN_MAX_CHARS:
        return clean_text(markdown).strip()
    return _unmark_cached(markdown) if len(markdown) <= CACHE_MAX_CHARS else _unmark(markdown)


def _unmark(markdown: str) -> str:
    source = clean_text(markdown)
    whole = source.strip()
    if not (SPECIAL.search(whole) or SPECIAL_START.match(whole) or SPECIAL_NEXT_LINE.search(whole)):
        return whole
    # A Chinese address grows ninefold when it is quoted.
    writer = _Writer(room=10 * len(source) + 1000)
    writer.write(_markdown.parse(source))
    # Definitions of links, say, show nothing by themselves: better their source than nothing.
    return "\n".join(writer.lines).strip() or whole


_unmark_cached = lru_cache(maxsize=256)(_unmark)


@dataclass(slots=True)
class _Indent:
    """What stands before the first line and before the others in a list item or quotation."""

    mark: str
    rest: str
    is_marked: bool = False


@dataclass(slots=True)
class _Writer:
    """Writes parsed Markdown as lines, with the empty lines of its source between the blocks."""

    #: Characters of addresses still written out: one definition can be used a thousand times.
    room: int
    lines: list[str] = field(default_factory=list)
    _indents: list[_Indent] = field(default_factory=list)
    _numbers: list[int | None] = field(default_factory=list)
    _row: Token | None = None
    _cells: list[str] = field(default_factory=list)
    _end: int = 0  # the line of the source behind the last block

    def write(self, tokens: Sequence[Token]) -> None:
        for before, token in zip([None, *tokens], tokens, strict=False):
            match token.type:
                case "inline" if before and before.type in ("th_open", "td_open"):
                    self._cells.append(self._text(token.children).replace("\n", " "))
                case "inline":
                    self._block(self._text(token.children), before or token)
                case "fence" | "code_block":
                    self._block(token.content.strip("\n"), token)
                case "hr":
                    self._block("—" * 6, token)
                case "tr_open":
                    self._row, self._cells = token, []
                    self._end += bool(before and before.type == "tbody_open")  # the dashes
                case "tr_close":
                    self._block(" | ".join(self._cells), self._row or token)
                case _:
                    self._nest(token)

    def _nest(self, token: Token) -> None:
        """Begin or end a list, an item of one, or a quotation."""
        match token.type:
            case "bullet_list_open":
                self._numbers.append(None)
            case "ordered_list_open":
                start = token.attrGet("start")
                self._numbers.append(1 if start is None else int(start))
            case "bullet_list_close" | "ordered_list_close":
                self._numbers.pop()
            case "list_item_open":
                self._indents.append(_Indent(self._next_mark(token), "  "))
            case "blockquote_open":
                self._indents.append(_Indent("│ ", "│ "))
            case "list_item_close" | "blockquote_close":
                self._indents.pop()

    def _next_mark(self, item: Token) -> str:
        number = self._numbers[-1]
        if number is None:
            return "• "
        self._numbers[-1] = number + 1
        return f"{number}{item.markup} "

    def _block(self, text: str, source: Token) -> None:
        """Write a block; `source` says on which lines it stood, if it is known."""
        start, end = source.map or (self._end, self._end + 1)
        if not text.strip():
            return
        if self.lines and start > self._end:
            self.lines.append("")
        self._end = end
        self.lines += [(self._indent() + line).rstrip() for line in text.split("\n")]

    def _indent(self) -> str:
        shown = []
        for depth, indent in enumerate(self._indents):
            if not indent.is_marked:
                shown.append(indent.mark)
            elif depth < MAX_INDENTS:
                shown.append(indent.rest)
            indent.is_marked = True
        return "".join(shown)

    def _text(self, tokens: Sequence[Token] | None) -> str:
        """Return what is left of a block's inline marks."""
        are_stars_marks = _has_unseen_emphasis(tokens or [])
        pieces: list[str] = []
        address, start = "", 0
        for token in tokens or []:
            match token.type:
                case "text":
                    text = token.content
                    pieces.append(_STARS.sub("", text) if are_stars_marks else text)
                case "code_inline":
                    pieces.append(token.content)
                case "softbreak" | "hardbreak":
                    pieces.append("\n")
                case "image":
                    label = self._text(token.children)
                    source = str(token.attrGet("src") or "")
                    pieces.append(label if address else self._link(label, source))
                case "link_open":
                    address, start = str(token.attrGet("href") or ""), len(pieces)
                case "link_close":
                    pieces[start:] = [self._link("".join(pieces[start:]), address)]
                    address = ""
        return "".join(pieces)

    def _link(self, label: str, address: str) -> str:
        """Return a link as WeChat takes it: to the web, quoted, with a label without marks."""
        label = label.replace("\n", " ").strip()
        self.room -= len(address)
        if not address or (label and self.room < 0):
            return label
        if not _WEB_ADDRESS.fullmatch(address):
            address = _OTHER_SCHEME.sub("", address, count=1)
            return f"{label} ({address})" if label not in ("", address) else address
        if not label or address.endswith(f"://{label}") or label == address:
            return address  # WeChat makes it a link by itself
        return f"{label} ({address})" if re.search("[<>]", label) else _anchor(label, address)


def _anchor(label: str, address: str) -> str:
    return f'<a href="{address}">{label}</a>'


def _has_unseen_emphasis(tokens: Sequence[Token]) -> bool:
    """Tell whether the `**` that are left were meant as marks: pairs beside Chinese."""
    texts = [token.content for token in tokens if token.type == "text"]
    count = sum(len(_STARS.findall(text)) for text in texts)
    return count % 2 == 0 and any(_CHINESE_STARS.search(text) for text in texts)
