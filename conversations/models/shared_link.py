"""Links by which others read a conversation without signing in."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from conversations.models.message import Message


def new_token() -> str:
    return secrets.token_urlsafe(24)


class SharedLink(models.Model):
    """Whoever has the token reads the conversation as it was at `renewed_at`."""

    conversation = models.OneToOneField(
        Conversation, models.CASCADE, related_name="shared_link", verbose_name=_("conversation")
    )
    token = models.CharField(_("token"), max_length=64, unique=True, default=new_token)
    # The conversation's number then; what has changed since has a higher one.
    until = models.PositiveBigIntegerField(_("sequence"))
    # The version behind which it went on then, null for the first branch. Without that version
    # another thread would be shown than the one that was shared: the link goes with it.
    branch = models.ForeignKey(
        Message, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("branch")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    renewed_at = models.DateTimeField(_("renewed"), default=timezone.now)

    class Meta:
        verbose_name = _("shared link")
        verbose_name_plural = _("shared links")

    def __str__(self) -> str:
        return str(self.conversation)
