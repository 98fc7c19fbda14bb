"""Answering: shows an agent the turn, shows the reply while it streams, stores it once whole."""

from __future__ import annotations

import asyncio
import logging
import time

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from conversations import replies
from conversations.agents import AgentError, HistoryMessage, Turn, get_agent, stream_reply
from conversations.channels import get_channel
from conversations.delivering import submit_deliveries
from conversations.frames import message_frame, status_frame
from conversations.live import LiveReply
from conversations.models import Message
from conversations.replies import ReplyText
from scheduling.actions import ActionError, Commit
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState

logger = logging.getLogger(__name__)

_WAITING = (Message.State.QUEUED, Message.State.ANSWERING)


async def answer(run: Run, message_id: int) -> Commit | None:
    """Stream the agent's reply to a message; return what stores it with the end of the run.

    None when the message is answered already, by an attempt that died after its commit, or when
    it was stopped or deleted meanwhile.
    """
    loaded = await group_commit().read(load_turn, message_id)
    if loaded is None:
        return None
    message, turn = loaded
    began = time.monotonic()
    live = LiveReply(message, is_again=run.attempt > 1)
    async with live:
        try:
            async for chunk in stream_reply(get_agent(), turn):
                if not await live.add(chunk):
                    break
        except asyncio.CancelledError:
            await live.save()
            raise
        except AgentError as error:
            await live.save()
            await group_commit()(_note_details, (message.pk, str(error)))
            raise
        except (
            Exception
        ) as error:  # Boundary: an agent may raise anything; the user learns nothing.
            logger.exception("The agent failed.")
            await live.save()
            summary = f"The agent failed: {type(error).__name__}."
            raise ActionError(summary, permanent=not _is_transient(error)) from error
    text = live.text(process_time_ms=round((time.monotonic() - began) * 1000))
    return Commit(finish_replies, text, then=live.show_end)


def _is_transient(error: Exception) -> bool:
    """Tell whether the network is to blame, so that another attempt may go better."""
    return isinstance(error, (ConnectionError, TimeoutError))


def load_turn(message_id: int) -> tuple[Message, Turn] | None:
    """Return a waiting message and what the agent is shown of it; two queries."""
    message = Message.objects.select_related("conversation").filter(pk=message_id).first()
    if message is None or message.state not in _WAITING:
        return None
    conversation = message.conversation
    preferences = conversation.settings
    turn = Turn(
        text=message.content,
        history=load_history(message),
        conversation=conversation,
        channel=conversation.channel,
        locale=preferences.get("locale", settings.LANGUAGE_CODE),
        timezone=preferences.get("timezone", settings.TIME_ZONE),
        attachments=(message.attachment,) if message.attachment else (),
    )
    return message, turn


def load_history(message: Message) -> list[HistoryMessage]:
    """Return what was said before, each reply behind what it answers, the oldest first."""
    said = [Message.State.ANSWERED, Message.State.DONE, Message.State.STOPPED]
    latest = (
        Message.objects.filter(conversation=message.conversation_id, state__in=said)
        .exclude(content="")
        .order_by("-seq")[: settings.BOTFLOW_HISTORY_MESSAGES]
    )
    in_order = sorted(latest, key=lambda m: (m.reply_to_id or m.pk, m.pk))
    return [
        HistoryMessage(m.role, m.content, (m.attachment,) if m.attachment else ())
        for m in in_order
        if m.pk != message.pk and m.reply_to_id != message.pk
    ]


def finish_replies(parts: list[ReplyText]) -> list[Message]:
    """Store whole replies and queue those that must be delivered; joins the transaction."""
    stored = replies.finish(parts)
    submit_deliveries(stored)
    return stored


def _note_details(notes: list[tuple[int, str]]) -> list[None]:
    for pk, detail in notes:
        Message.objects.filter(pk=pk).update(detail=detail[:500])
    return [None] * len(notes)


def ended(run: Run) -> None:
    """End the message of a run that failed or was cancelled, and show it once that is stored."""
    message = (
        Message.objects.select_related("conversation")
        .filter(pk=run.args.get("message"), state__in=_WAITING)
        .first()
    )
    if message is None:
        return
    if run.state == RunState.CANCELLED:
        end_message(message, state=Message.State.STOPPED, detail=_("Stopped."))
    else:
        detail = message.detail or replies.failure_text()
        end_message(message, state=Message.State.FAILED, detail=detail)


def end_message(message: Message, *, state: Message.State, detail: str) -> None:
    """Give a message up and show it after the commit; joins the caller's transaction."""
    partial = replies.give_up(message, state=state, detail=detail)
    frames = [message_frame(partial, reply_to=message.uuid)] if partial else []
    frames.append(status_frame(message.uuid, message.state, seq=message.seq, detail=detail))
    conversation = message.conversation
    channel = get_channel(conversation.channel)
    transaction.on_commit(
        lambda: async_to_sync(channel.show)(conversation.uuid, frames), robust=True
    )
