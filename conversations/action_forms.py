"""The forms in which people fill in what the actions of this app are to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.forms.models import ModelChoiceIterator
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from conversations.models import Conversation
from conversations.sending import DAYS_MOST

# Conversations in the drop-down, the newest first; any other is accepted all the same.
OFFERED = 200


class _Newest(ModelChoiceIterator):
    """The newest conversations, and the chosen one if it is older."""

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield ("", self.field.empty_label)
        offered = list(self.queryset.order_by("-updated_at")[:OFFERED])
        chosen = getattr(self.field, "chosen", None)
        if chosen and chosen not in {str(conversation.uuid) for conversation in offered}:
            offered += self.queryset.filter(uuid=chosen)
        for conversation in offered:
            yield self.choice(conversation)

    def __len__(self) -> int:
        return sum(1 for _choice in self)


class ConversationField(forms.ModelChoiceField):
    """A drop-down of conversations by uuid, which shows the latest and accepts every one."""

    iterator = _Newest
    #: The uuid the drop-down must have among its choices; a widget asks for the value first.
    chosen: str | None = None

    def __init__(self, **more: Any) -> None:
        super().__init__(Conversation.objects.all(), to_field_name="uuid", **more)

    def prepare_value(self, value: Any) -> Any:
        """Return the uuid as text; stored arguments may have the integer id instead."""
        if isinstance(value, int):
            value = Conversation.objects.filter(pk=value).first()
        if isinstance(value, Conversation):
            value = value.uuid
        try:
            self.chosen = str(forms.UUIDField().to_python(value) or "")
        except forms.ValidationError:
            self.chosen = None
        return self.chosen or value

    def label_from_instance(self, obj: Any) -> str:
        """Return "channel · title · last active", the moment in the zone of who looks."""
        moment = date_format(timezone.localtime(obj.updated_at), "SHORT_DATETIME_FORMAT")
        return f"{obj.channel} · {obj.title or str(obj.uuid)[:8]} · {moment}"


def _channels() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(settings.BOTFLOW_CHANNELS)]


class LongTextField(forms.CharField):
    """A text as long as a message may be."""

    widget = forms.Textarea

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=settings.BOTFLOW_MAX_MESSAGE_LENGTH, **more)


class SendTextForm(forms.Form):
    conversation = ConversationField(label=_("Conversation"))
    text = LongTextField(label=_("Text"), help_text=_("Sent as it is, without asking the agent."))


class AskForm(forms.Form):
    conversation = ConversationField(
        label=_("Conversation"), help_text=_("The answer is sent here; the user can reply to it.")
    )
    prompt = LongTextField(
        label=_("Prompt"),
        help_text=_("What the agent is asked each time; it sees what was said before."),
    )


class SendToManyForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"), choices=_channels)
    days = forms.IntegerField(
        label=_("Active in the last days"),
        min_value=1,
        max_value=DAYS_MOST,
        initial=30,
        help_text=_("Conversations in which the user wrote something in so many days get it."),
    )
    text = LongTextField(label=_("Text"), help_text=_("Sent as it is, without asking the agent."))
