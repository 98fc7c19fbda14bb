"""Error codes of WeChat's interface: each has its reaction, and a text without a secret."""

import pytest

from wechat.errors import LONGEST_MESSAGE, ApiError, Reaction, reaction

REACTIONS = {
    Reaction.RETRY: [-1],
    Reaction.TOKEN: [40001, 40014, 42001, 41001],
    Reaction.CONFIGURATION: [40013, 40125, 40243, 40164],
    Reaction.WINDOW_CLOSED: [45015],
    Reaction.QUOTA_USED: [45047],
    Reaction.TOO_LONG: [45002],
    Reaction.DAY_LIMIT: [45009],
    Reaction.MINUTE_LIMIT: [45011],
    Reaction.NOT_ALLOWED: [48001],
    Reaction.REFUSED: [48002, 43004, 43019, 40003],
    Reaction.BLOCKED: [48004, 50001, 50002],
    Reaction.MEDIA: [40007],
    Reaction.DECLINED: [43101],
    Reaction.IGNORE: [45072, 45080, 45081],
    Reaction.BUG: [47001, 47003, 40033],
}


@pytest.mark.parametrize(
    ("code", "expected"), [(code, one) for one, codes in REACTIONS.items() for code in codes]
)
def test_each_code_has_its_reaction(code: int, expected: Reaction) -> None:
    assert reaction(code) is ApiError(code).reaction is expected


def test_each_reaction_has_a_code() -> None:
    assert set(REACTIONS) == set(Reaction)


@pytest.mark.parametrize("code", [1, 0, 99999, -2, 40099])
def test_an_unknown_code_is_not_tried_again(code: int) -> None:
    assert reaction(code) is Reaction.BUG


def test_the_words_of_wechat_are_told_from_its_request_id() -> None:
    error = ApiError.from_answer(
        45015,
        "response out of time limit or subscription is canceled hints: [ req_id: aB,c ] "
        "rid: 65e1ae08-5bc2e7aa-7ee1b1b3",
    )

    assert error.message == "response out of time limit or subscription is canceled"
    assert error.rid == "65e1ae08-5bc2e7aa-7ee1b1b3"
    assert str(error) == f"WeChat answered 45015: {error.message} (rid {error.rid})"


@pytest.mark.parametrize("text", [None, "", 5, ["invalid"], {"a": 1}])
def test_an_answer_without_words_is_its_code(text: object) -> None:
    assert str(ApiError.from_answer(45015, text)) == "WeChat answered 45015"


def test_a_secret_that_wechat_repeats_is_left_out() -> None:
    error = ApiError.from_answer(40001, "bad token T0KEN of s3cret", hide=("T0KEN", "s3cret", ""))

    assert error.message == "bad token … of …"


def test_long_and_unprintable_words_are_tamed() -> None:
    error = ApiError.from_answer(40001, "a\r\n\x1b[31mb\x00\ud800" + "c" * 5000)

    assert error.message.startswith("a [31mb c")
    assert len(error.message) == LONGEST_MESSAGE
