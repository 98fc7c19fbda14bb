"""The dialect of Markdown that agents are read in, and the HTML that comes out of its parser."""

from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from conversations.rendering.formulas import formulas
from conversations.rendering.highlighting import Highlighter
from conversations.rendering.sanitizing import LINK, LOCAL_FILE

# What of one paragraph is read at once: the parser's time grows with the square of it, most of all
# with that of its brackets: 200 of them take a fifth of a millisecond, 8,000 a third of a second.
INLINE_MAX_CHARS, INLINE_MAX_BRACKETS = 8_000, 200
# Cells of all tables of one text. Rows that leave theirs out would make megabytes of empty ones.
MAX_CELLS = 50_000


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

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Color code of a known language; `env` counts what was colored in this text."""
        token = tokens[idx]
        language = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
        highlighter = env.setdefault("highlighter", Highlighter())
        code = highlighter.to_html(token.content, language)
        named = f' class="language-{escape(language)}"' if language else ""
        return f"<pre><code{named}>{code}</code></pre>\n"

    def math_inline(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        return f'<code class="math">{escape(tokens[idx].content, quote=False)}</code>'

    def math_block(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        source = escape(tokens[idx].content, quote=False)
        return f'<pre class="math"><code>{source}</code></pre>\n'

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


def _read_inline(state: StateCore) -> None:
    """Read each paragraph, a very long one in parts of whole lines; too long a line is plain."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        children: list[Token] = []
        token.children = children
        for part in _parts(token.content):
            if children:
                children.append(Token("softbreak", "br", 0))
            if len(part) > INLINE_MAX_CHARS or part.count("[") > INLINE_MAX_BRACKETS:
                children.append(Token("text", "", 0, content=part))
            else:
                state.md.inline.parse(part, state.md, state.env, children)


def _parts(content: str) -> list[str]:
    if len(content) <= INLINE_MAX_CHARS:
        return [content]
    parts: list[list[str]] = [[]]
    length = 0
    for line in content.split("\n"):
        if parts[-1] and length + len(line) > INLINE_MAX_CHARS:
            parts.append([])
            length = 0
        parts[-1].append(line)
        length += len(line) + 1
    return ["\n".join(lines) for lines in parts]


def _read_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a table, unless the text had its share of cells: then its lines are a paragraph."""
    if not table(state, start, end, True):
        return False
    if silent:
        return True
    columns = state.src.count("|", state.bMarks[start], state.eMarks[start]) + 1
    rows = next((row for row in range(start, end) if state.isEmpty(row)), end) - start
    cells = state.env.get("cells", 0) + columns * rows
    if cells > MAX_CELLS:
        return False
    state.env["cells"] = cells
    return table(state, start, end, False)


markdown = MarkdownIt(
    # Deeper blocks would be dropped, silently; 20 is the preset.
    "commonmark",
    {"html": False, "breaks": True, "maxNesting": 60},
    renderer_cls=_ChatRenderer,
)
markdown.enable(["table", "strikethrough"])
markdown.use(formulas)
markdown.block.ruler.at("table", _read_table, {"alt": ["paragraph", "reference"]})
markdown.core.ruler.at("inline", _read_inline)
