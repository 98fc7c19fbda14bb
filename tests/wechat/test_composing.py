"""What waits for a follower goes out in as few replies as it takes, each character once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from wechat.composing import Composed, Pending, Taken, compose

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
HINT = "（回复「继续」接着看）"
WORDS = [
    "a",
    "字",
    "。",
    "\n",
    "\n\n",
    " ",
    "Yes. ",
    "👨‍👩‍👧‍👦",
    "\u0301",
    "word " * 30,
    "一句话。" * 20,
]
texts = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
times = st.none() | st.integers(0, 500).map(lambda days: NOW - timedelta(days=days))


def compose_here(pending: list[Pending], limit: int = 2000, hint: str = HINT) -> Composed:
    return compose(pending, limit, hint=hint, now=NOW, zone=SHANGHAI)


def size(text: str) -> int:
    return len(text.encode())


def all_replies(pending: list[Pending], limit: int, hint: str) -> list[Composed]:
    """Return the replies until nothing is left, each checked to carry what it says it takes."""
    replies = []
    while pending:
        composed = compose_here(pending, limit, hint)
        assert size(composed.text) <= limit
        assert [one.pk for one in composed.taken] == [p.pk for p in pending[: len(composed.taken)]]
        rest = []
        for message, taken in zip(pending, composed.taken, strict=False):
            piece = message.text[message.position : taken.position]
            assert taken.is_whole or piece
            assert piece.strip() in composed.text
            if not taken.is_whole:
                rest.append(Pending(message.pk, message.text, taken.position, message.at))
        pending = rest + pending[len(composed.taken) :]
        replies.append(composed)
    return replies


@given(
    st.lists(st.tuples(texts, times), max_size=6), st.integers(4, 400), st.sampled_from(["", HINT])
)
@example([("\n" * 300 + "a", None)], 20, HINT)
@example([("a" + " " * 300 + "b", None), ("", None)], 20, HINT)
def test_everything_is_carried_once_and_in_order(
    said: list[tuple[str, datetime | None]], limit: int, hint: str
) -> None:
    pending = [Pending(pk, text, 0, at) for pk, (text, at) in enumerate(said)]

    replies = all_replies(pending, limit, hint)

    carried = dict.fromkeys(range(len(said)), "")
    for one in (taken for composed in replies for taken in composed.taken):
        text = said[one.pk][0]
        carried[one.pk] += text[len(carried[one.pk]) : one.position]
    assert carried == {pk: text for pk, (text, _) in enumerate(said)}
    assert sum(one.is_whole for composed in replies for one in composed.taken) == len(said)


@given(st.lists(texts, min_size=1, max_size=6), st.integers(200, 400))
def test_nothing_is_shown_but_the_texts_and_the_hint(said: list[str], limit: int) -> None:
    replies = all_replies([Pending(pk, text) for pk, text in enumerate(said)], limit, HINT)

    shown = "".join(composed.text.removesuffix(HINT) for composed in replies)
    assert "".join(shown.split()) == "".join("".join(said).split())


@given(st.lists(texts, min_size=1, max_size=6), st.integers(200, 400))
def test_the_hint_is_there_exactly_while_something_remains(said: list[str], limit: int) -> None:
    *first, last = all_replies([Pending(pk, text) for pk, text in enumerate(said)], limit, HINT)

    assert all(composed.text.endswith(HINT) for composed in first)
    assert HINT not in last.text


@given(st.lists(texts, min_size=1, max_size=6), st.integers(200, 400))
def test_replies_are_few(said: list[str], limit: int) -> None:
    replies = all_replies([Pending(pk, text) for pk, text in enumerate(said)], limit, HINT)

    room = limit - size(HINT) - 2
    least = -(-sum(size(text) + 2 for text in said) // room)
    assert len(replies) <= 2 * least + 1


def test_nothing_waits() -> None:
    assert compose_here([]) == Composed("", [])


def test_messages_are_joined_by_empty_lines() -> None:
    composed = compose_here([Pending(3, "First."), Pending(5, "Second.\n")])

    assert composed.text == "First.\n\nSecond."
    assert composed.taken == [Taken(3, 6, is_whole=True), Taken(5, 8, is_whole=True)]


def test_a_text_of_the_whole_limit_needs_no_hint() -> None:
    composed = compose_here([Pending(1, "字" * 666)], 1998)

    assert composed.text == "字" * 666
    assert composed.taken == [Taken(1, 666, is_whole=True)]


def test_a_longer_text_ends_with_the_hint_within_the_limit() -> None:
    composed = compose_here([Pending(1, "一句话。" * 500)])

    assert composed.text.endswith(f"。\n\n{HINT}")
    assert 1900 < size(composed.text) <= 2000
    assert not composed.taken[0].is_whole


def test_a_text_goes_on_where_it_was_left() -> None:
    text = "First.\n\nSecond."

    assert compose_here([Pending(1, text, 6)]).text == "Second."


def test_code_keeps_its_indent_where_it_goes_on() -> None:
    text = "def f():\n    return 1"

    assert compose_here([Pending(1, text, 9)]).text == "    return 1"


def test_a_message_that_fits_one_reply_is_not_broken() -> None:
    composed = compose_here([Pending(1, "a" * 1000), Pending(2, "b" * 1500), Pending(3, "c")])

    assert composed.text == "a" * 1000 + f"\n\n{HINT}"
    assert composed.taken == [Taken(1, 1000, is_whole=True)]


def test_a_message_that_fits_no_reply_begins_in_the_room_that_is_left() -> None:
    composed = compose_here([Pending(1, "a" * 1000), Pending(2, "b" * 3000)])

    assert [one.pk for one in composed.taken] == [1, 2]
    assert size(composed.text) == 2000


def test_a_message_does_not_begin_for_a_few_words() -> None:
    composed = compose_here([Pending(1, "a" * 1900), Pending(2, "b" * 3000)])

    assert [one.pk for one in composed.taken] == [1]


def test_no_hint_is_given_where_none_is_wanted() -> None:
    composed = compose_here([Pending(1, "a" * 2500)], hint="")

    assert composed.text == "a" * 2000


def test_blank_messages_are_taken_and_not_shown() -> None:
    composed = compose_here([Pending(1, ""), Pending(2, "Hello"), Pending(3, " \n")])

    assert composed.text == "Hello"
    assert [one.pk for one in composed.taken if one.is_whole] == [1, 2, 3]


def test_a_position_behind_the_text_leaves_nothing() -> None:
    composed = compose_here([Pending(1, "Hello", 7, NOW)])

    assert composed == Composed("", [Taken(1, 7, is_whole=True)])


def test_what_was_said_unasked_begins_with_its_time_there() -> None:
    at = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)

    assert compose_here([Pending(1, "喝水", 0, at)]).text == "[09:00] 喝水"


def test_the_date_is_that_of_the_zone() -> None:
    """An hour before midnight in Shanghai: the day before, though not in UTC's calendar."""
    at = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)

    assert compose_here([Pending(1, "睡觉", 0, at)]).text == "[11-21 23:30] 睡觉"


def test_another_year_is_named() -> None:
    at = datetime(2025, 12, 31, 16, 0, tzinfo=UTC)

    assert compose_here([Pending(1, "x", 0, at)]).text == "[01-01 00:00] x"
    assert (
        compose_here([Pending(1, "x", 0, at - timedelta(hours=1))]).text == "[2025-12-31 23:00] x"
    )


def test_the_time_stands_only_where_the_message_begins() -> None:
    first = compose_here([Pending(1, "a" * 3000, 0, NOW)])
    second = compose_here([Pending(1, "a" * 3000, first.taken[0].position, NOW)])

    assert first.text.startswith("[10:00] aaa")
    assert second.text.strip("a") == ""


def test_a_limit_with_little_room_leaves_out_the_hint_and_the_time() -> None:
    composed = compose_here([Pending(1, "abcdefgh", 0, NOW)], 6)

    assert composed == Composed("abcdef", [Taken(1, 6, is_whole=False)])
