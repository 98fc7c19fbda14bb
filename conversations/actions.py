"""The actions of this app: answer a message, deliver a reply."""

from __future__ import annotations

import structlog
from django.utils.translation import gettext_lazy as _

from conversations import answering, delivering
from conversations.receiving import ANSWER
from scheduling.actions import Commit, action
from scheduling.models import Run


@action(ANSWER, label=_("Answer a message"), ended=answering.ended, retried=answering.retried)
async def answer(run: Run, *, message: int) -> Commit | None:
    """Answer one message; to be run again after a crash is harmless."""
    structlog.contextvars.bind_contextvars(message=message)
    return await answering.answer(run, message)


@action(delivering.DELIVER, label=_("Deliver a reply"), ended=delivering.ended)
async def deliver(run: Run, *, message: int) -> Commit | None:
    """Hand a stored reply to its channel."""
    return await delivering.deliver(message)
