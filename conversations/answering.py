"""Answering: shows an agent the turn, shows the reply while it streams, stores it once whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from functools import partial

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from conversations import budgets, refusing, replies, sayings, texts
from conversations.agents import AgentError, Turn, get_agent, stream_reply
from conversations.channels import get_channel
from conversations.commands import executing
from conversations.commands.executing import command_of, order_of
from conversations.finishing import finish
from conversations.frames import message_frame, status_frame
from conversations.history import load_history
from conversations.live import LiveReply
from conversations.merging import merge_into_next, merged_into
from conversations.models import Message
from conversations.rendering import to_html
from conversations.sayings import Saying
from conversations.summarizing import get_summarizer
from scheduling import clock
from scheduling.actions import ActionError, Commit
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState

logger = logging.getLogger(__name__)

_WAITING = (Message.State.QUEUED, Message.State.ANSWERING)


def warm_up() -> None:
    """Build the agent and channels, and have the renderer compile its rules."""
    get_agent()
    if settings.BOTFLOW_SUMMARIZER:
        get_summarizer()
    for name in settings.BOTFLOW_CHANNELS:
        get_channel(name)
    to_html("*warm*")


async def answer(run: Run, message_id: int) -> Commit | None:
    """Stream the agent's reply to a message; return what stores it with the end of the run.

    A command is carried out in that transaction instead, and no agent sees it. None when the
    message is answered already, by an attempt that died after its commit, or when it was stopped
    or deleted meanwhile.
    """
    if settings.BOTFLOW_MERGE_PAUSE and await group_commit()(merge_into_next, message_id):
        return None
    loaded = await group_commit().look(load_turns, message_id)
    if loaded is None:
        return None
    message, merged, turn = loaded
    if order := order_of(message, run):
        return Commit(finish, order, then=partial(executing.show, order))
    await refusing.check(run, message)
    began = time.monotonic()
    live = LiveReply(message, run, merged)
    async with live:
        try:
            await _stream(turn, live)
        except AgentError as error:
            await group_commit()(_note_details, (message.pk, str(error)))
            raise _for_the_owner(error) from error
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            # Boundary: an agent may raise anything; users learn nothing.
            if _is_interrupted(error):
                raise
            raise _agent_failed(error) from error
    process_time_ms = round((time.monotonic() - began) * 1000)
    text = live.text(process_time_ms, budgets.charge_of(turn, live.used(), at=clock.reckon()))
    return Commit(finish, text, then=live.show_end)


async def _stream(turn: Turn, live: LiveReply) -> None:
    """Feed the agent's chunks to the reply.

    Whatever ends it early, its text so far is saved, and what it used is charged.
    """
    agent = get_agent()
    try:
        async with asyncio.timeout(settings.BOTFLOW_RUN_TIMEOUT) as limit:
            async with contextlib.aclosing(stream_reply(agent, turn)) as chunks:
                async for chunk in chunks:
                    if not await live.add(chunk):
                        break
    except BaseException as error:
        await live.try_to_save()
        has_expired = isinstance(error, TimeoutError) and limit.expired()
        used = live.used(failed=isinstance(error, Exception) and not has_expired, is_cut=True)
        await budgets.try_to_charge(budgets.charge_of(turn, used, at=clock.reckon()))
        if has_expired:
            with translation.override(turn.locale):
                raise AgentError(_("The answer took too long.")) from None
        raise


def _is_interrupted(error: BaseException) -> bool:
    """Tell a cancelled turn from an agent whose own doing it was: that one has failed."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and bool(task and task.cancelling())


def _for_the_owner(error: AgentError) -> ActionError:
    """Return what the run records: the owner's sentence where the user reads another."""
    return ActionError(error.reason, permanent=error.permanent, retry_after=error.retry_after)


def _agent_failed(error: BaseException) -> ActionError:
    """Return what the run records; tried again where the network is to blame."""
    logger.error("The agent failed.", exc_info=error)
    is_transient = isinstance(error, (ConnectionError, TimeoutError))
    return ActionError(f"The agent failed: {type(error).__name__}.", permanent=not is_transient)


