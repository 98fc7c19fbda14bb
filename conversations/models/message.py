"""Messages: what was said, in which order, and what became of it."""

from __future__ import annotations

import uuid
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation

#: Makes the id of a reply from the id of the message it answers: a rescued run finds it again.
REPLY_NAMESPACE = uuid.UUID("3e2f2b0c-6a3b-4f60-9d5e-8a4f0b7c1d2e")


class MessageQuerySet(models.QuerySet["Message"]):
    def since(self, seq: int) -> Self:
        """Messages changed after `seq`, in the order of their last change."""
        return self.filter(seq__gt=seq).order_by("seq")

    def before(self, seq: int) -> Self:
        """Messages last changed before `seq`, the latest first."""
        return self.filter(seq__lt=seq).order_by("-seq")

    def asked(self) -> Self:
        """What an agent is to answer, or did: what users said and prompts, no notes or events."""
        return self.exclude(role=Message.Role.ASSISTANT).exclude(state=Message.State.DONE)

    def undelivered(self) -> Self:
        """What its channel has not been handed yet, in order."""
        # Literals, as in the condition of the index: it is not used for parameters.
        literally = "conversations_message.delivery_state IN ('waiting', 'held')"
        is_undelivered = RawSQL(literally, [], output_field=models.BooleanField())  # noqa: S611
        return self.filter(is_undelivered).order_by("pk")

    def waiting(self) -> Self:
        """What no agent has answered yet, in order."""
        states = [Message.State.QUEUED, Message.State.ANSWERING]
        return self.asked().filter(state__in=states).order_by("pk")


class Message(models.Model):
    """One utterance; `seq` grows with each change, so that readers can ask for what is newer."""

    class Role(models.TextChoices):
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")
        SYSTEM = "system", _("System")

    class ContentType(models.TextChoices):
        TEXT = "text", _("Text")
        IMAGE = "image", _("Image")
        VOICE = "voice", _("Voice")
        FILE = "file", _("File")
        EVENT = "event", _("Event")

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        ANSWERING = "answering", _("Answering")
        ANSWERED = "answered", _("Answered")
        STREAMING = "streaming", _("Streaming")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    class Delivery(models.TextChoices):
        NONE = "", _("Not needed")
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        HELD = "held", _("Kept until they write")
        UNKNOWN = "unknown", _("Outcome unknown")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="messages", verbose_name=_("conversation")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    content = models.TextField(_("content"), blank=True, default="")
    content_type = models.CharField(
        _("content type"), max_length=10, choices=ContentType.choices, default=ContentType.TEXT
    )
    attachment = models.CharField(_("attachment"), max_length=500, blank=True, default="")
    # All its files: `{"url", "name", "type", "size"}` each; the first is the attachment.
    files = models.JSONField(_("files"), default=list, blank=True)
    reply_to = models.OneToOneField(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="reply",
        verbose_name=_("reply to"),
    )
    # What was said right after it and answered with it in one turn.
    merged_into = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="merged",
        verbose_name=_("merged into"),
        db_index=False,
    )
    # The first version of what was said, where a later one takes its place.
    replaces = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="versions",
        verbose_name=_("replaces"),
        db_index=False,
    )
    # The later version after which it was said; null on the first branch of the conversation.
    branch = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="branch_messages",
        verbose_name=_("branch"),
        db_index=False,
    )
    # Of the versions of one message the one with the highest number is shown.
    chosen = models.PositiveBigIntegerField(_("chosen"), default=0, editable=False)
    # The row stays, without what it said, to tell readers who were away.
    is_deleted = models.BooleanField(_("deleted"), default=False)
    external_id = models.CharField(_("external id"), max_length=200, blank=True, default="")
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    detail = models.CharField(_("detail"), max_length=500, blank=True, default="")
    seq = models.PositiveBigIntegerField(_("sequence"), editable=False)
    input_tokens = models.PositiveIntegerField(_("input tokens"), null=True, blank=True)
    output_tokens = models.PositiveIntegerField(_("output tokens"), null=True, blank=True)
    process_time_ms = models.PositiveIntegerField(_("process time in ms"), null=True, blank=True)
    delivery_state = models.CharField(
        _("delivery"), max_length=10, choices=Delivery.choices, blank=True, default=Delivery.NONE
    )
    delivery_error = models.CharField(_("delivery error"), max_length=500, blank=True, default="")
    provider_id = models.CharField(_("provider id"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            # A redelivered message is stored once, whoever receives the copies.
            models.UniqueConstraint(
                fields=["conversation", "external_id"],
                condition=~Q(external_id=""),
                name="message_external_id",
            )
        ]
        indexes = [
            models.Index("conversation", "seq", name="message_seq"),
            models.Index(fields=["-created_at"], name="message_created"),
            models.Index(
                fields=["conversation", "id"],
                condition=Q(delivery_state__in=["waiting", "held"]),
                name="message_undelivered",
            ),
            models.Index(
                fields=["merged_into"],
                condition=Q(merged_into__isnull=False),
                name="message_merged",
            ),
            models.Index(
                fields=["replaces"],
                condition=Q(replaces__isnull=False),
                name="message_versions",
            ),
            models.Index(
                fields=["branch"],
                condition=Q(branch__isnull=False),
                name="message_branch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.uuid}"

    @property
    def is_prompt(self) -> bool:
        """Whether nobody said it, yet it is answered as if somebody had; other notes are done."""
        return self.role == self.Role.SYSTEM and self.state != self.State.DONE

    @property
    def own_branch(self) -> int | None:
        """The branch of what is said right after it: its own where it is a later version."""
        return self.pk if self.replaces_id else self.branch_id

    @property
    def attachments(self) -> tuple[str, ...]:
        """The addresses of all that came with it."""
        if self.files:
            return tuple(file["url"] for file in self.files)
        return (self.attachment,) if self.attachment else ()

    @cached_property
    def reply_uuid(self) -> UUID:
        """The id its reply has, or will have."""
        return uuid.uuid5(REPLY_NAMESPACE, str(self.uuid))
