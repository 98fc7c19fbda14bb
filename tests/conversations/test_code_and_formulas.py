"""Code of a known language is colored, formulas are left as written, at a bounded cost."""

import pytest

from conversations.rendering import highlighting, to_html
from conversations.rendering.highlighting import LANGUAGES, Highlighter, _lexer
from conversations.rendering.keeping import Kept
from tests.conversations.test_rendering import Outline


def test_every_language_that_is_named_is_known() -> None:
    assert [language for language in sorted(LANGUAGES) if not _lexer(language)] == []


@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    return 'a<b>&' # why\n",
        "\n\n  x = {'a': 1}\n\n",
        "/* open\n\ttab",
        "$ ls\nfile\n",
        '<a href="x">{{ y }}</a><script>let a = `${b}`</script>',
        "+a\n-b\n@@ -1 +1 @@\n",
        "好 = '😀' \u2028 x",
    ],
)
@pytest.mark.parametrize("language", ["python", "html", "js", "diff", "console", "json", "php"])
def test_coloring_changes_no_letter(language: str, code: str) -> None:
    outline = Outline(Highlighter().to_html(code, language))

    assert outline.text == code
    assert {tag for tag, _ in outline.elements} <= {"span"}


def test_an_unknown_language_and_long_code_are_plain() -> None:
    code = "if x: pass\n"

    assert "hl-" in Highlighter().to_html(code, "Python")
    assert "hl-" not in Highlighter().to_html(code, "klingon")
    assert "hl-" not in Highlighter().to_html(code * 3_000, "python")


def test_the_blocks_of_one_text_share_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highlighting, "TEXT_MAX_CHARS", 40)
    block = "```python\nif x: pass\n```\n"

    assert to_html(block * 6).count("hl-k") == 2 * 3
    highlighter = Highlighter()
    highlighter.seconds_left = 0
    assert highlighter.to_html("if", "python") == "if"


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("so $x_1 * y_2$ and $a\\_b$", ["$x_1 * y_2$", "$a\\_b$"]),
        (r"\(a_1*b*c\) and \[x^2\]", [r"\(a_1*b*c\)", r"\[x^2\]"]),
        ("then $$a_b_c$$ again", ["$$a_b_c$$"]),
        ("公式$x^2$是", ["$x^2$"]),
        ("**bold** $5$ or $10x$", ["$5$", "$10x$"]),
        ("text:\n$$\na_1 *b*\n- c\n=\n$$\nend", ["$$\na_1 *b*\n- c\n=\n$$"]),
        (
            "\\[\n\\begin{a}\n1 & 2 \\\\\n\\end{a}\n\\]",
            ["\\[\n\\begin{a}\n1 & 2 \\\\\n\\end{a}\n\\]"],
        ),
        ("- in a list\n  $$\n  *a*\n  $$\n- b", ["$$\n*a*\n$$"]),
        ("$$\nopen *a*\n\n*next*", ["$$\nopen *a*"]),
        ("It is $5 and $10, or $5-$10, or $5 (or 5$)", []),
        ("US$5 *or* HK$6$ and $PATH/$HOME", []),
        ("a \\$x\\$ b, $ x $, $$, \\(\\), `$a$`", []),
        ("$" + "x" * 1_001 + "$", []),
    ],
)
def test_formulas_are_left_as_written_and_money_is_none(text: str, formulas: list[str]) -> None:
    html = to_html(text)

    found = [part.partition("</code>")[0] for part in html.split('class="math">')[1:]]
    assert [Outline(part).text for part in found] == formulas


def test_what_was_rendered_is_remembered_by_its_bytes() -> None:
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text * 100

    kept = Kept(make, most_bytes=2_000)
    for text in ["a", "b", "a", "c", "d", "a", "e", "f", "a", "b"]:
        assert kept.of(text) == text * 100
        assert kept.bytes <= 2_000
    assert made.count("a") == 1
    assert made.count("b") == 2

    kept.of("long" * 10)
    kept.of("long" * 10)

    assert made.count("long" * 10) == 2  # it would push out all the others
