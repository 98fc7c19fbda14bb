"""Every page of the admin is Chinese throughout for those who read Chinese, the theme's too."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django.contrib.admin
import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from conversations.channels import get_channel
from conversations.models import Conversation, Message, Usage, User
from scheduling import planning
from scheduling.actions import registry
from scheduling.models import ClusterStatus, Schedule
from tests.admin.conftest import CONFIRMED, MakeRun
from tests.admin.visible_text import foreign_text
from wechat.models import Account, Follower

#: Names and identifiers, which are the same in every language.
KNOWN = re.compile(
    r"""
      https?://\S+ | (?<![\w])/[\w./<>:-]+             # addresses
    | [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}
    | \w+(\.\w+)+ | \w+_\w+(=\w+)? | \w+:[\w:-]+ | django-q2   # identifiers with a mark inside
    | \w*\*{6,}                                      # what is hidden of a password
    | \b(BotFlow|JSON|UTC|CST|ID|IANA|LDAP|PBKDF2|md5|web|wechat|Asia/Shanghai)\b
    | \b(OpenID|AppID|AppSecret|Token|EncodingAESKey|[Ww]x[0-9a-f]{16}|testserver)\b
    | \b(Control|Command|Mac|esc|Enter|Ctrl)\b          # keys
    | \b(English|en|zh-hans)\b                        # in the switch of languages
    """,
    re.VERBOSE | re.ASCII,
)
ROWLESS = "Make a row of {} in this test, so that the pages of its admin are looked at."

#: Where a text was found: the address, the element, the text.
Found = set[tuple[str, str, str]]


@pytest.fixture
def reader(db: None) -> Client:
    client = Client(headers={"Accept-Language": "zh-hans"})
    client.force_login(User.objects.create_superuser("管理员", password="a-long-password"))
    return client


@pytest.fixture
def rows(
    reader: Client, make_run: MakeRun, cluster: ClusterStatus, wechat_on: str
) -> dict[type[Model], list[Any]]:
    """Return rows of every model that the admin shows, in the states that read differently."""
    conversation = Conversation.objects.create(
        channel="web", address="访客一", participant="visitor:1", title="续签合同"
    )
    question = conversation.messages.create(
        role=Message.Role.USER, content="怎么续签？", state=Message.State.ANSWERED, seq=1
    )
    conversation.messages.create(
        role=Message.Role.ASSISTANT,
        content="写信。",
        state=Message.State.DONE,
        seq=2,
        reply_to=question,
        input_tokens=12,
        output_tokens=34,
        process_time_ms=567,
        delivery_state=Message.Delivery.SENT,
    )
    args: dict[str, Any] = {"conversation": str(conversation.uuid), "text": "早上好"}
    action_name = "conversations.send_text"
    if action_name not in registry:
        action_name, args = "conversations.answer", {"message": question.pk}
    for timing in (
        {"kind": "cron", "expression": "0 9 * * 1-5"},
        {"kind": "interval", "every": timedelta(hours=2)},
        {"kind": "once", "at": timezone.now() + timedelta(days=1)},
    ):
        Schedule.objects.create(name="早报", action=action_name, args=args, **timing)
    planning.pause(
        Schedule.objects.get(kind="interval"), now=timezone.now(), by="管理员", reason="放假"
    )
    for state in ("pending", "running", "succeeded", "failed", "cancelled", "skipped"):
        make_run(state, key="conversation:1", action="conversations.answer", error="出错了")
    Group.objects.create(name="客服")
    # Or it would be dead before the last page was looked at.
    ClusterStatus.objects.update(seen_at=timezone.now() + timedelta(minutes=10))
    for pk in (conversation.pk, 999):  # the other one was erased
        Usage.objects.create(day=timezone.localdate(), conversation_id=pk, turns=2, input_tokens=5)
    make_wechat(conversation, app_id=wechat_on, now=timezone.now())
    return {model: list(model._default_manager.all()) for model in admin.site._registry}


@pytest.fixture
def wechat_on(settings: Any) -> Iterator[str]:
    """Switch the channel on for an account that may send; return its app id."""
    settings.WECHAT_TOKEN, settings.WECHAT_REPLY = "token", "customer_service"
    settings.WECHAT_APP_ID, settings.WECHAT_APP_SECRET = "wx0123456789abcdef", "secret"
    settings.BOTFLOW_CHANNELS = {
        **settings.BOTFLOW_CHANNELS,
        "wechat": "wechat.channel.WeChatChannel",
    }
    get_channel.cache_clear()
    yield settings.WECHAT_APP_ID
    get_channel.cache_clear()


def make_wechat(conversation: Conversation, *, app_id: str, now: datetime) -> None:
    """Store accounts and followers in the states that read differently."""
    account = {"token_expires_at": now, "token_error": "出错了", "stopped_detail": "出错了"}
    Account.objects.create(app_id=app_id)
    Account.objects.create(app_id="wx0123456789abcded", can_send=True, failures=1, **account)
    soon = now + timedelta(hours=1)
    Account.objects.create(
        app_id="wx0123456789abcdee", can_send=False, retry_at=soon, stopped_until=soon, **account
    )
    states: list[dict[str, Any]] = [
        {"message_until": soon, "message_left": 3, "last_inbound_at": now},
        {"message_until": soon, "message_left": 0, "action_until": now, "action_left": 1},
        {"message_until": now, "subscribed_at": now, "scene": "海报"},
        {"refusal": "对方拒收"},
        {"is_subscribed": False, "unsubscribed_at": now},
    ]
    for number, fields in enumerate(states):
        talk = conversation
        if number:
            talk = Conversation.objects.create(
                channel="wechat", address=f"o_{number}", title="你好"
            )
        Follower.objects.create(openid=f"o_{number}", conversation=talk, **fields)
    Message.objects.create(
        conversation=conversation,
        role=Message.Role.ASSISTANT,
        content="喝水",
        state=Message.State.DONE,
        seq=3,
        delivery_state=Message.Delivery.HELD,
        delivery_error="对方不在窗口内",
    )


def check(response: Any, where: str) -> Found:
    """Return what is not Chinese on a page, each with where it was found."""
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return set()
    assert response.status_code < 500, where
    found = foreign_text(response.text, known=KNOWN)
    return {(where, place, text) for place, text in found}


def own_addresses(page: Any, row: Any) -> Iterator[str]:
    """Yield the addresses of everything that a page of the admin has an address for."""
    for pattern in page.get_urls():
        if not pattern.name:
            continue
        for args in ((), (row.pk,)):
            try:
                yield reverse(f"admin:{pattern.name}", args=args)
            except NoReverseMatch:
                continue


def lists_of(client: Client, page: Any) -> Iterator[str]:
    """Yield the list of a page by itself, with each choice of its filters, and with no result."""
    place = f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"
    yield reverse(place)
    shown = client.get(reverse(place)).context["cl"]
    for spec in shown.filter_specs:
        for choice in spec.choices(shown):
            if "query_string" in choice:
                yield reverse(place) + choice["query_string"]
    if page.search_fields:
        yield reverse(place) + "?q=zzz"


def pages_of(client: Client, rows: dict[type[Model], list[Any]]) -> Iterator[Found]:
    """Yield what is not Chinese on each page of the registry."""
    for model, page in admin.site._registry.items():
        assert rows[model], ROWLESS.format(model.__name__)
        addresses = dict.fromkeys(lists_of(client, page))
        for row in rows[model]:
            addresses |= dict.fromkeys(own_addresses(page, row))
        for address in addresses:
            yield check(client.get(address, follow=True), address)


def test_no_page_of_the_registry_has_english_on_it(
    reader: Client, rows: dict[type[Model], list[Any]]
) -> None:
    seen, found = 0, set()
    for texts in pages_of(reader, rows):
        seen += 1
        found |= texts

    assert seen > 60
    assert not found, report(found)


def test_forms_that_are_sent_empty_answer_in_chinese(
    reader: Client, rows: dict[type[Model], list[Any]]
) -> None:
    found = set()
    for model, page in admin.site._registry.items():
        place = f"admin:{page.opts.app_label}_{page.opts.model_name}"
        addresses = [
            reverse(f"{place}_add"),
            *(reverse(f"{place}_change", args=[row.pk]) for row in rows[model]),
        ]
        for address in addresses:
            found |= check(reader.post(address, {"nothing": "1"}), f"POST {address}")

    assert not found, report(found)


def test_actions_ask_and_answer_in_chinese(
    reader: Client, rows: dict[type[Model], list[Any]], rf: RequestFactory
) -> None:
    found = set()
    request = rf.get("/admin/")
    request.user = User.objects.get()
    for model, page in admin.site._registry.items():
        address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
        chosen = [row.pk for row in rows[model] if not isinstance(row, User)]
        names = ["", *page.get_actions(request)]
        for name, keys in ((name, keys) for name in names for keys in ([], chosen)):
            data = {"action": name, "index": "0", "_selected_action": keys}
            for answer in (data, data | CONFIRMED):
                response = reader.post(address, answer, follow=True)
                found |= check(response, f"{name or 'no action'} with {len(keys)} at {address}")

    assert not found, report(found)


def test_pages_that_belong_to_no_model_are_in_chinese(reader: Client, cluster: Any) -> None:
    labels = sorted({page.opts.app_label for page in admin.site._registry.values()})
    names = ["index", "password_change", "password_change_done", "search"]
    addresses = [
        *(reverse(f"admin:{name}") for name in names),
        *(reverse("admin:app_list", args=[label]) for label in labels),
        *(f"{reverse('admin:search')}?s={text}" for text in ("运行", "用户", "zzz")),
        "/admin/nowhere/",
        "/admin/auth/group/999/change/",
        "/admin/auth/group/999/delete/",
        "/admin/auth/group/999/history/",
    ]

    found = set()
    for address in addresses:
        found |= check(reader.get(address, follow=True), address)

    assert not found, report(found)


def test_signing_in_and_out_is_in_chinese(reader: Client) -> None:
    stranger = Client(headers={"Accept-Language": "zh-hans"})
    outsider = Client(headers={"Accept-Language": "zh-hans"})
    outsider.force_login(User.objects.create_user("访客"))
    change = reverse("admin:password_change")
    wrong = {"old_password": "wrong", "new_password1": "123", "new_password2": "124"}
    weak = {"old_password": "a-long-password", "new_password1": "1", "new_password2": "1"}
    login = reverse("admin:login")
    somebody = {"username": "某人", "password": "wrong"}

    answers = [
        stranger.get(reverse("admin:index"), follow=True),
        stranger.post(login, somebody),
        stranger.post(login, {}),
        outsider.get(reverse("admin:index"), follow=True),
        reader.post(change, wrong),
        reader.post(change, weak),
        reader.post(reverse("admin:logout"), follow=True),
    ]

    found = set()
    for number, answer in enumerate(answers):
        assert answer.status_code == 200
        found |= check(answer, f"answer {number}")
    assert not found, report(found)


def test_the_scripts_of_the_admin_have_every_text_in_chinese(reader: Client) -> None:
    scripts = (Path(django.contrib.admin.__file__).parent / "static/admin/js").glob("**/*.js")
    call = re.compile(r"""(?<!\w)n?gettext\(\s*(?:'([^']+)'|"([^"]+)")""")
    texts = {
        one or other
        for script in scripts
        if "vendor" not in script.parts
        for one, other in call.findall(script.read_text("utf-8"))
    }

    answer = reader.get(reverse("admin:jsi18n")).text

    catalog = json.loads(answer.split("newcatalog = ")[1].split(";\n")[0])
    assert len(texts) > 40
    assert {text for text in texts if text not in catalog} == set()


def test_english_on_a_page_would_be_found() -> None:
    page = """<html lang="zh-hans"><title>组</title><p>组 <b title="Add">加</b>
        <input type="submit" value="Save"><img alt="Logo"><script>var english</script>
        <span class="material-symbols-outlined">home</span><template>Remove</template>
        <i x-text="on ? 'Yes' : '否'"></i><p>BotFlow 1.0</p> Some text</html>"""

    texts = {text for _, text in foreign_text(page, known=KNOWN)}

    assert texts == {"Add", "Save", "Logo", "Remove", "Yes", "Some text"}


def report(found: Found) -> str:
    """Return each text once, with the first place it was seen at."""
    texts = {(place, text): where for where, place, text in sorted(found, reverse=True)}
    return "\n".join(f"{text!r} in {place} of {where}" for (place, text), where in texts.items())
