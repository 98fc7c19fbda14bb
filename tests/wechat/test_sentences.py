"""The site's own sentences on WeChat: in the follower's language, short, and true."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import translation

from conversations.commands.parsing import parse_command
from wechat import texts
from wechat.recalling import PICKUP_WORDS
from wechat.splitting import byte_length
from wechat.texts import answer_follows_text, holding_text, more_hint, welcome_text

LANGUAGES = ("en", "zh-hans")
SENTENCES = [getattr(texts, name) for name in texts.__all__ if name != "plain_text"]
# The least that WECHAT_MAX_TEXT_BYTES may be.
LEAST_BYTES = 200


@pytest.fixture(params=LANGUAGES, autouse=True)
def language(request: pytest.FixtureRequest) -> Any:
    with translation.override(request.param):
        yield request.param


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_is_said_in_the_active_language(
    sentence: Callable[[], str], language: str
) -> None:
    is_chinese = bool(re.search("[\u4e00-\u9fff]", sentence()))

    assert is_chinese == (language == "zh-hans")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_fits_the_smallest_reply_and_has_no_marks(sentence: Callable[[], str]) -> None:
    assert 0 < byte_length(sentence()) <= LEAST_BYTES
    assert texts.plain_text(sentence()) == sentence()


def test_no_sentence_stands_for_two_things() -> None:
    assert len({sentence() for sentence in SENTENCES}) == len(SENTENCES)


@pytest.mark.parametrize("sentence", [holding_text, answer_follows_text, more_hint])
def test_the_word_to_send_is_one_that_is_understood(sentence: Callable[[], str]) -> None:
    word = re.search("[“「](.+?)[”」]", sentence())

    assert word
    assert word[1] in PICKUP_WORDS


def test_both_endings_of_a_reply_leave_room_for_it() -> None:
    endings = f"\n\n{more_hint()}\n\n{answer_follows_text()}"

    assert byte_length(endings) <= LEAST_BYTES - 50


def test_the_welcome_names_a_command_that_there_is() -> None:
    name = re.search(r"/\w+", welcome_text())

    assert name
    command = parse_command(name[0])
    assert command
    assert command.name == "help"


def test_the_owner_says_welcome_in_words_of_their_own(settings: Any) -> None:
    settings.WECHAT_WELCOME = "欢迎光临 Hello"

    assert welcome_text() == "欢迎光临 Hello"
