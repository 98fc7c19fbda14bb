"""What actions say of where and what: finds the conversation they name, checks the text to say."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.models import Conversation
from conversations.texts import clean
from scheduling.actions import ActionError
from scheduling.group_commit import group_commit


async def conversation_of(name: str | int) -> Conversation:
    """Return the conversation an action names; raises ActionError (permanent)."""
    return await group_commit().read(find_conversation, name)


def find_conversation(name: str | int) -> Conversation:
    """Return the conversation with this uuid or integer id; raises ActionError (permanent).

    One query.
    """
    found = Conversation.objects.filter(**_lookup(name)).first()
    if found is None:
        raise no_conversation()
    if found.channel not in settings.BOTFLOW_CHANNELS:
        raise no_channel(found.channel)
    return found


def _lookup(name: Any) -> dict[str, Any]:
    if isinstance(name, int) and not isinstance(name, bool):
        return {"pk": name}
    try:
        return {"uuid": uuid.UUID(name)}
    except (ValueError, TypeError, AttributeError):
        # An id as forms send it; no id has more digits than this.
        is_id = isinstance(name, str) and name.isdecimal() and len(name) < 20
        if not is_id:
            raise no_conversation() from None
        return {"pk": int(name)}


def no_conversation() -> ActionError:
    return ActionError(_("There is no such conversation, or it was erased."), permanent=True)


def no_channel(name: str) -> ActionError:
    return ActionError(_("The site has no channel “%s”.") % name, permanent=True)


def conversation_key(args: dict[str, Any]) -> str:
    """Return the key of the conversation that an action's arguments name, "" for none."""
    try:
        return find_conversation(args.get("conversation", "")).key
    except ActionError:
        return ""


def checked_text(text: Any) -> str:
    """Return what is to be said as it can be stored; raises ActionError (permanent)."""
    if not isinstance(text, str) or not (content := clean(text)).strip():
        raise ActionError(_("The text is empty."), permanent=True)
    most = settings.BOTFLOW_MAX_MESSAGE_LENGTH
    if len(content) > most:
        detail = _("The text may have %(most)d characters; this one has %(length)d.")
        raise ActionError(detail % {"most": most, "length": len(content)}, permanent=True)
    return content
