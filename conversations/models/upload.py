"""Files that people sent."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.message import Message


class Upload(models.Model):
    """A file that somebody sent; in the database, which all machines of a site share.

    Unused ones, which no message names, are deleted after a day.
    """

    uuid = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    # Whose it is, as in a conversation: `user:<id>` or `visitor:<uuid>`.
    participant = models.CharField(_("participant"), max_length=100)
    message = models.ForeignKey(
        Message,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="uploads",
        verbose_name=_("message"),
    )
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(_("content type"), max_length=100)
    size = models.PositiveIntegerField(_("size in bytes"))
    content = models.BinaryField(_("content"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [
            models.Index(fields=["participant", "created_at"], name="upload_participant"),
            models.Index(fields=["created_at"], name="upload_created"),
        ]

    def __str__(self) -> str:
        return self.name
