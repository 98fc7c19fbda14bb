"""Conversations and messages: the rows that readers catch up with, whatever frames were lost."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID

from django.conf import settings as site_settings
from django.contrib.auth.models import AbstractUser
from django.db import connection, models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from scheduling.models import Schedule
from scheduling.writing import writing

#: Makes the id of a reply from the id of the message it answers: a rescued run finds it again.
REPLY_NAMESPACE = uuid.UUID("3e2f2b0c-6a3b-4f60-9d5e-8a4f0b7c1d2e")


class User(AbstractUser):
    """A person who may sign in; a class of our own so that fields can be added later."""


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def advance(self, steps: Counter[int]) -> dict[int, int]:
        """Take `steps[id]` numbers of each conversation's `seq`; return the first one taken.

        The row lock is held until the caller's transaction ends, so numbers become visible in
        their order. Rows are locked in the order of their ids: two batches cannot deadlock.
        """
        first: dict[int, int] = {}
        with connection.cursor() as cursor:
            now = connection.ops.adapt_datetimefield_value(timezone.now())
            for pk in sorted(steps):
                cursor.execute(
                    "UPDATE conversations_conversation SET seq = seq + %s, updated_at = %s"
                    " WHERE id = %s RETURNING seq",
                    [steps[pk], now, pk],
                )
                row = cursor.fetchone()
                if row is None:
                    raise Conversation.DoesNotExist(f"Conversation {pk} is gone.")
                first[pk] = row[0] - steps[pk] + 1
        return first

    def advance_all(self, steps: Counter[int]) -> dict[int, int]:
        """Do as `advance` for very many: two queries for all that take the same number of steps.

        Conversations that are gone are left out.
        """
        self.hold(steps)
        alike: dict[int, list[int]] = {}
        for pk, number in steps.items():
            alike.setdefault(number, []).append(pk)
        first: dict[int, int] = {}
        with connection.cursor() as cursor:
            now = connection.ops.adapt_datetimefield_value(timezone.now())
            for number, pks in alike.items():
                marks = ", ".join(["%s"] * len(pks))
                cursor.execute(
                    f"""UPDATE conversations_conversation SET seq = seq + %s, updated_at = %s
                    WHERE id IN ({marks}) RETURNING id, seq""",  # noqa: S608  (placeholders)
                    [number, now, *pks],
                )
                first |= {pk: seq - number + 1 for pk, seq in cursor.fetchall()}
        return first

    def hold(self, pks: Iterable[int]) -> None:
        """Lock rows in the order of their ids, where the database locks rows one by one.

        For a transaction that advances conversations more than once: two that did so in different
        orders would deadlock.
        """
        if connection.features.has_select_for_update:
            rows = self.filter(pk__in=pks).order_by("pk").select_for_update()
            list(rows.values_list("pk", flat=True))

    def remember(self, pk: int, **values: Any) -> None:
        """Set some of one conversation's settings; joins the caller's transaction.

        The row is locked before it is read: what another process sets meanwhile is kept.
        """
        row = self.filter(pk=pk).select_for_update().only("settings").first()
        if row:
            row.settings |= values
            row.save(update_fields=["settings"])

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete conversations, their messages and the tasks that were set up in them."""
        with writing():
            owners = [owner_of(name) for name in self.values_list("uuid", flat=True)]
            Schedule.objects.filter(owner__in=owners).delete()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


def owner_of(conversation: UUID) -> str:
    """Return the owner that the schedules of a conversation name."""
    return f"conversation:{conversation}"


class Conversation(models.Model):
    """The ordered messages of one address on one channel."""

    uuid = models.UUIDField(_("id"), default=uuid.uuid4, unique=True, editable=False)
    channel = models.CharField(_("channel"), max_length=50)
    address = models.CharField(_("address"), max_length=200)
    # Who may read it on the web page: `user:<id>` or `visitor:<uuid>`; empty elsewhere.
    participant = models.CharField(_("participant"), max_length=100, blank=True, default="")
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    seq = models.PositiveBigIntegerField(_("sequence"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(fields=["channel", "address"], name="conversation_address")
        ]
        indexes = [
            models.Index(fields=["participant", "-updated_at"], name="conversation_participant"),
            models.Index(fields=["-updated_at"], name="conversation_updated"),
        ]

    def __str__(self) -> str:
        return self.title or f"{self.channel} {self.uuid}"

    @property
    def locale(self) -> str:
        """The language in which the site speaks here, beside what the agent says."""
        return str(self.settings.get("locale", site_settings.LANGUAGE_CODE))

    @property
    def timezone(self) -> str:
        """The zone of who speaks here, the site's own where they have not told it."""
        return str(self.settings.get("timezone") or site_settings.TIME_ZONE)

    @property
    def key(self) -> str:
        """The key under which its runs follow one another."""
        return f"conversation:{self.pk}"

    @property
    def owner(self) -> str:
        """The owner of its schedules, which users call tasks."""
        return owner_of(self.uuid)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete it with its messages, and the tasks that were set up in it."""
        with writing():
            Schedule.objects.filter(owner=self.owner).delete()
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]


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
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.uuid}"

    @property
    def is_prompt(self) -> bool:
        """Whether nobody said it, yet it is answered as if somebody had; other notes are done."""
        return self.role == self.Role.SYSTEM and self.state != self.State.DONE

    @cached_property
    def reply_uuid(self) -> UUID:
        """The id its reply has, or will have."""
        return uuid.uuid5(REPLY_NAMESPACE, str(self.uuid))


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
