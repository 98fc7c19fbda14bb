"""The actions of this app: show a follower that an answer is being written."""

from __future__ import annotations

import logging

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import Message
from scheduling.actions import action
from scheduling.group_commit import group_commit
from scheduling.models import Run
from wechat.account import can_send, learn, read_account
from wechat.client import client
from wechat.errors import ApiError, Reaction, WeChatError

logger = logging.getLogger(__name__)

TYPING = "wechat.typing"
_BEING_ANSWERED = (Message.State.QUEUED, Message.State.ANSWERING)


@action(TYPING, label=_("Show that an answer is being written"))
async def typing(run: Run, *, message: int) -> str | None:
    """Show the sender of a message that it is being answered, while it is.

    WeChat's answer also tells whether messages may be sent at all, which is remembered. It is only
    a courtesy: what fails is not tried again, and is no failure of the run. Returns why, if it did.
    """
    if not settings.WECHAT_TYPING or await can_send() is False:
        return None
    stopped_until = (await read_account()).stopped_until
    if stopped_until and timezone.now() < stopped_until:
        return None
    openid = await group_commit().look(_waiting_for, message)
    if not openid:
        return None
    try:
        await client().typing(openid)
    except WeChatError as error:
        return await _learn_from(error)
    if await can_send() is None:
        await learn(True)
    return None


async def _learn_from(error: WeChatError) -> str:
    if isinstance(error, ApiError) and error.reaction is Reaction.NOT_ALLOWED:
        await learn(False, str(error))
        logger.warning("The account can only reply. %s", error)
    return str(error)


def _waiting_for(messages: list[int]) -> list[str]:
    """Return the OpenID of who waits for the answer to each message, "" for nobody."""
    waiting = Message.objects.filter(pk__in=messages, state__in=_BEING_ANSWERED)
    found = dict(waiting.values_list("pk", "conversation__address"))
    return [found.get(pk, "") for pk in messages]
