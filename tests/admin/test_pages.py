"""Every page of the admin answers, with rows and without."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django_q.models import Failure, OrmQ, Schedule, Success

from conversations.models import Conversation, User
from scheduling.admin_base import BotFlowModelAdmin
from scheduling.models import ClusterStatus, Run, Tally
from tests.admin.conftest import MakeRun

LISTS = [
    "conversations_conversation",
    "conversations_message",
    "conversations_user",
    "auth_group",
    "scheduling_run",
    "scheduling_clusterstatus",
]


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_answers(admin_client: Client, name: str) -> None:
    assert admin_client.get(reverse(f"admin:{name}_changelist")).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_lists_and_details_answer_in_each_language(
    admin_client: Client,
    conversation: Conversation,
    cluster: ClusterStatus,
    make_run: MakeRun,
    language: str,
) -> None:
    for state in ("pending", "running", "succeeded", "failed", "cancelled", "skipped"):
        make_run(state)
    shown = [
        conversation,
        *conversation.messages.all(),
        *Run.objects.all(),
        cluster,
        User.objects.get(),
    ]

    for row in shown:
        place = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        for address in (
            reverse(f"{place}_changelist"),
            reverse(f"{place}_change", args=[row.pk]),
            reverse(f"{place}_history", args=[row.pk]),
        ):
            response = admin_client.get(address, headers={"Accept-Language": language})

            assert response.status_code == 200, address
            assert f'<html lang="{language}"' in response.text


@pytest.mark.parametrize(
    "query", ["q=renew", "state__exact=failed", "action=tests.nothing", "p=9", "q=%00", "o=1.-3"]
)
def test_the_list_of_runs_answers_any_query(
    admin_client: Client, make_run: MakeRun, query: str
) -> None:
    make_run("failed")

    response = admin_client.get(reverse("admin:scheduling_run_changelist") + f"?{query}")

    assert response.status_code == 200


def test_search_finds_a_conversation_by_what_was_said(
    admin_client: Client, conversation: Conversation
) -> None:
    Conversation.objects.create(channel="web", address="other", title="Something else")

    page = admin_client.get(reverse("admin:conversations_conversation_changelist") + "?q=letter")

    assert [row.pk for row in page.context["cl"].result_list] == [conversation.pk]


def test_a_conversation_shows_its_newest_messages(
    admin_client: Client, conversation: Conversation
) -> None:
    for number in range(200):
        conversation.messages.create(
            role="user", content=f"said {number:03}", state="queued", seq=9
        )

    page = admin_client.get(
        reverse("admin:conversations_conversation_change", args=[conversation.pk])
    )

    shown = [line["message"].content for line in page.context["transcript"]]
    assert shown == [f"said {number:03}" for number in range(200)]
    assert page.context["has_older"]
    assert f"?conversation__id__exact={conversation.pk}" in page.text


def test_the_queue_is_shown_newest_first(admin_client: Client, make_run: MakeRun) -> None:
    made = [make_run().pk for _ in range(3)]

    page = admin_client.get(reverse("admin:scheduling_run_changelist"))

    assert [row.pk for row in page.context["cl"].result_list] == made[::-1]


def test_regular_expressions_in_the_address_are_refused(
    admin_client: Client, make_run: MakeRun
) -> None:
    make_run("failed", error="a" * 40)

    response = admin_client.get(
        reverse("admin:scheduling_run_changelist") + "?error__regex=(a%2B)%2B%24"
    )

    assert response.status_code == 400


@pytest.mark.parametrize("model", [Schedule, Success, Failure, OrmQ, Tally])
def test_pages_that_would_bypass_the_queue_are_absent(model: type) -> None:
    assert not admin.site.is_registered(model)


def test_every_page_inherits_the_one_base_class() -> None:
    strangers = [
        page for page in admin.site._registry.values() if not isinstance(page, BotFlowModelAdmin)
    ]

    assert strangers == []
