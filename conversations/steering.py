"""What a reader may do to the answer of their conversation: stop it, have it tried again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations import replies
from conversations.answering import end_message, is_carried_out
from conversations.asking import ASK, prompt_uuid
from conversations.branching import MessageNotFound, path_through
from conversations.frames import Frame, message_frame, status_frame
from conversations.models import Message, MessageQuerySet
from conversations.receiving import ANSWER, answer_run
from scheduling.actions import submit_many
from scheduling.ending import cancel
from scheduling.models import Run
from scheduling.states import RunState

__all__ = ["MessageNotFound", "Steering", "retry_answers", "stop_answers"]


@dataclass(frozen=True, slots=True)
class Steering:
    """A wish about one conversation; `message` is the one to be tried again.

    Where `before` is the id of a message only what came before it is stopped.
    """

    conversation: int
    message: uuid.UUID | None = None
    before: int | None = None


def stop_answers(wishes: list[Steering]) -> list[None]:
    """Stop the answer each conversation is waiting for; what was said after it is still answered.

    A running agent is cancelled by its worker; a message whose turn has not come ends here.
    """
    for wish in wishes:
        _stop(wish)
    return [None] * len(wishes)


def _stop(wish: Steering) -> None:
    waiting = _waiting(wish.conversation)
    if wish.before:
        waiting = waiting.filter(pk__lt=wish.before)
    message = waiting.first()
    if message is None:
        return
    runs = _answer_runs(message)
    running = next((run for run in runs if run.state == RunState.RUNNING), None)
    if running and not _is_answered_by(running, message):
        # Fire times decide: a prompt may be asked before what was said earlier is answered.
        message = waiting.filter(_answered_by(running)).first() or message
    _end(message, runs)


def _waiting(conversation: int) -> MessageQuerySet:
    """Return the turns that wait for their answer, or for its end."""
    waiting = Message.objects.waiting().filter(conversation=conversation, merged_into=None)
    return waiting.select_related("conversation")


def _end(message: Message, runs: list[Run]) -> None:
    run = next((run for run in runs if _is_answered_by(run, message)), None)
    if not (run and cancel(run, now=timezone.now())):
        end_message(message, state=Message.State.STOPPED, detail="")


def stop_message(message: Message) -> None:
    """Stop the answer that one message waits for; joins the caller's transaction."""
    _end(message, _answer_runs(message))


def stop_beside(versions: list[Message]) -> list[None]:
    """Stop the answers to what is no longer shown since a version took its place."""
    for version in versions:
        path = path_through(version)
        waiting = _waiting(version.conversation_id).select_related("conversation", "reply_to")
        for message in waiting:
            if not path.shows(message):
                stop_message(message)
    return [None] * len(versions)


def _answer_runs(message: Message) -> list[Run]:
    """Return the unfinished runs that answer what is said where this message is."""
    # Literals, as in the condition of the index on keys: it is not used for parameters.
    runs = Run.objects.raw(
        "SELECT * FROM scheduling_run"
        " WHERE key = %s AND state IN ('pending', 'running') AND NOT is_next",
        [message.conversation.key],
    )
    found = [run for run in runs if run.action in (ANSWER, ASK)]
    if message.is_prompt and not found:
        # Somebody submitted it without a key; few runs run at a time.
        found = list(Run.objects.running().filter(action=ASK, key=""))
    return found


def _answered_by(run: Run) -> Q:
    return Q(uuid=prompt_uuid(run.pk)) if run.action == ASK else Q(pk=run.args.get("message"))


def _is_answered_by(run: Run, message: Message) -> bool:
    if run.action == ASK:
        return message.uuid == prompt_uuid(run.pk)
    return bool(run.args.get("message") == message.pk)


def retry_answers(wishes: list[Steering]) -> list[list[Frame] | MessageNotFound]:
    """Queue messages again; return the frames that show it, none for one that is waiting already.

    The id may be that of the message or of its reply. The new reply takes the place of the old; a
    command that was carried out keeps the one it has.
    """
    return [_retry(wish) for wish in wishes]


@transaction.atomic
def _retry(wish: Steering) -> list[Frame] | MessageNotFound:
    named = Message.objects.asked().filter(conversation=wish.conversation, is_deleted=False)
    named = named.filter(Q(uuid=wish.message) | Q(reply__uuid=wish.message))
    message = named.select_related("conversation").select_for_update(of=("self",)).first()
    if message and message.merged_into_id:
        turns = Message.objects.filter(pk=message.merged_into_id)
        message = turns.select_related("conversation").select_for_update(of=("self",)).first()
    if message is None:
        return MessageNotFound()
    if message.state in (Message.State.QUEUED, Message.State.ANSWERING):
        return []
    messages = [message]
    if not is_carried_out(message):
        messages = replies.start_over(message)
        submit_many([answer_run(message)])
    reply = Message.objects.filter(uuid=message.reply_uuid).first()
    frames = [message_frame(reply, reply_to=message.uuid)] if reply else []
    return [*frames, *(status_frame(one.uuid, one.state, seq=one.seq) for one in messages)]
