"""What strangers wrote appears in the admin as text, never as markup."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Message, User
from scheduling.models import ClusterStatus, Run

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 }}"
MARKUP = ("<script>alert(", "<img src=x", "onerror=alert(2)>")
PAGES = [
    "/admin/conversations/conversation/",
    "/admin/conversations/conversation/1/change/",
    "/admin/conversations/conversation/1/delete/",
    "/admin/conversations/message/",
    "/admin/conversations/message/?conversation__id__exact=1",
    "/admin/conversations/message/1/change/",
    "/admin/scheduling/run/",
    "/admin/scheduling/run/1/change/",
    "/admin/scheduling/run/1/retry/",
    "/admin/scheduling/clusterstatus/",
    "/admin/scheduling/clusterstatus/1/change/",
    "/admin/conversations/user/",
    "/admin/search/?s=alert&extended=1",
]


@pytest.fixture
def evil_rows(db: None) -> None:
    short = EVIL[:100]
    conversation = Conversation.objects.create(
        pk=1,
        channel=short[:50],
        address=short,
        participant=short,
        title=short,
        settings={EVIL: EVIL},
    )
    Message.objects.create(
        pk=1,
        conversation=conversation,
        role="user",
        content=EVIL,
        attachment=short,
        external_id=short,
        detail=EVIL,
        delivery_error=EVIL,
        delivery_state="failed",
        provider_id=short,
        state="failed",
        seq=1,
    )
    now = timezone.now()
    Run.objects.create(
        pk=1,
        action=short,
        args={EVIL: EVIL},
        key=short,
        fire_at=now - timedelta(minutes=1),
        state="failed",
        started_at=now,
        finished_at=now,
        cluster=short[:32],
        worker=short,
        error=EVIL,
        result=EVIL,
    )
    ClusterStatus.objects.create(pk=1, name=short, status=EVIL, seen_at=now)
    User.objects.create(username=short, email=short, first_name=short)


@pytest.mark.parametrize("page", PAGES)
def test_markup_of_strangers_is_escaped(admin_client: Client, evil_rows: None, page: str) -> None:
    response = admin_client.get(page)

    assert response.status_code == 200
    assert [piece for piece in MARKUP if piece in response.text] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "search" not in page and "retry" not in page]
)
def test_text_of_strangers_is_shown(admin_client: Client, evil_rows: None, page: str) -> None:
    assert "&lt;script&gt;" in admin_client.get(page).text
