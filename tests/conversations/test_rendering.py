"""What an agent writes becomes HTML that can be shown, and nothing more than that."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversations import rendering
from conversations.rendering import plain_to_html, to_html
from conversations.rendering.blocks import render_blocks
from tests.hostile_markup import HOSTILE

ATTRIBUTES = {
    "a": {"href", "title", "target", "rel"},
    "code": {"class"},
    "div": {"class"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "p": {"class"},
    "pre": {"class"},
    "span": {"class"},
    "td": {"align"},
    "th": {"align"},
}  # What the styles know and nothing else: no text dresses up as a part of the page.
CLASSES = re.compile(r"plain|table|math|language-[\w+#.-]+|hl-[a-z]")


class Outline(HTMLParser):
    """The elements of some HTML as a browser would find them, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment came through: {data!r}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration came through: {decl!r}")


def assert_harmless(html: str) -> Outline:
    outline = Outline(html)
    for tag, attributes in outline.elements:
        assert tag in rendering.ALLOWED_TAGS
        assert attributes.keys() <= ATTRIBUTES.get(tag, set())
        if "class" in attributes:
            assert CLASSES.fullmatch(attributes["class"])
        if "href" in attributes:
            assert attributes["href"].lower().startswith(("http:", "https:", "mailto:", "/media/"))
            assert attributes["target"] == "_blank"
            assert attributes["rel"] == "nofollow noopener noreferrer"
        for address in (attributes.get("href", ""), attributes.get("src", "")):
            assert "/admin/" not in address
        if "src" in attributes:
            assert attributes["src"].startswith("/media/")
            assert ".." not in attributes["src"]
    return outline


def test_hostile_text_leaves_only_harmless_elements() -> None:
    for text in HOSTILE:
        assert_harmless(to_html(text))
        assert_harmless(plain_to_html(text))


def test_the_sanitizer_alone_is_enough() -> None:
    for text in HOSTILE:
        assert_harmless(rendering.sanitize(text))


def test_hostile_text_that_still_grows_is_harmless_too() -> None:
    for text in HOSTILE:
        for end in range(1, len(text), 5):
            blocks = render_blocks(text[:end], {})
            assert_harmless(blocks.closed + blocks.tail)


def test_long_hostile_text_is_harmless_too() -> None:
    assert_harmless(to_html("\n\n".join(HOSTILE)))


MARKDOWN_PIECES = st.sampled_from(
    [
        *(
            "#",
            "##",
            ">",
            "-",
            "*",
            "**",
            "_",
            "~~",
            "`",
            "```",
            "[",
            "](",
            ")",
            "![",
            "|",
            "|-|-|",
        ),
        *(" ", "\n", "\n\n", "\t", "\\", "<b>", "</b>", "<!--", "<a href=", "&amp;", "\x1b[1m"),
        *(
            "javascript:",
            "data:",
            "https://a.example",
            "/media/x.png",
            "1.",
            "word",
            "你好",
            "\xa0",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(MARKDOWN_PIECES | st.text(max_size=8), max_size=30).map("".join))
@example("![a](/media/a.png)")
def test_any_text_becomes_only_allowed_elements(text: str) -> None:
    assert_harmless(to_html(text))
    assert_harmless(plain_to_html(text))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(list("a好.1)-+=#: \n\u3000")), max_size=12))
def test_the_short_cut_for_plain_text_changes_nothing(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert Outline(to_html(text)).elements == Outline(rendering._render(text)).elements
    assert Outline(to_html(text)).text.strip() == Outline(rendering._render(text)).text.strip()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_what_a_person_typed_comes_back_as_typed(text: str) -> None:
    html = plain_to_html(text).replace("<br>", "\n")

    assert Outline(html).text.removesuffix("\n") == rendering.clean_text(text)


def test_a_code_block_names_its_language() -> None:
    html = to_html("```python\nprint('<hi>')\n```")

    assert html == (
        '<pre><code class="language-python"><span class="hl-b">print</span>('
        "<span class=\"hl-s\">'&lt;hi&gt;'</span>)\n</code></pre>\n"
    )


def test_a_half_open_code_block_is_code() -> None:
    assert to_html("```\n**x**") == "<pre><code>**x**</code></pre>\n"


def test_a_line_break_is_kept() -> None:
    assert to_html("one\ntwo") == "<p>one<br>\ntwo</p>\n"
    assert to_html("*one*\ntwo") == "<p><em>one</em><br>\ntwo</p>\n"


def test_a_table_scrolls_in_its_own_box_and_keeps_its_alignment() -> None:
    html = to_html("|a|b|\n|:-:|--:|\n|1|2|")

    assert '<div class="table"><table>' in html
    assert '<th align="center">a</th>' in html
    assert '<td align="right">2</td>' in html
    assert "style" not in html


def test_an_own_picture_is_shown() -> None:
    (_, picture) = Outline(to_html("![Chart](/media/2026/a%20%E5%9B%BE.png)")).elements

    assert picture == (
        "img",
        {"src": "/media/2026/a%20%E5%9B%BE.png", "alt": "Chart", "loading": "lazy"},
    )


def test_a_picture_from_elsewhere_becomes_a_link_that_loads_nothing() -> None:
    outline = assert_harmless(to_html("![Chart](https://a.example/c.png)"))

    assert [tag for tag, _ in outline.elements] == ["p", "a"]
    assert outline.text.strip() == "Chart"


def test_raw_html_is_shown_as_text() -> None:
    assert Outline(to_html("a <b>bold</b> move")).text.strip() == "a <b>bold</b> move"


def test_terminal_colors_and_control_characters_disappear() -> None:
    assert to_html("\x1b[1;31mred\x1b[0m\x00 alert\x07") == "<p>red alert</p>\n"


def test_deep_quotes_keep_their_text() -> None:
    assert "bottom" in to_html("> " * 25 + "bottom")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "`" * 100_000,
        "*" * 100_000,
        "![" * 20_000,
        "[" * rendering.MARKDOWN_MAX_CHARS,
        "".join("`" * length + "a" for length in range(1, 280)),
        "*a_" * 13_000,
        "[a](b" * 7_500,
        "> " * 20_000,
        "".join(" " * depth + "- a\n" for depth in range(280)),
        "|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n" + "|a\n" * 10_000,
        "- a\n" * 10_000,
        ("[" * 199 + "\n\n") * 250,
        ("|" + "a|" * 250 + "\n|" + "-|" * 250 + "\n" + "|a\n" * 260 + "\n") * 30,
        "```js\n" + "/*" * 14_000 + "\n```",
        "x" * 1_000_000,
        "*x* " * 250_000,
        "\n" * 1_000_000,
    ],
    ids=lambda text: f"{text[:8]!r} of {len(text)}",
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()

    rendering._kept.clear()
    html = to_html(text)

    # Five times what was measured, for a slower machine; without the bound it is minutes.
    assert time.process_time() - started < 6
    assert len(html) < 2_000_000 + 5 * len(text)
