"""Carries commands out: the effect and its reply, in the transaction that ends the answer's run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from conversations import replies
from conversations.channels import get_channel
from conversations.commands import task_commands
from conversations.commands.command_texts import help_text, unknown_text
from conversations.commands.parsing import Command, parse_command
from conversations.commands.reminding import TaskRefused, remind
from conversations.commands.tasks import Steer, show_tasks
from conversations.commands.when import UnclearTime
from conversations.frames import Frame, message_frame, status_frame
from conversations.models import Conversation, Message
from conversations.replies import ReplyText
from scheduling import clock
from scheduling.claiming import Claim
from scheduling.group_commit import group_commit
from scheduling.models import Run

logger = logging.getLogger(__name__)

_STEERS = {str(steer): steer for steer in Steer}
#: The commands after which readers are shown their tasks anew.
CHANGES_TASKS = {"remind", *_STEERS}


@dataclass(frozen=True, slots=True)
class Order:
    """A command to be carried out by an attempt of the run that answers its message."""

    message: Message
    command: Command
    claim: Claim
    #: When it was said, by the queue's clock.
    received_at: datetime
    #: The change with which the message waits: a stop that it asked for is a later one.
    seq: int


def command_of(message: Message) -> Command | None:
    """Return the command that a user typed, or chose in a menu; None for what is for the agent."""
    is_typed = message.content_type in (Message.ContentType.TEXT, Message.ContentType.EVENT)
    is_typed = is_typed and message.role == Message.Role.USER
    return parse_command(message.content) if is_typed else None


def order_of(message: Message, run: Run) -> Order | None:
    """Return what is to be carried out instead of asking the agent, None for no command."""
    command = command_of(message)
    if command is None:
        return None
    claim = Claim(run.pk, run.attempt)
    return Order(message, command, claim, run.created_at, message.seq)


def _language(message: Message) -> str:
    """Return the language to reply in: Chinese to a Chinese command, else the conversation's."""
    is_english = message.content.strip()[1:2].isascii()
    return message.conversation.locale if is_english else "zh-hans"


def carry_out(order: Order) -> ReplyText:
    """Do what a command says and return its reply; joins the transaction that ends its run.

    That holds the conversation's row. What is refused, or goes wrong, leaves nothing behind but a
    reply that says so.
    """
    with translation.override(_language(order.message)):
        try:
            with transaction.atomic():
                text = _CARRIERS[order.command.name](order, clock.now())
        except (UnclearTime, TaskRefused) as error:
            text = str(error)
        except ValidationError as error:
            text = " ".join(error.messages)
        except (OperationalError, InterfaceError, IntegrityError):
            raise  # The whole transaction is tried again.
        except Exception:  # Boundary: a command's failure is told in a sentence, as a reply.
            logger.exception("The command %s could not be carried out.", order.command.name)
            text = replies.failure_text()
    return ReplyText(order.message, order.claim, text, timezone.now())


def _help(order: Order, now: datetime) -> str:
    return help_text()


def _unknown(order: Order, now: datetime) -> str:
    return unknown_text(order.command.suggestion)


def _remind(order: Order, now: datetime) -> str:
    conversation, argument = order.message.conversation, order.command.argument
    return remind(argument, conversation, received_at=order.received_at, now=now)


def _tasks(order: Order, now: datetime) -> str:
    return task_commands.list_tasks(order.message.conversation, now=now)


def _steer(order: Order, now: datetime) -> str:
    do = _STEERS[order.command.name]
    conversation = order.message.conversation
    return task_commands.steer_named(order.command.argument, do, conversation, now=now)


def _new(order: Order, now: datetime) -> str:
    """Have the agent's history begin behind this message."""
    message = order.message
    since = {"message": message.pk, "seq": order.seq}
    forgotten = {"summary": None} if "summary" in message.conversation.settings else {}
    Conversation.objects.remember(message.conversation_id, history_after=since, **forgotten)
    return _("A new conversation: what was said before is no longer shown to the assistant.")


def _stop(order: Order, now: datetime) -> str:
    """Tell what was stopped when this was received; its own turn came only now."""
    earlier = Message.objects.asked().filter(
        conversation=order.message.conversation_id, pk__lt=order.message.pk, seq__gt=order.seq
    )
    if earlier.filter(state=Message.State.STOPPED).exists():
        return _("Stopped.")
    return _("Nothing was being answered.")


_CARRIERS: dict[str, Callable[[Order, datetime], str]] = {
    "help": _help,
    "remind": _remind,
    "tasks": _tasks,
    **dict.fromkeys(_STEERS, _steer),
    "new": _new,
    "stop": _stop,
    "unknown": _unknown,
}


async def show(order: Order, reply: Message) -> None:
    """Show the stored reply, that its message is answered, and the tasks where they changed."""
    message = order.message
    channel = get_channel(message.conversation.channel)
    if not channel.streams:
        return
    frames = [
        await asyncio.to_thread(message_frame, reply, reply_to=message.uuid),
        status_frame(message.uuid, message.state, seq=message.seq),
    ]
    if order.command.name in CHANGES_TASKS:
        frames.append(await tasks_now(message.conversation))
    await channel.show(message.conversation.uuid, frames)


async def tasks_now(conversation: Conversation) -> Frame:
    """Return the `tasks` frame of a conversation as it is stored."""
    return await group_commit().read(show_tasks, conversation.pk)
