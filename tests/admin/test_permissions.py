"""Who sees what in the admin, and who may do what."""

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation, User
from scheduling.models import ClusterStatus, Run
from tests.admin.conftest import CONFIRMED, MakeRun, SignIn

RUNS = "/admin/scheduling/run/"
PAGES = [
    "/admin/",
    RUNS,
    "/admin/scheduling/clusterstatus/",
    "/admin/conversations/conversation/",
    "/admin/conversations/message/",
    "/admin/conversations/user/",
    "/admin/auth/group/",
]


def post_action(client: Client, name: str, run: Run) -> int:
    data = {"action": name, "_selected_action": [run.pk], "index": "0"}
    return client.post(RUNS, data).status_code


@pytest.mark.parametrize("page", PAGES)
def test_an_anonymous_visitor_is_sent_to_sign_in(client: Client, db: None, page: str) -> None:
    response = client.get(page)

    assert response.status_code == 302
    assert response["Location"] == f"/admin/login/?next={page}"


@pytest.mark.parametrize("page", PAGES)
def test_a_person_who_is_not_staff_sees_nothing(client: Client, db: None, page: str) -> None:
    client.force_login(User.objects.create_user("visitor"))

    assert client.get(page).status_code == 302


@pytest.mark.parametrize("page", PAGES[1:])
def test_staff_without_permissions_see_no_rows(sign_in: SignIn, page: str) -> None:
    assert sign_in().get(page).status_code == 403


def test_staff_without_permissions_see_no_numbers(sign_in: SignIn, make_run: MakeRun) -> None:
    make_run("failed")

    page = sign_in().get("/admin/")

    assert page.status_code == 200
    assert page.context["cards"] == []
    assert "outcomes" not in page.context
    assert RUNS not in page.text


def test_messages_are_hidden_from_those_who_may_only_view_conversations(
    sign_in: SignIn, conversation: Conversation
) -> None:
    page = sign_in("conversations.view_conversation").get(
        reverse("admin:conversations_conversation_change", args=[conversation.pk])
    )

    assert page.status_code == 200
    assert "By a letter." not in page.text


@pytest.mark.parametrize("way", ["retry", "cancel"])
@pytest.mark.parametrize(
    "permissions",
    [("scheduling.view_run",), ("scheduling.retry_run", "scheduling.cancel_run"), ()],
    ids=["view only", "no view", "none"],
)
def test_runs_are_steered_only_with_both_permissions(
    sign_in: SignIn, make_run: MakeRun, way: str, permissions: tuple[str, ...]
) -> None:
    run = make_run("failed" if way == "retry" else "pending")
    client = sign_in(*permissions)

    post_action(client, way, run)
    answer = client.post(f"{RUNS}{run.pk}/{way}/", CONFIRMED)

    assert answer.status_code == 403
    assert Run.objects.get().state == run.state


def test_a_viewer_is_not_offered_to_steer_runs(sign_in: SignIn, make_run: MakeRun) -> None:
    run = make_run("failed")
    client = sign_in("scheduling.view_run")

    assert not client.get(RUNS).context["action_form"]
    assert client.get(f"{RUNS}{run.pk}/change/").context["actions_detail"] == []


def test_each_permission_offers_its_own_action_alone(sign_in: SignIn, make_run: MakeRun) -> None:
    make_run("failed")
    client = sign_in("scheduling.view_run", "scheduling.retry_run")

    offered = [name for name, _ in client.get(RUNS).context["action_form"].fields["action"].choices]

    assert offered == ["", "retry"]


@pytest.mark.parametrize("page", ["add/", "{pk}/delete/"])
def test_nobody_adds_or_deletes_runs(admin_client: Client, make_run: MakeRun, page: str) -> None:
    run = make_run("succeeded")

    assert admin_client.get(RUNS + page.format(pk=run.pk)).status_code == 403


def test_nobody_changes_a_record(
    admin_client: Client, conversation: Conversation, make_run: MakeRun, cluster: ClusterStatus
) -> None:
    for row in (conversation, conversation.messages.first(), make_run("failed"), cluster):
        page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])

        assert admin_client.post(page, {"title": "other", "name": "other"}).status_code == 403


def test_a_viewer_cannot_delete_conversations(sign_in: SignIn, conversation: Conversation) -> None:
    client = sign_in("conversations.view_conversation", "conversations.view_message")
    page = f"/admin/conversations/conversation/{conversation.pk}/delete/"

    assert client.post(page, {"post": "yes"}).status_code == 403
    assert Conversation.objects.exists()
