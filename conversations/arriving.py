"""Arriving: what channels call with what they were sent; stores it, has a `/stop` act at once."""

from __future__ import annotations

from django.db import IntegrityError

from conversations.commands.executing import command_of
from conversations.models import Message
from conversations.receiving import Incoming, Received, receive_messages
from conversations.steering import Steering, stop_answers, stop_beside
from scheduling.group_commit import group_commit
from scheduling.writing import writing


async def arrive(incoming: Incoming) -> Received:
    """Store a message and queue its answer; return once both are committed.

    `/stop` stops the answer before it without waiting for its own turn, which only replies. A
    second delivery stores nothing, and has a `/stop` act that a crash kept from it. Raises
    DatabaseError or InterfaceError when the database does not come back.
    """
    received = await group_commit()(receive_messages, incoming)
    if wish := _stop_of(received.message):
        await group_commit()(stop_answers, wish)
    if _is_version(received.message):
        await group_commit()(stop_beside, received.message)
    return received


def receive(incoming: Incoming) -> Received:
    """Do as `arrive` for code without an event loop, in transactions of its own."""
    try:
        received = _receive_alone(incoming)
    except IntegrityError:
        # Another process stored the same external id, between the look for it and the insert.
        received = _receive_alone(incoming)
    if wish := _stop_of(received.message):
        with writing():
            stop_answers([wish])
    if _is_version(received.message):
        with writing():
            stop_beside([received.message])
    return received


def _receive_alone(incoming: Incoming) -> Received:
    with writing():
        result: Received | LookupError = receive_messages([incoming])[0]
    if isinstance(result, LookupError):
        raise result
    return result


def _is_version(message: Message) -> bool:
    """Tell whether it is a waiting new version, off whose thread nothing else is answered."""
    return message.replaces_id is not None and message.state == Message.State.QUEUED


def _stop_of(message: Message) -> Steering | None:
    """Return what a waiting `/stop` wishes, None for any other message."""
    command = command_of(message) if message.state == Message.State.QUEUED else None
    if command is None or command.name != "stop":
        return None
    return Steering(message.conversation_id, before=message.pk)