Loaded = tuple[Message, tuple[Message, ...], Turn]


def load_turns(message_ids: list[int]) -> list[Loaded | None]:
    """Return each waiting message, what it took in, and what the agent is shown of them.

    None for a message that waits no longer, or is part of a later one's turn. Two queries and one
    each.
    """
    waiting = Message.objects.select_related("conversation").filter(state__in=_WAITING)
    found = waiting.filter(merged_into=None).in_bulk(message_ids)
    merged = merged_into(found)
    return [
        _loaded(found[pk], tuple(merged.get(pk, ()))) if pk in found else None for pk in message_ids
    ]


def _loaded(message: Message, merged: tuple[Message, ...]) -> Loaded:
    conversation = message.conversation
    said = (*merged, message)
    turn = Turn(
        text="\n".join(one.content for one in said),
        history=load_history(message, merged),
        conversation=conversation,
        channel=conversation.channel,
        locale=conversation.locale,
        timezone=conversation.timezone,
        attachments=tuple(url for one in said for url in one.attachments),
        id=message.uuid,
        said_at=message.created_at,
        is_scheduled=message.is_prompt,
    )
    return message, merged, turn


def _note_details(notes: list[tuple[int, str]]) -> list[None]:
    for pk, detail in notes:
        Message.objects.filter(pk=pk).update(detail=texts.clean(detail)[:500])
    return [None] * len(notes)


def ended(run: Run) -> None:
    """End the message of a run that failed or was cancelled, and show it once that is stored."""
    end_turn(run, Message.objects.filter(pk=run.args.get("message")))


def end_turn(run: Run, messages: QuerySet[Message]) -> None:
    """End the one message that a run was to answer, unless it is over; joins the transaction.

    A failure is said where readers do not see the state of what they said.
    """
    message = messages.select_related("conversation").filter(state__in=_WAITING).first()
    if message is None:
        return
    with translation.override(message.conversation.locale):
        if run.state == RunState.CANCELLED:
            end_message(message, state=Message.State.STOPPED, detail=_("Stopped."))
        else:
            detail = message.detail or replies.failure_text()
            end_message(message, state=Message.State.FAILED, detail=detail)
            _say_failure(message, detail)


def _say_failure(message: Message, detail: str) -> None:
    conversation = message.conversation
    try:
        is_seen = get_channel(conversation.channel).reads_rows
    except ImproperlyConfigured:
        return  # A channel that was taken away must not keep its messages from ending.
    if not is_seen:
        sayings.store([Saying(conversation, uuid.uuid4(), detail, state=Message.State.FAILED)])


def retried(run: Run) -> None:
    """Queue the message again whose run an operator put back into the queue."""
    start_turn_over(Message.objects.filter(pk=run.args.get("message")))


def start_turn_over(messages: QuerySet[Message]) -> None:
    """Queue the one message again unless it waits already; joins the caller's transaction.

    A command that was carried out is not carried out again.
    """
    message = messages.select_related("conversation").exclude(state__in=_WAITING).first()
    if message and not is_carried_out(message):
        replies.start_over(message)


def is_carried_out(message: Message) -> bool:
    """Tell whether it is a command that has had its effect."""
    return message.state == Message.State.ANSWERED and command_of(message) is not None


def end_message(message: Message, *, state: Message.State, detail: str) -> None:
    """Give a message up and show it after the commit; joins the caller's transaction."""
    partial, ended = replies.give_up(message, state=state, detail=detail)
    frames = [message_frame(partial, reply_to=message.uuid)] if partial else []
    frames += [status_frame(one.uuid, one.state, seq=one.seq, detail=detail) for one in ended]
    conversation = message.conversation

    def show() -> None:
        # Found here: a channel that was taken away must not keep its messages from ending.
        async_to_sync(get_channel(conversation.channel).show)(conversation.uuid, frames)

    transaction.on_commit(show, robust=True)
