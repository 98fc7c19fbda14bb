"""Following: what changes when somebody begins or ceases to follow, their tasks included."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from scheduling.models import Schedule
from scheduling.planning import pause, resume
from scheduling.triggers import InvalidTrigger
from wechat.models import Follower

logger = logging.getLogger(__name__)

#: Who paused tasks because their follower left. No user can have this name: it has a space.
PAUSED_BY = "WeChat 微信"


def subscribe(follower: Follower, *, scene: str = "", now: datetime) -> None:
    """Note that they follow, through which scene, and resume what their leaving paused.

    Joins the caller's transaction, which holds the follower's row and saves it afterwards. What was
    missed meanwhile stays missed.
    """
    if not follower.is_subscribed or follower.subscribed_at is None:
        follower.subscribed_at = now
    follower.is_subscribed = True
    follower.refusal = ""
    if scene:
        follower.scene = scene[: Follower._meta.get_field("scene").max_length]
    paused = Schedule.objects.paused().filter(
        owner=follower.conversation.owner, paused_by=PAUSED_BY
    )
    for schedule in paused.order_by("pk"):
        try:
            resume(schedule, now=now)
        except InvalidTrigger as error:
            logger.warning("Schedule %s stays paused: %s", schedule.pk, error)


def unsubscribe(follower: Follower, *, scene: str = "", now: datetime) -> None:
    """Note that they left: nothing can be sent to them, and their tasks pause until they return.

    As `subscribe`; there is no scene in leaving.
    """
    follower.is_subscribed = False
    follower.unsubscribed_at = now
    follower.message_left = follower.action_left = 0
    with translation.override(follower.conversation.locale):
        reason = _("The account is not followed any more.")
    tasks = Schedule.objects.enabled().filter(owner=follower.conversation.owner)
    for schedule in tasks.order_by("pk"):
        pause(schedule, now=now, by=PAUSED_BY, reason=reason)
