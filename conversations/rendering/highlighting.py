"""Colors code by classes, within a bound on the time that a hostile text can take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache
from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import (
    Comment,
    Generic,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Token,
    _TokenType,
)
from pygments.util import ClassNotFound

# Of one block, and of all blocks of one text: what is longer is shown without colors.
BLOCK_MAX_CHARS, TEXT_MAX_CHARS = 30_000, 100_000
# Processor seconds for all blocks of one text, an ordinary one of the longest takes 0.2 s. A lexer
# that looks for the end of something again and again takes the square of its time.
SECONDS = 0.6

# Lexers are many and of mixed quality: those of languages that are asked for.
_NAMES = """
    python py python3 pycon javascript js node mjs typescript ts jsx tsx json jsonc json5 html xml
    svg css scss less vue bash sh shell zsh console shell-session shellsession bat batch dosini
    powershell ps1 pwsh sql postgresql mysql sqlite3 yaml yml toml ini cfg properties docker
    dockerfile make makefile cmake nginx apache java kotlin kt scala groovy c h cpp c++ csharp c#
    cs fsharp f# vb vb.net vbnet go golang rust rs zig swift objective-c objc dart php ruby rb perl
    pl lua r rscript julia jl matlab octave haskell hs ocaml elixir ex erlang clojure clj scheme
    common-lisp lisp elisp emacs-lisp diff udiff patch graphql protobuf proto terraform tf hcl
    latex tex markdown md rst solidity nasm fortran pascal delphi vim viml http jinja django
    gdscript cuda verilog vhdl prolog nix tcl awk
"""
LANGUAGES = frozenset(_NAMES.split())
# Names that people write and Pygments does not know.
_ALSO = {
    **{"jsonc": "json", "h": "c", "dosini": "ini", "svg": "xml", "patch": "diff", "kt": "kotlin"},
    **{"mjs": "js", "node": "js", "rscript": "r", "shellsession": "console", "vb": "vb.net"},
    "viml": "vim",
}

# The longest match counts: a letter for each kind that has a color of its own.
_KINDS: dict[_TokenType, str] = {
    Comment: "c",
    Comment.Preproc: "d",
    Comment.PreprocFile: "s",
    Keyword: "k",
    Keyword.Constant: "n",
    Keyword.Type: "t",
    Literal: "n",
    Literal.Date: "s",
    Number: "n",
    String: "s",
    String.Affix: "k",
    String.Escape: "e",
    String.Interpol: "e",
    String.Regex: "e",
    Name.Attribute: "a",
    Name.Builtin: "b",
    Name.Class: "t",
    Name.Constant: "n",
    Name.Decorator: "d",
    Name.Entity: "e",
    Name.Exception: "t",
    Name.Function: "f",
    Name.Namespace: "t",
    Name.Tag: "k",
    Name.Variable: "v",
    Operator.Word: "k",
    Operator: "",
    Punctuation: "",
    Generic.Deleted: "x",
    Generic.Inserted: "i",
    Generic.Heading: "k",
    Generic.Subheading: "k",
    Generic.Output: "c",
    Generic.Prompt: "d",
    Generic.Traceback: "x",
}


class Highlighter:
    """Colors the code blocks of one text; what they may cost together runs out."""

    def __init__(self) -> None:
        self.chars_left = TEXT_MAX_CHARS
        self.seconds_left = SECONDS

    def to_html(self, code: str, language: str) -> str:
        """Return `code` escaped, its pieces in `<span class="hl-…">` if the language is known."""
        name = language.lower()
        is_short = len(code) <= min(BLOCK_MAX_CHARS, self.chars_left)
        if name not in LANGUAGES or not is_short or self.seconds_left <= 0:
            return escape(code, quote=False)
        self.chars_left -= len(code)
        began = time.thread_time()
        html = "".join(self._pieces(code, _lexer(name), began + self.seconds_left))
        self.seconds_left -= time.thread_time() - began
        return html

    def _pieces(self, code: str, lexer: Lexer | None, deadline: float) -> Iterator[str]:
        """Yield the HTML of one run of the same kind after the other; at the deadline the rest."""
        begin, kind = 0, ""
        for index, token, _ in lexer.get_tokens_unprocessed(code) if lexer else ():
            # Not all lexers are honest about where a token stands.
            if (new := _kind(token)) == kind or not begin <= index <= len(code):
                continue
            if time.thread_time() > deadline:
                break
            yield _piece(code[begin:index], kind)
            begin, kind = index, new
        yield _piece(code[begin:], kind)


@lru_cache(maxsize=256)
def _lexer(name: str) -> Lexer | None:
    try:
        return get_lexer_by_name(_ALSO.get(name, name))
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _kind(token: _TokenType) -> str:
    while token is not Token:
        if token in _KINDS:
            return _KINDS[token]
        token = token.parent
    return ""


def _piece(code: str, kind: str) -> str:
    if not code:
        return ""
    html = escape(code, quote=False)
    return f'<span class="hl-{kind}">{html}</span>' if kind else html
