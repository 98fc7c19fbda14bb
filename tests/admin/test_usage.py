"""The admin shows what was used on which day, today's tokens first, and changes none of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.budgets import tokens_today
from conversations.models import Conversation, Usage
from tests.admin.conftest import SignIn
from tests.admin.test_overview import cards
from tests.admin.test_query_counts import count_queries

LIST = "/admin/conversations/usage/"


def use(
    conversation: int, *, days_ago: int = 0, turns: int = 1, read: int = 0, written: int = 0
) -> Usage:
    return Usage.objects.create(
        day=timezone.localdate() - timedelta(days=days_ago),
        conversation_id=conversation,
        turns=turns,
        input_tokens=read,
        output_tokens=written,
    )


def totals(client: Client, address: str = LIST) -> list[str]:
    return [card["value"] for card in client.get(address).context["totals"]]


def test_the_list_has_a_row_for_each_day_and_conversation(
    admin_client: Client, conversation: Conversation
) -> None:
    use(conversation.pk, turns=3, read=12_000, written=345)
    use(conversation.pk, days_ago=1, read=7)

    page = admin_client.get(LIST)

    days = [row.day for row in page.context["cl"].result_list]
    assert days == [timezone.localdate(), timezone.localdate() - timedelta(days=1)]
    for text in ("12,000", "345", "12,345", "Contract renewal"):
        assert text in page.text
    assert reverse("admin:conversations_conversation_change", args=[conversation.pk]) in page.text


def test_what_an_erased_conversation_used_stays_without_its_name(
    admin_client: Client, conversation: Conversation
) -> None:
    use(conversation.pk, read=5)
    pk = conversation.pk

    conversation.delete()

    page = admin_client.get(LIST).text
    assert f"#{pk}, erased" in page
    assert "Contract renewal" not in page


def test_the_totals_are_those_of_all_pages_of_what_is_listed(admin_client: Client) -> None:
    for number in range(60):
        use(number, turns=2, read=100, written=10)
    use(1, days_ago=40, read=9000)

    everything = totals(admin_client)
    today = totals(admin_client, cards(admin_client)["Tokens today"]["link"])

    assert everything == ["121", "15,000", "600", "15,600"]
    assert today == ["120", "6,000", "600", "6,600"]


def test_an_empty_list_has_totals_of_nothing(admin_client: Client) -> None:
    assert totals(admin_client) == ["0"] * 4


def test_the_list_can_be_sorted_by_what_was_used(admin_client: Client) -> None:
    use(1, read=5, written=50)
    use(2, read=60)
    use(3, read=1)

    place = admin_client.get(LIST).context["cl"].list_display.index("total")
    page = admin_client.get(f"{LIST}?o=-{place}").context["cl"].result_list

    assert [row.conversation_id for row in page] == [2, 1, 3]


@pytest.mark.parametrize(("limit", "note", "is_bad"), [(90, "of 90", True), (0, "", False)])
def test_the_first_page_shows_todays_tokens_and_the_sites_limit(
    admin_client: Client, settings: Any, limit: int, note: str, is_bad: bool
) -> None:
    settings.BOTFLOW_SITE_TOKENS_PER_DAY = limit
    use(1, read=50, written=40)
    use(1, days_ago=1, read=1000)

    card = cards(admin_client)["Tokens today"]

    assert (card["value"], card["note"], card["is_bad"]) == ("90", note, is_bad)


def test_the_page_of_a_conversation_shows_its_tokens_of_today(
    admin_client: Client, conversation: Conversation, settings: Any
) -> None:
    use(conversation.pk, read=1500, written=40)
    use(conversation.pk, days_ago=1, read=1000)
    use(conversation.pk + 1, read=1000)
    address = reverse("admin:conversations_conversation_change", args=[conversation.pk])

    limited = admin_client.get(address).text
    settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY = 0
    unlimited = admin_client.get(address).text

    own = f"{LIST}?conversation_id__exact={conversation.pk}"
    assert f'href="{own}" class="botflow-link">1,540 of 200,000</a>' in limited
    assert f'href="{own}" class="botflow-link">1,540</a>' in unlimited
    assert totals(admin_client, own)[3] == "2,540"


def test_more_rows_need_no_more_queries(admin_client: Client, conversation: Conversation) -> None:
    use(conversation.pk)
    count_queries(admin_client, LIST)
    few = count_queries(admin_client, LIST)
    for number in range(2, 50):
        other = Conversation.objects.create(channel="web", address=f"a-{number}")
        use(other.pk)

    assert count_queries(admin_client, LIST) == few
    assert few <= 10


# -- who may see it --------------------------------------------------------------------------------


def test_staff_without_the_permission_see_neither_list_nor_card(sign_in: SignIn) -> None:
    client = sign_in("conversations.view_message")

    assert client.get(LIST).status_code == 403
    assert "Tokens today" not in cards(client)
    assert LIST not in client.get("/admin/").text


def test_a_viewer_sees_both(sign_in: SignIn) -> None:
    client = sign_in("conversations.view_usage")

    assert client.get(LIST).status_code == 200
    assert list(cards(client)) == ["Tokens today"]
    assert LIST in client.get("/admin/").text


@pytest.mark.parametrize("page", ["add/", "{pk}/delete/"])
def test_nobody_adds_or_deletes_usage(admin_client: Client, page: str) -> None:
    row = use(1)

    assert admin_client.get(LIST + page.format(pk=row.pk)).status_code == 403


def test_nobody_changes_what_was_used(admin_client: Client) -> None:
    row = use(1, read=5)
    page = f"{LIST}{row.pk}/change/"

    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"turns": 0, "input_tokens": 0}).status_code == 403
    assert tokens_today(now=timezone.now()).input == 5
