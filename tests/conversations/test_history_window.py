"""The window of the history: the latest turns that fit both limits, whole and in order."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversations.agents import HistoryMessage, Turn
from conversations.agents.tokens import estimate, estimate_messages
from conversations.history import latest_turns, load_history
from conversations.models import Conversation, Message
from scheduling.actions import submit
from scheduling.inserting import insert
from tests.conversations.working import MiniWorker, read, say

# -- the tokens of a text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("你好", 2), ("你好 OK", 3), ("\ud800😀", 2)],
)
def test_four_ascii_characters_are_a_token_and_so_is_any_other(text, tokens):
    assert estimate(text) == tokens


@given(st.text(), st.text())
def test_texts_together_are_about_what_they_are_apart(one, other):
    assert 0 <= estimate(one) + estimate(other) - estimate(one + other) <= 1


# -- which messages --------------------------------------------------------------------------------

#: The roles of one turn, in the order in which they are shown.
KINDS = {
    "exchange": ["user", "assistant"],
    "scheduled question": ["system", "assistant"],
    "reminder": ["assistant"],
    "quick messages": ["user", "user", "user", "assistant"],
}
texts = st.builds(lambda text, times: text * times, st.sampled_from("aé你"), st.integers(1, 400))


def store(conversation: Conversation, kind: str, contents: list[str]) -> list[HistoryMessage]:
    """Store a turn as answering it would have; return its messages as they are shown."""
    roles = KINDS[kind]
    rows = [
        Message(conversation=conversation, role=role, content=content, state="answered", seq=0)
        for role, content in zip(roles, contents, strict=False)
    ]
    *asked, said = rows
    said.state = "done"
    # The reply's change comes right before those of what it answers, the answered one's first.
    for row in [said, *reversed(asked)]:
        conversation.seq += 1
        row.seq = conversation.seq
    insert(asked)
    if asked:
        Message.objects.filter(pk__in=[row.pk for row in asked[:-1]]).update(merged_into=asked[-1])
        said.reply_to = asked[-1]
    insert([said])
    return [HistoryMessage(row.role, row.content) for row in rows]


def new_message(conversation: Conversation) -> Message:
    conversation.seq += 1
    return Message.objects.create(
        conversation=conversation, role="user", content="?", state="answering", seq=conversation.seq
    )


class Rollback(Exception):
    """Ends the transaction of one example."""


@pytest.mark.django_db
@hypothesis_settings(
    deadline=None,
    max_examples=120,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    turns=st.lists(st.tuples(st.sampled_from([*KINDS]), st.lists(texts, min_size=4)), max_size=12),
    most=st.integers(0, 20),
    tokens=st.integers(0, 1500),
)
def test_as_many_of_the_latest_turns_as_fit_are_shown_whole_and_in_order(
    settings, turns, most, tokens
):
    settings.BOTFLOW_HISTORY_MESSAGES, settings.BOTFLOW_HISTORY_TOKENS = most, tokens
    with pytest.raises(Rollback), transaction.atomic():
        conversation = Conversation.objects.create(channel="web", address="window")
        stored = [store(conversation, kind, contents) for kind, contents in turns]
        shown = load_history(new_message(conversation))
        raise Rollback

    def fits(number: int) -> bool:
        latest = flat(stored[len(stored) - number :])
        is_short = not tokens or number == 1 or estimate_messages(latest) <= tokens
        return len(latest) <= most and is_short

    count = next(n for n in range(len(stored) + 1) if flat(stored[len(stored) - n :]) == shown)
    assert count == 0 or fits(count)
    assert count == len(stored) or not fits(count + 1)


def flat(turns: list[list[HistoryMessage]]) -> list[HistoryMessage]:
    return [message for turn in turns for message in turn]


@pytest.fixture
def conversation(db: None) -> Conversation:
    return Conversation.objects.create(channel="web", address="window")


def test_tokens_are_limited_however_few_the_messages(conversation, settings):
    settings.BOTFLOW_HISTORY_TOKENS = 100
    store(conversation, "exchange", ["one" * 200, "1"])
    latest = store(conversation, "exchange", ["two", "2"])

    assert load_history(new_message(conversation)) == latest


def test_a_limit_of_no_tokens_counts_messages_only(conversation, settings):
    settings.BOTFLOW_HISTORY_TOKENS = 0
    only = store(conversation, "exchange", ["长" * 20_000, "长" * 200_000])

    assert load_history(new_message(conversation)) == only


def test_the_latest_turn_is_shown_however_long_it_is(conversation, settings):
    settings.BOTFLOW_HISTORY_TOKENS = 100
    store(conversation, "exchange", ["before", "b"])
    latest = store(conversation, "exchange", ["长" * 1000, "答" * 1000])

    assert load_history(new_message(conversation)) == latest


def test_a_reply_does_not_stay_without_its_question(conversation, settings):
    settings.BOTFLOW_HISTORY_MESSAGES = 3
    store(conversation, "exchange", ["one", "1"])
    latest = store(conversation, "exchange", ["two", "2"])

    assert load_history(new_message(conversation)) == latest


def test_a_reminder_stays_by_itself(conversation, settings):
    settings.BOTFLOW_HISTORY_MESSAGES = 3
    store(conversation, "exchange", ["one", "1"])
    latest = store(conversation, "reminder", ["Drink!"]) + store(
        conversation, "exchange", ["?", "!"]
    )

    assert load_history(new_message(conversation)) == latest


def test_quick_messages_are_shown_before_the_one_reply_to_them(conversation):
    shown = store(conversation, "quick messages", ["one", "two", "three", "answer"])

    assert load_history(new_message(conversation)) == shown


def test_the_summary_takes_its_share_of_the_tokens(conversation, settings):
    settings.BOTFLOW_SUMMARIZER, settings.BOTFLOW_HISTORY_TOKENS = "no.matter", 200
    store(conversation, "exchange", ["一" * 50, "a"])
    latest = store(conversation, "exchange", ["二" * 50, "b"])
    message = new_message(conversation)
    assert len(load_history(message)) == 4

    conversation.settings["summary"] = {"text": "零" * 80, "until": 0, "since": 0}
    summary, *rest = load_history(message)

    assert summary.content.endswith("零" * 80)
    assert rest == latest


def test_of_a_turn_that_was_read_in_part_nothing_is_returned(conversation):
    for number in range(3):
        store(conversation, "quick messages", [f"{number}a", f"{number}b", f"{number}c", "ok"])

    turns, is_more = latest_turns(conversation, most=6)

    assert [len(turn) for turn in turns] == [4]
    assert is_more


def test_what_is_asked_is_no_part_of_its_own_history(conversation):
    message = new_message(conversation)
    before = Message.objects.create(
        conversation=conversation,
        role="user",
        content="quick",
        state="stopped",
        seq=9,
        merged_into=message,
    )

    assert load_history(message, (before,)) == []


@pytest.mark.parametrize("summarizer", ["", "no.matter"])
def test_the_window_costs_one_query(conversation, settings, summarizer):
    settings.BOTFLOW_SUMMARIZER = summarizer
    for number in range(50):
        store(conversation, "exchange", [f"{number}", "ok"])
    message = new_message(conversation)

    with CaptureQueriesContext(connection) as captured:
        assert len(load_history(message)) == 40

    assert len(captured) == 1


# -- what schedules say ----------------------------------------------------------------------------


def shown(turn: Turn) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in turn.history]


async def put(worker: MiniWorker, action: str, **args: str) -> None:
    """Have a run do what a schedule asks for, in the one conversation there is."""

    def submit_it() -> None:
        conversation = Conversation.objects.get()
        submit(action, {"conversation": str(conversation.uuid)} | args, key=conversation.key)

    await read(submit_it)
    await worker.work()


async def test_who_answers_a_reminder_is_understood(worker, turns):
    await say("/remind in 10m drink water")
    await worker.work()
    await put(worker, "conversations.send_text", text="Have you had your water?")

    await say("yes, two glasses")
    await worker.work()

    assert ("assistant", "Have you had your water?") in shown(turns[-1])


async def test_who_answers_a_scheduled_question_is_understood(worker, turns):
    await say("hi")
    await worker.work()
    await put(worker, "conversations.ask", prompt="What is on today?")

    await say("and tomorrow?")
    await worker.work()

    assert shown(turns[-1])[-2:] == [
        ("system", "What is on today?"),
        ("assistant", "re: What is on today?"),
    ]


async def test_a_scheduled_question_sees_what_was_said_before(worker, turns):
    await say("I like tea")
    await worker.work()

    await put(worker, "conversations.ask", prompt="What shall I drink?")

    assert turns[-1].is_scheduled
    assert shown(turns[-1]) == [("user", "I like tea"), ("assistant", "re: I like tea")]
