"""Rows for the admin to show, and people with different rights to look at them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Message, User
from scheduling.models import ClusterStatus, Run

MakeRun = Callable[..., Run]
SignIn = Callable[..., Client]

#: What the dialog that asks "Retry this run?" sends when it is agreed to.
CONFIRMED = {"_form_submitted": "True"}


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hash passwords in no time: every test makes people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def make_run(db: None) -> MakeRun:
    """Return a function that stores a run in any state, with what that state requires."""

    def make(state: str = "pending", **fields: Any) -> Run:
        now = timezone.now()
        values: dict[str, Any] = {"action": "tests.nothing", "fire_at": now, "state": state}
        if state != "pending":
            values |= {"started_at": now, "attempt": 1}
        if state == "running":
            values["lease_expires_at"] = now + timedelta(seconds=20)
        elif state != "pending":
            values["finished_at"] = now
        return Run.objects.create(**values | fields)

    return make


@pytest.fixture
def conversation(db: None) -> Conversation:
    """A conversation of one question and its delivered answer."""
    conversation = Conversation.objects.create(
        channel="web", address="visitor-1", participant="visitor:1", title="Contract renewal"
    )
    question = conversation.messages.create(
        role=Message.Role.USER, content="How do I renew?", state=Message.State.ANSWERED, seq=1
    )
    conversation.messages.create(
        uuid=question.reply_uuid,
        role=Message.Role.ASSISTANT,
        content="By a letter.",
        state=Message.State.DONE,
        seq=2,
        reply_to=question,
        input_tokens=12,
        output_tokens=34,
        process_time_ms=567,
        delivery_state=Message.Delivery.SENT,
    )
    return conversation


@pytest.fixture
def cluster(db: None) -> ClusterStatus:
    """A cluster whose status another key signed."""
    return ClusterStatus.objects.create(
        name="django_q:botflow:cluster:0a1b2c3d-4e5f", status="foreign", seen_at=timezone.now()
    )


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Return a function that gives a client of a staff user with just these permissions."""

    def sign(*permissions: str, **fields: Any) -> Client:
        number = User.objects.count()
        user = User.objects.create_user(f"staff-{number}", is_staff=True, **fields)
        for name in permissions:
            app, code = name.split(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app, codename=code)
            )
        client = Client()
        client.force_login(user)
        return client

    return sign
