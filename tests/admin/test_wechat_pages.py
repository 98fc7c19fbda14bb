"""The pages of WeChat: followers, the account and asking anew, the doctor, kept messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations.channels import get_channel
from conversations.models import Conversation, Message
from scheduling.models import ClusterStatus
from tests.admin.conftest import CONFIRMED, SignIn
from tests.wechat.fake_api import SECRET, FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.posting import APP_ID, TOKEN
from wechat.models import Account, Follower

FOLLOWERS = "/admin/wechat/follower/"
ACCOUNTS = "/admin/wechat/account/"
DOCTOR = "/admin/wechat/account/doctor/"

MakeFollower = Callable[..., Follower]


@pytest.fixture(autouse=True)
def wechat_on(settings: Any) -> Iterator[None]:
    settings.WECHAT_TOKEN, settings.WECHAT_APP_ID = TOKEN, APP_ID
    settings.WECHAT_APP_SECRET, settings.WECHAT_REPLY = SECRET, "auto"
    settings.BOTFLOW_CHANNELS = {
        "web": "conversations.channels.testing.RecordingChannel",
        "wechat": "wechat.channel.WeChatChannel",
    }
    get_channel.cache_clear()
    yield
    get_channel.cache_clear()


@pytest.fixture
def follow(db: None) -> MakeFollower:
    """Return a function that stores a follower who wrote an hour ago."""

    def make(openid: str = "o_one", **fields: Any) -> Follower:
        now = timezone.now()
        values = {
            "last_inbound_at": now - timedelta(hours=1),
            "message_until": now + timedelta(hours=47),
            "message_left": 4,
        }
        talk = Conversation.objects.create(channel="wechat", address=openid, title=f"Of {openid}")
        return Follower.objects.create(openid=openid, conversation=talk, **values | fields)

    return make


@pytest.fixture
def account(db: None) -> Account:
    """An account about which everything bad was learned."""
    now = timezone.now()
    return Account.objects.create(
        app_id=APP_ID,
        access_token="the-token-itself",
        token_expires_at=now + timedelta(hours=1),
        failures=3,
        retry_at=now + timedelta(minutes=15),
        token_error="WeChat refuses the app secret.",
        can_send=False,
        can_send_detail="WeChat answered 48001",
        stopped_until=now + timedelta(hours=2),
        stopped_detail="The day's messages are used up.",
    )


def hold(follower: Follower, reason: str = "Kept: they have not written for 48 hours.") -> Message:
    return Message.objects.create(
        conversation=follower.conversation,
        role=Message.Role.ASSISTANT,
        state=Message.State.DONE,
        content="Drink water",
        seq=1,
        delivery_state=Message.Delivery.HELD,
        delivery_error=reason,
    )


# -- followers -------------------------------------------------------------------------------------


def test_the_list_tells_who_can_be_written_to(admin_client: Client, follow: MakeFollower) -> None:
    past = timezone.now() - timedelta(hours=1)
    follow("o_open")
    follow("o_used_up", message_left=0)
    follow("o_closed", message_until=past)
    follow("o_refuses", refusal="They refuse messages.")
    follow("o_left", is_subscribed=False)

    page = admin_client.get(FOLLOWERS).text

    for text in ("for another 1 d 2", "Used up", "Closed", "They refuse messages.", "Unfollowed"):
        assert text in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("reach=open", {"o_open", "o_tapped"}),
        ("reach=used_up", {"o_used_up"}),
        ("reach=closed", {"o_closed", "o_refuses", "o_left"}),
        ("is_subscribed__exact=0", {"o_left"}),
        ("q=o_tap", {"o_tapped"}),
        ("q=Of+o_open", {"o_open"}),
    ],
)
def test_followers_are_found(
    admin_client: Client, follow: MakeFollower, query: str, shown: set[str]
) -> None:
    now = timezone.now()
    past = now - timedelta(hours=1)
    follow("o_open")
    follow("o_used_up", message_left=0)
    follow("o_closed", message_until=past)
    follow("o_refuses", refusal="They refuse messages.")
    follow("o_left", is_subscribed=False)
    soon = now + timedelta(seconds=50)
    follow("o_tapped", message_until=past, action_until=soon, action_left=3)

    page = admin_client.get(f"{FOLLOWERS}?{query}")

    assert {row.openid for row in page.context["cl"].result_list} == shown


def test_where_only_replies_are_possible_no_window_is_shown(
    admin_client: Client, follow: MakeFollower, settings: Any
) -> None:
    settings.WECHAT_REPLY = "passive"
    follow()

    page = admin_client.get(FOLLOWERS).text

    assert "Replies only" in page
    assert "for another" not in page


def test_a_follower_leads_to_the_conversation_and_to_what_is_kept(
    admin_client: Client, follow: MakeFollower
) -> None:
    follower = follow()
    message = hold(follower)
    place = f"conversation__id__exact={follower.conversation_id}&amp;delivery_state__exact=held"

    page = admin_client.get(f"{FOLLOWERS}{follower.pk}/change/").text

    assert f"/admin/conversations/conversation/{follower.conversation_id}/change/" in page
    assert place in page
    listed = admin_client.get(
        "/admin/conversations/message/?" + place.replace("&amp;", "&")
    ).context["cl"]
    assert [row.pk for row in listed.result_list] == [message.pk]


def test_nobody_edits_or_deletes_followers(admin_client: Client, follow: MakeFollower) -> None:
    pk = follow().pk

    assert admin_client.get(f"{FOLLOWERS}add/").status_code == 403
    assert admin_client.post(f"{FOLLOWERS}{pk}/change/", {"openid": "x"}).status_code == 403
    assert admin_client.post(f"{FOLLOWERS}{pk}/delete/", {"post": "yes"}).status_code == 403


def test_fifty_followers_need_no_more_queries_than_one(
    admin_client: Client, follow: MakeFollower
) -> None:
    hold(follow("o_first"))
    admin_client.get(FOLLOWERS)
    with CaptureQueriesContext(connection) as few:
        admin_client.get(FOLLOWERS)
    for number in range(49):
        hold(follow(f"o_{number}"))

    with CaptureQueriesContext(connection) as many:
        admin_client.get(FOLLOWERS)

    assert len(many) == len(few)


# -- the account -----------------------------------------------------------------------------------


def test_the_account_is_shown_without_its_token(admin_client: Client, account: Account) -> None:
    page = admin_client.get(f"{ACCOUNTS}{account.pk}/change/").text

    for text in ("No, only replies", "48001", "refuses the app secret", "Stopped", "used up"):
        assert text in page
    assert "the-token-itself" not in page
    assert "the-token-itself" not in admin_client.get(ACCOUNTS).text


def test_asking_anew_forgets_what_was_learned_and_is_logged(
    admin_client: Client, account: Account
) -> None:
    answer = admin_client.post(f"{ACCOUNTS}{account.pk}/try-again/", CONFIRMED)

    account.refresh_from_db()
    assert "is asked anew" in admin_client.get(answer["Location"]).text
    assert (account.access_token, account.failures, account.token_error) == ("", 0, "")
    assert (account.retry_at, account.can_send, account.stopped_until) == (None, None, None)
    assert LogEntry.objects.get().get_change_message().startswith("Forgot what was learned")


def test_asking_anew_works_from_the_list(admin_client: Client, account: Account) -> None:
    data = {"action": "try_again", "_selected_action": [account.pk], "index": "0"}

    admin_client.post(ACCOUNTS, data)

    account.refresh_from_db()
    assert account.can_send is None
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize(
    "permissions", [("wechat.view_account",), ()], ids=["view only", "nothing"]
)
def test_asking_anew_needs_a_permission(
    sign_in: SignIn, account: Account, permissions: tuple[str, ...]
) -> None:
    client = sign_in(*permissions)
    data = {"action": "try_again", "_selected_action": [account.pk], "index": "0"}

    client.post(ACCOUNTS, data)
    client.post(f"{ACCOUNTS}{account.pk}/try-again/", CONFIRMED)
    answer = client.post(DOCTOR, {"insist": "yes"})

    account.refresh_from_db()
    assert answer.status_code == 403
    assert account.can_send is False
    assert not LogEntry.objects.exists()


# -- the doctor ------------------------------------------------------------------------------------


def test_the_doctors_page_asks_nobody_by_itself(admin_client: Client, api: FakeApi) -> None:
    page = admin_client.get(DOCTOR)

    assert page.status_code == 200
    assert "nobody was asked yet" in page.text
    assert "None is running: nothing is answered." in page.text
    assert not api.calls


def test_a_press_of_the_button_asks_wechat_and_calls_the_webhook(
    transactional_db: None, admin_client: Client, api: FakeApi
) -> None:
    ClusterStatus.objects.create(name="one", status="", seen_at=timezone.now())
    api.script("getcallbackip", {"ip_list": []})

    site = refusing_address()

    page = admin_client.post(DOCTOR, headers={"host": site.removeprefix("http://")})

    assert page.status_code == 200
    assert "WeChat takes it." in page.text
    assert f"Nobody answers at {site}/wechat." in page.text
    assert api.count("stable_token") == 1
    assert SECRET not in page.text


def test_insisting_forgets_and_logs(
    transactional_db: None, admin_client: Client, api: FakeApi, account: Account
) -> None:
    api.script("getcallbackip", {"ip_list": []})

    host = refusing_address().removeprefix("http://")

    page = admin_client.post(DOCTOR, {"insist": "yes"}, headers={"host": host})

    assert "WeChat takes it." in page.text
    assert LogEntry.objects.count() == 1


def test_who_may_only_view_gets_no_button(sign_in: SignIn, account: Account) -> None:
    page = sign_in("wechat.view_account").get(DOCTOR)

    assert page.status_code == 200
    assert "Check everything now" not in page.text
    assert sign_in().get(DOCTOR).status_code == 403


def test_what_was_learned_is_shown_with_what_to_do(admin_client: Client, account: Account) -> None:
    page = admin_client.get(DOCTOR).text

    assert "WeChat refuses the app secret." in page
    assert "It is stopped until" in page
    assert "personal and unverified accounts" in page
    assert "the-token-itself" not in page


def test_texts_of_wechat_are_escaped(admin_client: Client, account: Account) -> None:
    evil = "<script>alert(1)</script>"
    Account.objects.update(token_error=evil, can_send_detail=evil, stopped_detail=evil)

    for address in (DOCTOR, ACCOUNTS, f"{ACCOUNTS}{account.pk}/change/"):
        assert evil not in admin_client.get(address).text


# -- navigation, first page, messages --------------------------------------------------------------


def test_the_sidebar_leads_to_wechat_only_where_it_is_on(
    admin_client: Client, settings: Any
) -> None:
    addresses = [DOCTOR, FOLLOWERS, ACCOUNTS]
    page = admin_client.get("/admin/").text
    assert [f'href="{address}"' in page for address in addresses] == [True] * 3

    settings.WECHAT_TOKEN = ""

    page = admin_client.get("/admin/").text
    assert [f'href="{address}"' in page for address in addresses] == [False] * 3


def test_the_sidebar_shows_what_one_may_view(sign_in: SignIn) -> None:
    page = sign_in("wechat.view_follower").get("/admin/").text

    assert f'href="{FOLLOWERS}"' in page
    assert f'href="{DOCTOR}"' not in page


def test_the_first_page_counts_what_is_kept(
    admin_client: Client, follow: MakeFollower, settings: Any
) -> None:
    hold(follow())

    def card() -> list[Any]:
        cards = admin_client.get("/admin/").context["cards"]
        return [card["value"] for card in cards if card["title"] == "Messages kept"]

    assert card() == [1]
    settings.BOTFLOW_CHANNELS = {"web": "conversations.channels.testing.RecordingChannel"}
    assert card() == []


def test_why_a_message_is_kept_can_be_read_everywhere(
    admin_client: Client, follow: MakeFollower
) -> None:
    message = hold(follow(), reason="Kept: the window is closed.")
    pages = [
        reverse("admin:conversations_message_changelist") + "?delivery_state__exact=held",
        reverse("admin:conversations_message_change", args=[message.pk]),
        reverse("admin:conversations_conversation_change", args=[message.conversation_id]),
    ]

    for page in pages:
        text = admin_client.get(page).text
        assert "Kept until they write" in text
        assert "Kept: the window is closed." in text
