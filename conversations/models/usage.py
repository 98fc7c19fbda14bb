"""What the agent used, day by day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Usage(models.Model):
    """What the agent used on one day in one conversation, whatever became of its replies.

    `conversation_id` is no foreign key: what was used stays used when a conversation is erased.
    """

    day = models.DateField(_("date"))
    conversation_id = models.BigIntegerField(_("conversation"))
    turns = models.PositiveIntegerField(_("turns"), default=0)
    input_tokens = models.PositiveBigIntegerField(_("input tokens"), default=0)
    output_tokens = models.PositiveBigIntegerField(_("output tokens"), default=0)

    class Meta:
        verbose_name = _("usage of a day")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(fields=["day", "conversation_id"], name="usage_of_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.conversation_id}"
