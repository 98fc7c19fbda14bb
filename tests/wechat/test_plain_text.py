"""Markdown becomes what WeChat can show: nothing of it is lost, its marks are gone."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conversations.rendering import MARKDOWN_MAX_CHARS
from wechat.texts import plain_text

MARKS = ["*", "**", "_", "~~", "`", "#", "> ", "- ", "1. ", "|", "\n", "\n\n", "    ", "```", "["]
MARKS += [
    "](https://e.x/)",
    "](/media/x)",
    "![",
    "<",
    ">",
    '"',
    "&lt;",
    "\\",
    "字",
    "：",
    "a b",
    "\r",
]


def test_marks_within_lines_go() -> None:
    text = plain_text("*one* **two** ***three*** _four_ ~~five~~ `six` \\*seven\\*")

    assert text == "one two three four five six *seven*"


def test_headings_become_lines() -> None:
    assert plain_text("# One\n\ntext\n\nTwo\n===\ntext") == "One\n\ntext\n\nTwo\ntext"


def test_line_breaks_and_empty_lines_stay() -> None:
    assert plain_text("one\ntwo\n\n\nthree  \nfour") == "one\ntwo\n\nthree\nfour"


def test_lists_are_kept() -> None:
    text = plain_text("Do:\n- one\n- two\n  more\n  - deep\n\n    para\n* other\n\n3) c\n3) d")

    assert text == "Do:\n• one\n• two\n  more\n  • deep\n\n    para\n• other\n\n3) c\n4) d"


def test_items_of_many_paragraphs_keep_their_empty_lines() -> None:
    text = plain_text("1. **One**\n\n   first\n\n2. **Two**\n\n   second")

    assert text == "1. One\n\n  first\n\n2. Two\n\n  second"


def test_deep_lists_are_not_indented_for_ever() -> None:
    markdown = "\n".join("  " * depth + f"- item {depth}" for depth in range(12))

    lines = plain_text(markdown).split("\n")

    assert len(lines) == 12
    assert lines[-1] == "        • item 11"


def test_code_is_kept_as_it_is() -> None:
    text = plain_text(
        "So:\n```python\ndef f(*a):\n\n    return a[0] < 1 # **x**\n```\n    indented"
    )

    assert text == "So:\ndef f(*a):\n\n    return a[0] < 1 # **x**\nindented"


def test_code_in_a_list_is_indented_with_it() -> None:
    assert plain_text("- run\n  ```\n  make\n    x\n  ```\n- go") == "• run\n  make\n    x\n• go"


def test_quotations_are_marked_by_a_bar() -> None:
    assert plain_text("> one\n> two\n>\n> - three\n\nfour") == "│ one\n│ two\n\n│ • three\n\nfour"


def test_tables_become_lines() -> None:
    text = plain_text("See:\n\n| a | **b** |\n|---|:-:|\n| 1 | `x\\|y` |\n| 2 |\n\nend")

    assert text == "See:\n\na | b\n1 | x|y\n2 |\n\nend"


def test_rules_become_a_line() -> None:
    assert plain_text("a\n\n***\n\nb") == "a\n\n——————\n\nb"


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[text](https://e.x/a?b=1&c=2)", '<a href="https://e.x/a?b=1&c=2">text</a>'),
        ("[t](http://e.x 'title')", '<a href="http://e.x">t</a>'),
        ("[**b**\n`c`](https://e.x)", '<a href="https://e.x">b c</a>'),
        ('[t](https://e.x/"onclick=)', '<a href="https://e.x/%22onclick=">t</a>'),
        ("[t](<https://e.x/a b>)", '<a href="https://e.x/a%20b">t</a>'),
        ("[中](https://e.x/中)", '<a href="https://e.x/%E4%B8%AD">中</a>'),
        ("[d]\n\n[d]: https://e.x", '<a href="https://e.x">d</a>'),
        ("![图](https://e.x/p.png)", '<a href="https://e.x/p.png">图</a>'),
        ("![](https://e.x/p.png)", "https://e.x/p.png"),
        ("[![alt](https://e.x/p.png)](https://e.y)", '<a href="https://e.y">alt</a>'),
        ("<https://e.x/>", "https://e.x/"),
        ("[e.x](https://e.x)", "https://e.x"),
        ("See https://e.x/__init__.py#_a_b, please", "See https://e.x/__init__.py#_a_b, please"),
        ("**https://e.x/a** _http://e.x/b_", "https://e.x/a http://e.x/b"),
        ("(https://e.x/a) `https://e.x/__b__`", "(https://e.x/a) https://e.x/__b__"),
        ("[https://e.x/__a__](https://e.x/__a__)", "https://e.x/__a__"),
        ("https://e.x/a\\_b", "https://e.x/a_b"),
        ("[a < b](https://e.x)", "a < b (https://e.x)"),
        ("[page](/media/page.html)", "page (/media/page.html)"),
        ("[mail](mailto:a@e.x)", "mail (a@e.x)"),
        ("<a@e.x>", "a@e.x"),
        ("[call](tel:+49123)", "call (+49123)"),
        ("[f](ftp://e.x/)", "f (ftp://e.x/)"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x]()", "x"),
        ("[](https://e.x)", "https://e.x"),
    ],
)
def test_links_become_what_can_be_tapped(markdown: str, expected: str) -> None:
    assert plain_text(markdown) == expected


@pytest.mark.parametrize(
    "text",
    [
        "喝水",
        "a < b and c > d",
        "if (a<b) return <b>x</b>",
        '<a href="https://e.x">typed</a>',
        "2**3 是 8",
        "张**先生",
        "10 * 2 * 3",
        "snake_case_name",
        "C:\\Users",
        "#标签",
        "3.5",
        "5 > 4",
        "~5 min",
    ],
)
def test_text_without_marks_stays_as_typed(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**注意：**请看", "注意：请看"),
        ("请看**“这里”**吧", "请看“这里”吧"),
        ("**一：**甲，**二：**乙", "一：甲，二：乙"),
        ("**Note:**请看", "Note:请看"),
        ("- **时间**：9点\n- **地点（室内）**在这", "• 时间：9点\n• 地点（室内）在这"),
    ],
)
def test_emphasis_beside_chinese_punctuation_goes(markdown: str, expected: str) -> None:
    assert plain_text(markdown) == expected


def test_entities_are_read() -> None:
    assert plain_text("a &lt; b &amp; c") == "a < b & c"


def test_control_characters_and_colors_go() -> None:
    assert plain_text("\x1b[31mred\x1b[0m\x00 **x**\r\ny") == "red x\ny"


@pytest.mark.parametrize("markdown", ["[d]: https://e.x", "-", "![]()", "``` ", "#"])
def test_something_never_becomes_nothing(markdown: str) -> None:
    assert plain_text(markdown) == markdown.strip()


@pytest.mark.parametrize("markdown", ["", " ", "\n\n", "\u3000\n"])
def test_white_space_becomes_nothing(markdown: str) -> None:
    assert plain_text(markdown) == ""


def test_what_is_too_long_to_be_read_as_markdown_stays() -> None:
    markdown = "**x** " * MARKDOWN_MAX_CHARS

    assert plain_text(markdown) == markdown.strip()


@given(st.lists(st.sampled_from(MARKS) | st.text(max_size=4), max_size=40).map("".join))
@example("> " * 70 + "deep")
@example("- " * 70 + "deep")
def test_anything_is_taken_and_letters_stay(markdown: str) -> None:
    text = plain_text(markdown)

    assert bool(text) == bool(markdown.replace("\x00", "").strip()) or not markdown.isprintable()
    assert text == text.strip() == plain_text(markdown)
    if "&" not in markdown and "<" not in markdown and "[" not in markdown:
        assert text.count("字") == markdown.count("字")


def test_one_address_used_often_does_not_blow_up_the_text() -> None:
    markdown = f"[d]: https://e.x/{'a' * 5000}\n\n" + "[d] " * 1000

    assert len(plain_text(markdown)) < 15 * len(markdown)


@pytest.mark.parametrize(
    "unit",
    ["> ", "- ", "[", "*a ", "**：", "http://", "http://_a_", "|a", "<a ", "1. a\n", "![a]("],
)
def test_the_longest_text_is_read_in_linear_time(unit: str) -> None:
    """A quadratic reading would take minutes; the slowest of these takes two seconds."""
    markdown = unit * (MARKDOWN_MAX_CHARS // len(unit))
    started = time.process_time()

    plain_text(markdown)

    assert time.process_time() - started < 30
