"""Asking: a prompt that nobody said is stored as one and answered, in the run that asks it."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from conversations import answering
from conversations.addressing import checked_text, conversation_of, no_conversation
from conversations.models import Conversation, Message
from scheduling.actions import Commit
from scheduling.attempts import LostLease, still_owned
from scheduling.claiming import Claim
from scheduling.group_commit import group_commit
from scheduling.inserting import insert
from scheduling.models import Run

ASK = "conversations.ask"
#: Makes the id of a prompt from the run that asks it: the next attempt finds it again.
PROMPT_NAMESPACE = uuid.UUID("7a2f9c1e-0d64-4b7b-9a35-2c8d61e4f7b3")


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, where, and by which attempt."""

    claim: Claim
    conversation: Conversation
    content: str


def prompt_uuid(run: int) -> uuid.UUID:
    return uuid.uuid5(PROMPT_NAMESPACE, str(run))


async def ask(run: Run, *, conversation: str | int, prompt: str) -> Commit | None:
    """Store the prompt, unless an earlier attempt did, and answer it as what a user says.

    None when it is answered already, or was stopped meanwhile.
    """
    content = checked_text(prompt)
    found = await conversation_of(conversation)
    asked = Prompt(Claim(run.pk, run.attempt), found, content)
    try:
        message: Message = await group_commit()(store_prompts, asked)
    except LostLease:
        return None
    commit = await answering.answer(run, message.pk)
    return replace(commit, result={"messages": [str(message.reply_uuid)]}) if commit else None


def store_prompts(prompts: list[Prompt]) -> list[Any]:
    """Return the message of each prompt, storing those that are new; joins the transaction.

    ActionError for one whose conversation is gone; LostLease for one whose attempt is over: a
    worker that slept through its lease would leave a prompt that nobody answers.
    """
    owned = still_owned([prompt.claim for prompt in prompts])
    uuids = [prompt_uuid(prompt.claim.run) for prompt in prompts]
    found = {message.uuid: message for message in Message.objects.filter(uuid__in=uuids)}
    fresh = [p for p in prompts if p.claim in owned and prompt_uuid(p.claim.run) not in found]
    if fresh:
        seq = Conversation.objects.advance_all(Counter(p.conversation.pk for p in fresh))
        rows = [_message(prompt, seq) for prompt in fresh if prompt.conversation.pk in seq]
        insert(rows)
        found |= {row.uuid: row for row in rows}
    return [
        found.get(name, no_conversation()) if prompt.claim in owned else LostLease()
        for name, prompt in zip(uuids, prompts, strict=True)
    ]


def _message(prompt: Prompt, seq: dict[int, int]) -> Message:
    number = seq[prompt.conversation.pk]
    seq[prompt.conversation.pk] += 1
    return Message(
        uuid=prompt_uuid(prompt.claim.run),
        conversation=prompt.conversation,
        role=Message.Role.SYSTEM,
        content=prompt.content,
        # Its run has begun; only a prompt that is asked again is queued.
        state=Message.State.ANSWERING,
        seq=number,
    )


def ended(run: Run) -> None:
    """End the prompt of a run that failed or was cancelled; one that never began has none."""
    answering.end_turn(run, Message.objects.filter(uuid=prompt_uuid(run.pk)))


def retried(run: Run) -> None:
    """Queue the prompt again whose run an operator put back into the queue."""
    answering.start_turn_over(Message.objects.filter(uuid=prompt_uuid(run.pk)))
