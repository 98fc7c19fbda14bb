"""Conversations: who speaks where, and the number that grows with every change."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings as site_settings
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scheduling.models import Schedule
from scheduling.writing import writing


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def advance(self, steps: Counter[int]) -> dict[int, int]:
        """Take `steps[id]` numbers of each conversation's `seq`; return the first one taken.

        The row lock is held until the caller's transaction ends, so numbers become visible in
        their order. Rows are locked in the order of their ids: two batches cannot deadlock.
        """
        return {pk: seq for pk, (seq, _settings) in self.advance_reading(steps).items()}

    def advance_reading(self, steps: Counter[int]) -> dict[int, tuple[int, dict[str, Any]]]:
        """Do as `advance`, and return the settings too, as they are behind the lock."""
        first: dict[int, tuple[int, dict[str, Any]]] = {}
        with connection.cursor() as cursor:
            now = connection.ops.adapt_datetimefield_value(timezone.now())
            for pk in sorted(steps):
                cursor.execute(
                    "UPDATE conversations_conversation SET seq = seq + %s, updated_at = %s"
                    " WHERE id = %s RETURNING seq, settings",
                    [steps[pk], now, pk],
                )
                row = cursor.fetchone()
                if row is None:
                    raise Conversation.DoesNotExist(f"Conversation {pk} is gone.")
                first[pk] = row[0] - steps[pk] + 1, json.loads(row[1])
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
    # Up to which change its participant has seen it.
    read_seq = models.PositiveBigIntegerField(_("read"), default=0, editable=False)
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
