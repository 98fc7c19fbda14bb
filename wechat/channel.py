"""The WeChat channel: hands replies to followers when WeChat allows it, and keeps them when not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.channels import Channel, DeliveryError, DeliveryHeld
from conversations.models import Conversation, Message
from scheduling.group_commit import group_commit
from wechat import claiming, templates
from wechat.account import can_send_now
from wechat.handing import Handover, Moved
from wechat.ledger import Reach, reach
from wechat.media import WECHAT_HOSTS, ImageRefused, fetch_image
from wechat.models import Follower
from wechat.reacting import MAX_ATTEMPTS

_OPEN = (Message.Delivery.WAITING, Message.Delivery.SENDING)
# How often a delivery looks anew because a reply took some of the message meanwhile.
_LOOKS = 5


class WeChatChannel(Channel):
    """Followers of the official account; an address is an OpenID.

    A reply that was not handed over in time as the answer to WeChat's own request goes out as up to
    WECHAT_MAX_PARTS customer-service messages, while the follower's window is open; as a template
    message if it was not asked for; else with the follower's next message.
    """

    name = "wechat"
    holds = True
    max_attempts = MAX_ATTEMPTS

    async def deliver(self, message: Message) -> None:
        """Send a message; nothing of it twice, whoever else hands it over.

        One that is found SENDING was being sent by a worker that is gone: the part it was at is not
        sent again, the rest is, and the outcome remains unknown.
        """
        for _look in range(_LOOKS):
            standing = await group_commit().look(claiming.look, message.pk)
            if standing is None or standing.state not in _OPEN:
                return
            if standing.follower is None:
                raise DeliveryHeld(_("Nobody with this address has written yet."))
            try:
                await Handover(message, standing, standing.follower).carry_out()
            except Moved:
                continue
            return
        raise DeliveryError(_("Others keep handing it over."), permanent=False)

    def deliver_after(self, messages: Sequence[Message]) -> dict[int, datetime]:
        """Leave a reply to the request that is still open for it; one query."""
        replies = {message.reply_to_id: message for message in messages if message.reply_to_id}
        asked = Message.objects.filter(pk__in=replies, role=Message.Role.USER)
        now = timezone.now()
        after = {}
        for pk, asked_at, held_until in asked.values_list(
            "pk", "created_at", "inbound__held_until"
        ):
            # The request is noted just after its message is stored: until then it is waiting, too.
            until = held_until or asked_at + timedelta(seconds=settings.WECHAT_REPLY_DEADLINE)
            if until > now:
                after[replies[pk].pk] = until
        return after

    async def open_image(self, attachment: str) -> tuple[str, bytes] | None:
        """Fetch a follower's picture, which lies on WeChat's servers for some days."""
        if not attachment.startswith(("http://", "https://")):
            return None
        try:
            image = await fetch_image(attachment, allowed_hosts=WECHAT_HOSTS)
        except ImageRefused:
            return None
        return image.content_type, image.data

    def reach_note(self, conversation: Conversation, times: Sequence[datetime]) -> str:
        """Say what becomes of a message that WeChat does not let through at one of these times."""
        can_send = can_send_now()
        if can_send is False:
            return _(
                "On this account I cannot write first. At its time I keep it, and you see it as "
                "soon as you send me anything."
            )
        follower = Follower.objects.filter(conversation=conversation).first()
        if not times or (len(times) == 1 and _is_reachable(follower, times[0])):
            return "" if can_send or not times else _uncertain_text()
        if templates.is_configured():
            return _(
                "WeChat lets me write to you for 48 hours after your last message. Later I send a "
                "short notice instead, and keep the rest until you write."
            )
        return _(
            "WeChat lets me write to you for 48 hours after your last message, and five times at "
            "most. Later I keep it, and you see it as soon as you send me anything."
        )


def _is_reachable(follower: Follower | None, at: datetime) -> bool:
    return follower is not None and reach(follower, at) is Reach.OPEN


def _uncertain_text() -> str:
    return _(
        "If WeChat does not let me write first, I keep it, and you see it as soon as you send me "
        "anything."
    )
