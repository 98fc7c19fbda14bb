"""A growing reply is shown as HTML piece by piece, and ends up as the whole one does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations import growing
from conversations.frames import delta_frame, encode
from conversations.growing import Growing
from conversations.rendering import to_html
from conversations.rendering.blocks import Blocks, References, render_blocks
from tests.harness.polling import eventually

REPLY_ID = UUID(int=7)

REPLY = """# Title

A *first* paragraph
of two lines.

- one
- two

  ```python
  def f(): return "x"
  ```

| a | b |
|---|--:|
| 1 | 2 |

$$
x_1 = *y*
$$
Text with $a_b$ and [a link](https://a.example).

```js
let a = 1;

let b = 2;
```
> quote
goes on

1. first
2. second

Setext
------

    indented

    code

End **bold**.
"""
PIECES = [
    "a",
    "b c",
    "\n",
    "\n\n",
    "- ",
    "--",
    "---\n",
    "===\n",
    "1. ",
    "> ",
    "    ",
    "  ",
    "```\n",
]
PIECES += [
    "$$\n",
    "|a|b|\n",
    "|-|-|\n",
    "# ",
    "*",
    "`",
    "\r\n",
    "\t",
    "$x$",
    "\\[\n",
    "\\]\n",
    "* * *",
]


def grown(pieces: list[str]) -> str:
    """Return what a page shows after the last piece, each rendered as it comes."""
    text, shown, blocks = "", "", None
    length, references = 0, {}
    for piece in pieces:
        text += piece
        blocks = render_blocks(text[length:], references)
        shown += blocks.closed
        length += blocks.length
        references = blocks.references
    return shown + (blocks.tail if blocks else "")


def test_a_reply_letter_by_letter_becomes_what_the_whole_reply_is() -> None:
    assert grown(list(REPLY)) == to_html(REPLY)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14))
def test_what_is_closed_never_changes(pieces: list[str]) -> None:
    text = "".join(pieces) + "*"  # so that no short cut is taken

    assert grown([*pieces, "*"]) == to_html(text)


def test_a_definition_counts_for_what_follows_and_only_once_it_is_whole() -> None:
    text = "[a]: https://a.example/whole\n\nfirst\n\n[a] [b]\n\n[b]: https://b.exam"

    html = grown([text[:20], text[20:], "ple\n\nlast\n\n[b]"])

    assert 'href="https://a.example/whole"' in html
    assert 'href="https://b.example"' in html
    assert 'href="https://b.exam"' not in html


# -- on a socket -----------------------------------------------------------------------------------


class Reader:
    """A page: puts `render` frames together as the contract says."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.chunks: list[str] = []
        self.tail = ""
        self.growing = Growing(self.send)

    async def send(self, text: str) -> None:
        frame = json.loads(text)
        assert frame["from"] in (0, len(self.chunks))
        if frame["from"] == 0:
            self.chunks = []
        if frame["html"]:
            self.chunks.append(frame["html"])
        self.tail = frame["tail"]
        self.frames.append(frame)

    @property
    def html(self) -> str:
        return "".join(self.chunks) + self.tail

    @property
    def shown(self) -> int:
        return self.frames[-1]["to"] if self.frames else 0

    def say(self, offset: int, text: str) -> None:
        self.growing.note(delta_frame(REPLY_ID, offset, text).text)

    def show(self, content: str, state: str = "streaming") -> None:
        fields = {"id": str(REPLY_ID), "role": "assistant", "state": state, "content": content}
        self.growing.note(encode(type="message", **fields))

    async def shows(self, html: str) -> None:
        await eventually(lambda: self.html == html, f"{html!r}, not {self.html!r}", 5)


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    made.growing.close()


async def test_a_socket_is_shown_each_reply_as_it_grows(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing, "RENDER_EVERY", 0.01)
    for end in range(50, len(REPLY) + 50, 50):
        reader.say(end - 50, REPLY[end - 50 : end])
        await eventually(lambda end=end: reader.shown == min(end, len(REPLY)), f"up to {end}", 5)

    await reader.shows(to_html(REPLY))

    assert len(reader.chunks) > 4


async def test_text_without_markdown_is_not_sent_twice(reader: Reader) -> None:
    reader.say(0, "Just words ")
    reader.say(11, "and more.")
    await asyncio.sleep(0.2)
    assert reader.frames == []

    reader.say(20, " *Now*")

    await reader.shows("<p>Just words and more. <em>Now</em></p>\n")


async def test_frames_that_are_lost_late_doubled_or_overlap_change_nothing(reader: Reader) -> None:
    reader.say(0, "*a*b")
    reader.say(7, "*e*")
    reader.say(2, "*bc")
    reader.say(0, "*a*b")
    await reader.shows("<p><em>a</em>bc</p>\n")

    reader.show("*a*bcd")
    await reader.shows("<p><em>a</em>bcd</p>\n")  # the stored text is there, one letter is not
    reader.say(6, "!")

    await reader.shows("<p><em>a</em>bcd!<em>e</em></p>\n")


async def test_a_stored_text_that_lags_behind_takes_nothing_away(reader: Reader) -> None:
    reader.say(0, "*a*bcd")
    reader.show("*a*b")
    reader.say(6, "e")

    await reader.shows("<p><em>a</em>bcde</p>\n")


async def test_an_answer_that_begins_anew_is_shown_from_its_beginning(reader: Reader) -> None:
    reader.say(0, "*one*\n\ntwo\n\nthree")
    await reader.shows(to_html("*one*\n\ntwo\n\nthree"))

    reader.show("*Another*")

    await reader.shows("<p><em>Another</em></p>\n")
    assert reader.frames[-1]["from"] == 0


async def test_a_page_that_comes_in_the_middle_is_shown_what_is_there(reader: Reader) -> None:
    fields = {"id": str(REPLY_ID), "role": "assistant", "state": "streaming", "content": "*a*"}
    reader.growing.note(encode(type="history", messages=[fields], more=False))

    await reader.shows("<p><em>a</em></p>\n")


async def test_after_the_whole_message_nothing_more_is_sent(reader: Reader) -> None:
    reader.say(0, "*a*")
    await reader.shows("<p><em>a</em></p>\n")

    reader.say(3, " b")
    reader.show("*a* b", state="done")
    await asyncio.sleep(0.3)

    assert len(reader.frames) == 1


async def test_a_text_that_takes_long_is_rendered_seldom_and_leaves_time_to_others(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(text: str, references: References) -> Blocks:
        end = time.thread_time() + 0.03
        while time.thread_time() < end:
            pass
        return Blocks("", text, 0, references)

    monkeypatch.setattr(growing, "render_blocks", slow)
    other = Reader()
    for offset in range(0, 400, 2):
        for one in (reader, other):
            one.say(offset, "*a")
        await asyncio.sleep(0.005)

    # In the second that took at least: each after 0.24 s, both together after 0.15 s.
    assert 2 <= len(reader.frames) + len(other.frames) <= 14
    other.growing.close()


async def test_a_text_that_cannot_be_rendered_leaves_the_others_theirs(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fragile(text: str, references: References) -> Blocks:
        if "trap" in text:
            raise RuntimeError("a fault of the renderer")
        return render_blocks(text, references)

    monkeypatch.setattr(growing, "render_blocks", fragile)
    other = Reader()

    reader.say(0, "*trap*")
    other.say(0, "*fine*")

    await other.shows("<p><em>fine</em></p>\n")
    assert reader.frames == []
    assert "could not be rendered" in caplog.text
    other.growing.close()
