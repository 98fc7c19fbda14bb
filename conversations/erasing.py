"""Erases conversations for good: their messages, and what was still to be done for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from conversations.models import Conversation
from scheduling.ending import cancel
from scheduling.models import Run
from scheduling.states import FINISHED


@transaction.atomic
def erase(conversations: Iterable[Conversation], *, now: datetime) -> None:
    """Delete conversations with their messages and tasks; waiting runs are cancelled first.

    An answer that is being written is told to stop, and finds nothing to write to.
    """
    for conversation in conversations:
        for run in Run.objects.filter(key=conversation.key).exclude(state__in=FINISHED):
            cancel(run, now=now)
        conversation.delete()
