"""What leaves the window of the history is summed up, and an answer never suffers by it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from conversations.agents import AgentError, Chunk, HistoryMessage
from conversations.models import Conversation, Message, Usage
from conversations.summarizing import (
    LONGEST_MESSAGE,
    LONGEST_SUMMARY,
    REACH,
    REST,
    find_summarizer,
)
from scheduling.actions import submit
from scheduling.models import Run
from tests.conversations.summing_up import BEGINS, HERE, shown, stored, summaries, talk
from tests.conversations.summing_up import calls as calls
from tests.conversations.summing_up import use_summarizer as use_summarizer
from tests.conversations.working import read

# -- what is summed up, and when -------------------------------------------------------------------


async def test_what_leaves_the_window_is_shown_as_a_summary_before_it(worker, turns, calls):
    await talk(worker, "1", "2", "3", "4", "5")

    first, *rest = turns[-1].history
    assert (first.role, first.content) == ("system", f"{BEGINS}1 2 3")
    assert [message.content for message in rest] == ["2", "re: 2", "3", "re: 3", "4", "re: 4"]


async def test_nothing_is_summed_up_while_all_of_it_fits(worker, turns, calls):
    await talk(worker, "1", "2", "3")

    assert await summaries() == []


async def test_every_message_is_summed_up_once_and_none_is_ever_lost(worker, turns, calls):
    texts = [f"<{number}>" for number in range(20)]
    await talk(worker, *texts)

    summed_up = [message.content for _, messages in calls for message in messages]
    assert len(summed_up) == len(set(summed_up))
    assert len(calls) < 10
    for turn, said in zip(turns, range(20), strict=True):
        known = " ".join(shown(turn))
        assert [text for text in texts[:said] if text not in known] == []


async def test_each_summary_begins_with_the_one_before(worker, turns, calls):
    await talk(worker, *"1234567")

    assert [previous for previous, _ in calls] == ["", "1 2 3"]


async def test_what_schedules_said_is_summed_up_too(worker, turns, calls):
    await talk(worker, "1")

    def ask() -> None:
        args = {"conversation": str(Conversation.objects.get().uuid), "prompt": "How is it?"}
        submit("conversations.ask", args)

    await read(ask)
    await talk(worker, "2", "3")

    assert HistoryMessage("system", "How is it?") in calls[0][1]


async def test_a_window_of_tokens_is_kept_too(worker, turns, calls, settings):
    settings.BOTFLOW_HISTORY_TOKENS = 200
    await talk(worker, "长" * 60, "短", "句")

    assert shown(turns[-1]) == ["长" * 60, "re: " + "长" * 60, "短", "re: 短"]
    await talk(worker, "长" * 60, "？")
    assert shown(turns[-1])[0].startswith(f"{BEGINS}长长")
    assert "短" in shown(turns[-1])[0]


async def test_long_messages_are_shown_to_the_summarizer_by_beginning_and_end(worker, turns, calls):
    await talk(worker, "a" * 5000 + "end", "2", "3", "4")

    first = calls[0][1][0].content
    assert len(first) < LONGEST_MESSAGE + 10
    assert first.startswith("aaa")
    assert first.endswith("end")


async def test_much_at_once_is_summed_up_part_by_part(worker, turns, calls, settings):
    settings.BOTFLOW_HISTORY_TOKENS = 0
    settings.BOTFLOW_SUMMARIZER, summarizer = "", settings.BOTFLOW_SUMMARIZER
    await talk(worker, *[f"{number}" + "长" * 1900 for number in range(9)])
    settings.BOTFLOW_SUMMARIZER = summarizer
    await talk(worker, "last")

    assert [len(messages) for _, messages in calls] == [4, 4, 4, 4]
    [run] = await summaries()
    assert run.result == {"messages": 16}


async def test_of_a_long_conversation_the_latest_part_is_summed_up(worker, turns, calls):
    await talk(worker, "1")

    def add_many() -> None:
        conversation = Conversation.objects.get()
        first = conversation.seq + 1
        conversation.seq += 500
        conversation.save()
        rows = (
            Message(conversation=conversation, role="user", content=f"{n}", state="answered", seq=n)
            for n in range(first, conversation.seq + 1)
        )
        Message.objects.bulk_create(rows)

    await read(add_many)
    await talk(worker, "2")

    assert sum(len(messages) for _, messages in calls) in range(REACH, REACH + 6)


# -- the summarizer's own troubles -----------------------------------------------------------------


async def failing(previous: str, messages: list[HistoryMessage]) -> str:
    raise ValueError(f"Not shown: {messages[0].content}")


async def test_a_failing_summarizer_harms_no_answer(worker, turns, use_summarizer, caplog):
    use_summarizer(failing)
    with caplog.at_level(logging.DEBUG):
        await talk(worker, *"123456")

    assert [turn.text for turn in turns] == [*"123456"]
    assert shown(turns[-1]) == ["3", "re: 3", "4", "re: 4", "5", "re: 5"]
    assert "Not shown" not in caplog.text
    assert "ValueError" in caplog.text
    assert "in failing" in caplog.text


async def test_it_is_tried_again_and_then_left_alone_for_a_while(worker, turns, use_summarizer):
    use_summarizer(failing)
    await talk(worker, *"123456")

    [run] = await summaries()
    assert (run.state, run.attempt) == ("failed", 3)
    assert run.error == "The summarizer failed: ValueError."

    earlier = timezone.now() - REST - timedelta(seconds=1)
    await read(lambda: Run.objects.filter(pk=run.pk).update(finished_at=earlier))
    await talk(worker, "7")
    assert len(await summaries()) == 2


async def test_the_reason_of_an_agents_error_is_for_the_owner(worker, turns, use_summarizer):
    async def refuse(previous: str, messages: list[HistoryMessage]) -> str:
        raise AgentError("Not now.", reason="Check OPENAI_API_KEY.")

    use_summarizer(refuse)
    await talk(worker, *"1234")

    [run] = await summaries()
    assert (run.state, run.attempt, run.error) == ("failed", 1, "Check OPENAI_API_KEY.")


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (" \n", "The summarizer returned nothing."),
        (None, "The summarizer returned NoneType where text was expected."),
        (b"text", "The summarizer returned bytes where text was expected."),
    ],
)
async def test_what_is_no_summary_is_not_remembered(worker, turns, use_summarizer, said, error):
    async def sum_up(previous: str, messages: list[HistoryMessage]) -> Any:
        return said

    use_summarizer(sum_up)
    await talk(worker, *"1234")

    [run] = await summaries()
    assert (run.state, run.error) == ("failed", error)
    assert await stored() is None


async def test_a_summary_is_cut_at_its_longest_and_made_storable(worker, turns, use_summarizer):
    async def sum_up(previous: str, messages: list[HistoryMessage]) -> str:
        return "  \0\ud800" + "长" * 9000

    use_summarizer(sum_up)
    await talk(worker, *"1234")

    text = (await stored())["text"]
    assert len(text) == LONGEST_SUMMARY
    assert text.startswith("长")
    assert text.endswith("长…")


async def test_what_it_used_is_charged_to_the_conversation(worker, turns, use_summarizer):
    async def sum_up(previous: str, messages: list[HistoryMessage]) -> Chunk:
        return Chunk("They count.", input_tokens=120, output_tokens=7)

    use_summarizer(sum_up)
    await talk(worker, *"1234")

    usage = await read(Usage.objects.get)
    conversation = await read(Conversation.objects.get)
    assert usage.conversation_id == conversation.pk
    assert (usage.turns, usage.input_tokens, usage.output_tokens) == (0, 120, 7)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("no_such_module.sum_up", "cannot be imported"),
        ("summarizer", "cannot be imported"),
        (f"{HERE}.shown", "is no async function"),
        (f"{HERE}.HERE", "is no async function"),
    ],
)
def test_what_is_no_summarizer_is_refused_by_name(path, problem):
    with pytest.raises(ImproperlyConfigured, match=rf"BOTFLOW_SUMMARIZER: .*{problem}"):
        find_summarizer(path)
