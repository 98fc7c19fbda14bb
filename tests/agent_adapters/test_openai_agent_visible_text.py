"""What is shown of an answer: not the thoughts that some servers put before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.agents.openai_compatible.visible import Visible
from tests.agent_adapters.asking import reply
from tests.harness.model import Answer


def shown(*pieces: str) -> str:
    visible = Visible()
    return "".join([*map(visible.take, pieces), visible.end()])


SHOWN = [
    ("Hello", "Hello"),
    ("\n\n Hello\n", "Hello\n"),
    ("<think>Hm, who is it?</think>\n\nHello", "Hello"),
    ("\n<think>\n</think>Hello", "Hello"),
    ("<think>One</think>\n<think>Two</think>Hello", "Hello"),
    ("<think>a < b, </thin, <think></think>Hello", "Hello"),
    ("Hello <think>no thought</think>", "Hello <think>no thought</think>"),
    ("<thinking>is another word", "<thinking>is another word"),
    ("<thin", "<thin"),
    ("<", "<"),
    ("<think>It never ends", ""),
    ("<think>It is all</think>  ", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "visible"), SHOWN)
def test_thoughts_at_the_beginning_are_not_shown(text, visible):
    assert shown(text) == visible


@pytest.mark.parametrize(("text", "visible"), SHOWN)
def test_thoughts_are_not_shown_however_they_are_cut(text, visible):
    assert shown(*text) == visible
    for at in range(len(text)):
        assert shown(text[:at], text[at:]) == visible


@given(st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", " ", "\n", "a", "<"])))
def test_the_cuts_change_nothing(pieces):
    assert shown(*pieces) == shown("".join(pieces)) == shown(*"".join(pieces))


def test_text_is_shown_at_once():
    visible = Visible()

    assert [visible.take(piece) for piece in ("<think>", "x</think>", " H", "i", " ")] == [
        *("", "", "H", "i", " ")
    ]


def test_many_thoughts_are_read_in_no_time():
    assert shown("<think></think>" * 100_000 + "Hello") == "Hello"


async def test_the_thoughts_of_a_model_are_not_in_the_reply(model):
    pieces = ["<th", "ink>Who", " is it?</thi", "nk>", "\n\n", "Hello", " you"]
    model.script(Answer(pieces=pieces, reasoning="They greet me."))

    assert await reply() == "Hello you"
