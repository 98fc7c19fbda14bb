"""What the WeChat channel remembers: its account, followers, each request, what is half sent."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import Conversation, Message


class Account(models.Model):
    """One official account, by its app id: the access token all processes share, what was learned.

    The token is fetched by whoever gets `fetching_until`; the others wait for its row to change.
    """

    app_id = models.CharField(_("app id"), max_length=64, unique=True)
    access_token = models.TextField(_("access token"), blank=True, default="", editable=False)
    token_expires_at = models.DateTimeField(_("token valid until"), null=True, blank=True)
    fetching_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The circuit breaker of the token endpoint: failures in a row, and when it may be tried again.
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    retry_at = models.DateTimeField(_("next try"), null=True, blank=True)
    token_error = models.CharField(_("last token error"), max_length=500, blank=True, default="")
    # Whether customer-service messages may be sent: None until WeChat has been asked.
    can_send = models.BooleanField(_("may send messages"), null=True, blank=True)
    can_send_detail = models.CharField(_("as WeChat said"), max_length=500, blank=True, default="")
    # Nothing is sent until then: a quota of the day or minute is used up, or WeChat blocked it.
    stopped_until = models.DateTimeField(_("sending stopped until"), null=True, blank=True)
    stopped_detail = models.CharField(_("because"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self) -> str:
        return self.app_id


class Follower(models.Model):
    """Who follows the account, and the ledger of what may be sent to them unasked.

    Each message they send opens a window of 48 hours for five messages, each tap on a menu, scan
    or follow one of a minute for three; a new one sets the number again, nothing adds up.
    """

    openid = models.CharField(_("OpenID"), max_length=64, unique=True)
    conversation = models.OneToOneField(
        Conversation, models.CASCADE, related_name="follower", verbose_name=_("conversation")
    )
    is_subscribed = models.BooleanField(_("follows"), default=True)
    subscribed_at = models.DateTimeField(_("followed"), null=True, blank=True)
    unsubscribed_at = models.DateTimeField(_("unfollowed"), null=True, blank=True)
    scene = models.CharField(_("scene"), max_length=200, blank=True, default="")
    last_inbound_at = models.DateTimeField(_("last wrote"), null=True, blank=True)
    message_until = models.DateTimeField(_("window closes"), null=True, blank=True)
    message_left = models.PositiveSmallIntegerField(_("messages left"), default=0)
    action_until = models.DateTimeField(_("short window closes"), null=True, blank=True)
    action_left = models.PositiveSmallIntegerField(_("left in it"), default=0)
    # Why nothing can be sent to them at all, until they write again.
    refusal = models.CharField(_("refused"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("follower")
        verbose_name_plural = _("followers")
        indexes = [models.Index(fields=["-last_inbound_at"], name="follower_last_inbound")]

    def __str__(self) -> str:
        return self.openid


class Inbound(models.Model):
    """The requests that brought one message, up to three, and the one reply they all get."""

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="inbound"
    )
    attempts = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(default=timezone.now)
    # Until then a request may still hand over the answer: no other way is tried before.
    held_until = models.DateTimeField(null=True)
    # Of the request that brought it first: in plain mode it does not cover the body.
    signature = models.CharField(max_length=40, db_index=True)
    # The XML of the passive reply, not encrypted; "" until there is one.
    reply = models.TextField(default="", blank=True)
    # What it handed over, as [message id, characters handed over before]: to put it back.
    taken = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")

    def __str__(self) -> str:
        return f"{self.message_id}"


class Progress(models.Model):
    """How far a message has been handed over that does not go in one piece."""

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="progress"
    )
    # Characters of its plain text that are handed over, or were about to be.
    position = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("progress")
        verbose_name_plural = _("progress")

    def __str__(self) -> str:
        return f"{self.message_id}: {self.position}"
