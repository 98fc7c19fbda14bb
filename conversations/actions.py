"""The actions of this app: answer a message, deliver a reply, sum up, say or ask unasked."""

from __future__ import annotations

import structlog
from django.utils.translation import gettext_lazy as _

from conversations import answering, asking, delivering, sending, summarizing
from conversations.action_forms import AskForm, SendTextForm, SendToManyForm
from conversations.addressing import conversation_key
from conversations.receiving import ANSWER
from scheduling.actions import Commit, action
from scheduling.models import Run


@action(ANSWER, label=_("Answer a message"), ended=answering.ended, retried=answering.retried)
async def answer(run: Run, *, message: int) -> Commit | None:
    """Answer one message; to be run again after a crash is harmless."""
    structlog.contextvars.bind_contextvars(message=message)
    return await answering.answer(run, message)


@action(
    delivering.DELIVER,
    label=_("Deliver a reply"),
    ended=delivering.ended,
    retried=delivering.retried,
)
async def deliver(run: Run, *, message: int) -> Commit | None:
    """Hand a stored reply to its channel."""
    return await delivering.deliver(message)


@action(summarizing.SUMMARIZE, label=_("Sum up a conversation"))
async def summarize(run: Run, *, conversation: int) -> dict[str, int] | None:
    """Sum up what no longer fits the window of a conversation's history."""
    return await summarizing.summarize(run, conversation)


# Without the conversation's key: a reminder waits for no answer, however long that takes.
@action("conversations.send_text", label=_("Send a text"), form=SendTextForm)
async def send_text(run: Run, *, conversation: str | int, text: str) -> Commit:
    """Say a text in a conversation, without any agent."""
    return await sending.send_text(run, conversation=conversation, text=text)


@action(
    asking.ASK,
    label=_("Ask the agent"),
    form=AskForm,
    key=conversation_key,
    ended=asking.ended,
    retried=asking.retried,
)
async def ask(run: Run, *, conversation: str | int, prompt: str) -> Commit | None:
    """Have the agent answer a prompt in a conversation, as if a user had said it."""
    return await asking.ask(run, conversation=conversation, prompt=prompt)


@action("conversations.send_to_many", label=_("Send a text to many"), form=SendToManyForm)
async def send_to_many(run: Run, *, channel: str, days: int, text: str) -> dict[str, int] | None:
    """Say a text in every conversation of a channel in which a user was active lately."""
    return await sending.send_to_many(run, channel=channel, days=days, text=text)
