"""An operator has messages delivered again that did not arrive, or of which nobody knows."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from conversations.delivering import DELIVER
from conversations.models import Conversation, Message
from scheduling.models import Run
from tests.admin.conftest import SignIn

MESSAGES = "/admin/conversations/message/"


@pytest.fixture
def said(conversation: Conversation, settings) -> dict[str, Message]:
    """One message in each delivery state, on a channel whose readers read no rows."""
    Conversation.objects.filter(pk=conversation.pk).update(channel="post")
    conversation.refresh_from_db()
    settings.BOTFLOW_CHANNELS = settings.BOTFLOW_CHANNELS | {
        "post": "conversations.channels.testing.PostingChannel"
    }
    return {
        state: Message.objects.create(
            conversation=conversation, role="assistant", content=state, state="done", seq=100 + seq,
            delivery_state=state,
        )
        for seq, state in enumerate(Message.Delivery.values)
    }  # fmt: skip


def deliver(client: Client, messages: dict[str, Message]) -> list[str]:
    data = {"action": "deliver", "_selected_action": [one.pk for one in messages.values()]}
    response = client.post(MESSAGES, data | {"index": "0"})
    assert response.status_code == 302
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_what_did_not_arrive_for_sure_is_delivered_again(admin_client: Client, said) -> None:
    Run.objects.filter(action=DELIVER).delete()

    told = deliver(admin_client, said)

    assert told == ["3 messages are delivered again."]
    again = Run.objects.filter(action=DELIVER).order_by("pk")
    states = ("held", "unknown", "failed")
    assert {run.args["message"] for run in again} == {said[state].pk for state in states}
    waiting = Message.objects.filter(delivery_state="waiting").values_list("content", flat=True)
    assert set(waiting) == {"waiting", *states}
    assert LogEntry.objects.count() == 3


def test_who_may_not_retry_is_not_offered_it(sign_in: SignIn, said) -> None:
    client = sign_in("conversations.view_message")
    assert "Deliver selected" not in client.get(MESSAGES).content.decode()
    may = sign_in("conversations.view_message", "scheduling.retry_run")
    assert "Deliver selected" in may.get(MESSAGES).content.decode()
