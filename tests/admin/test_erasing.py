"""Deleting a conversation in the admin removes what was said and what was still to be done."""

from django.contrib.admin.models import DELETION, LogEntry
from django.test import Client

from conversations.models import Conversation, Message
from scheduling.models import Run
from scheduling.states import RunState
from tests.admin.conftest import MakeRun, SignIn

LIST = "/admin/conversations/conversation/"


def test_a_deleted_conversation_leaves_no_message_and_no_work(
    admin_client: Client, conversation: Conversation, make_run: MakeRun
) -> None:
    waiting, foreign = make_run(key=conversation.key), make_run(key="conversation:0")

    admin_client.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"})

    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert Run.objects.get(pk=waiting.pk).state == RunState.CANCELLED
    assert Run.objects.get(pk=foreign.pk).state == RunState.PENDING


def test_the_permission_to_delete_conversations_suffices(
    sign_in: SignIn, conversation: Conversation
) -> None:
    client = sign_in("conversations.view_conversation", "conversations.delete_conversation")
    data = {"action": "delete_selected", "_selected_action": [conversation.pk], "post": "yes"}

    client.post(LIST, data)

    assert not Conversation.objects.exists()


def test_the_log_says_who_deleted_but_not_what_was_said(
    admin_client: Client, conversation: Conversation
) -> None:
    admin_client.post(f"{LIST}{conversation.pk}/delete/", {"post": "yes"})

    entry = LogEntry.objects.get(action_flag=DELETION)
    assert entry.user.username == "admin"
    assert "Contract" not in entry.object_repr
    assert str(conversation.uuid) in entry.object_repr


def test_the_question_counts_messages_without_listing_them(
    admin_client: Client, conversation: Conversation
) -> None:
    page = admin_client.get(f"{LIST}{conversation.pk}/delete/")

    assert "By a letter." not in page.text
    assert dict(page.context["model_count"]) == {"conversations": 1, "messages": 2}
