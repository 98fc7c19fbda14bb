"""The doctor tells what is right and wrong with the channel, and never a secret."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.utils import timezone
from django.utils.http import http_date

from conversations.models import Conversation, Message
from scheduling.models import ClusterStatus
from tests.wechat.fake_api import SECRET, Answer, FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.posting import OPENID, TOKEN
from wechat.doctor import Finding, Level, examine, look
from wechat.models import Account, Follower

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


class Webhook:
    """A server that answers the doctor's call as told; `echo` is what WeChat sent."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Callable[[dict[str, str]], str] = lambda query: query["echostr"]
        self.headers: dict[str, str] = {}
        self.queries: list[dict[str, str]] = []
        self.hosts: list[str] = []
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = parse_qs(urlsplit(self.path).query)
                query = {name: values[0] for name, values in found.items()}
                webhook.queries.append(query)
                webhook.hosts.append(self.headers["Host"])
                data = webhook.body(query).encode()
                self.send_response(webhook.status)
                for name, value in webhook.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def webhook(settings: Any) -> Iterator[Webhook]:
    """The site's own webhook, where the settings say that it listens."""
    one = Webhook()
    settings.BOTFLOW_HOST, settings.BOTFLOW_PORT = "127.0.0.1", one.port
    yield one
    one.stop()


@pytest.fixture
def well(transactional_db: None, settings: Any, api: FakeApi, webhook: Webhook) -> Any:
    """Set up an account about which there is nothing to say; return the settings."""
    settings.WECHAT_TOKEN = TOKEN
    settings.WECHAT_AES_KEY, settings.WECHAT_MODE = KEY, "secure"
    settings.ALLOWED_HOSTS = ["127.0.0.1", "bot.example.org"]
    api.script("getcallbackip", {"ip_list": ["127.0.0.1"]})
    ClusterStatus.objects.create(name="one", status="", seen_at=timezone.now())
    add_follower()
    return settings


def add_follower(openid: str = OPENID, **fields: Any) -> Follower:
    now = timezone.now()
    values = {
        "last_inbound_at": now - timedelta(minutes=3),
        "message_until": now + timedelta(hours=47),
        "message_left": 4,
    }
    talk = Conversation.objects.create(channel="wechat", address=openid)
    return Follower.objects.create(openid=openid, conversation=talk, **values | fields)


def add_message(follower: Follower, state: str, **fields: Any) -> Message:
    return Message.objects.create(
        conversation=follower.conversation,
        role=Message.Role.ASSISTANT,
        state=Message.State.DONE,
        content="what was said",
        seq=1,
        delivery_state=state,
        **fields,
    )


def found(name: str, *, url: str = "", insists: bool = False) -> Finding:
    """Return the line whose name begins so, of an examination."""
    parts = examine(url=url, insists=insists)
    (finding,) = [
        finding
        for part in parts
        for finding in part.findings
        if finding.name.lower().startswith(name.lower())
    ]
    return finding


def levels(parts: Any) -> dict[str, Level]:
    return {finding.name: finding.level for part in parts for finding in part.findings}


def test_a_site_that_is_well_has_no_line_that_is_wrong(well: Any) -> None:
    told = levels(examine())

    assert {name: level for name, level in told.items() if level != Level.OK} == {
        "WeChat's API (WECHAT_API_BASE_URL)": Level.UNKNOWN,
        "Webhook": Level.UNKNOWN,
    }
    assert len(told) == 16


def test_a_site_without_a_token_has_one_thing_to_do(well: Any) -> None:
    well.WECHAT_TOKEN = ""

    told = [finding for part in examine() for finding in part.findings]

    assert told[0].level == Level.ERROR
    assert "WECHAT_TOKEN" in told[0].advice
    assert [part.title for part in look()] == ["Settings"]


@pytest.mark.parametrize(
    ("name", "values", "level"),
    [
        ("Token", {"WECHAT_TOKEN": "no"}, Level.ERROR),
        ("AppID", {"WECHAT_APP_ID": "0123"}, Level.ERROR),
        ("AppID", {"WECHAT_APP_ID": ""}, Level.ERROR),
        ("AppSecret", {"WECHAT_APP_SECRET": ""}, Level.WARNING),
        (
            "AppSecret",
            {"WECHAT_APP_SECRET": "", "WECHAT_REPLY": "customer_service"},
            Level.ERROR,
        ),
        ("AppSecret", {"WECHAT_APP_SECRET": "", "WECHAT_REPLY": "passive"}, Level.OK),
        ("EncodingAESKey", {"WECHAT_AES_KEY": KEY[1:]}, Level.ERROR),
        ("EncodingAESKey", {"WECHAT_AES_KEY": ""}, Level.ERROR),
        ("EncodingAESKey", {"WECHAT_AES_KEY_PREVIOUS": KEY}, Level.WARNING),
        ("EncodingAESKey", {"WECHAT_AES_KEY_PREVIOUS": "short"}, Level.ERROR),
        ("Message encryption", {"WECHAT_MODE": "plain"}, Level.WARNING),
        ("Message encryption", {"WECHAT_MODE": "compatible"}, Level.WARNING),
        ("Account", {"WECHAT_ORIGINAL_ID": "my-account"}, Level.ERROR),
        ("Account", {"WECHAT_ORIGINAL_ID": "gh_0123"}, Level.OK),
        ("Host names", {"ALLOWED_HOSTS": ["127.0.0.1", "localhost"]}, Level.WARNING),
        ("Age of requests", {"WECHAT_FRESHNESS": 0}, Level.WARNING),
    ],
)
def test_each_setting_is_judged(well: Any, name: str, values: dict[str, Any], level: Level) -> None:
    for setting, value in values.items():
        setattr(well, setting, value)

    (finding,) = [
        finding
        for part in look()
        for finding in part.findings
        if finding.name.startswith(f"{name} (")
    ]

    assert finding.level == level
    assert finding.advice or level == Level.OK


def test_a_secret_that_would_travel_unencrypted_is_wrong(well: Any) -> None:
    well.WECHAT_API_BASE_URL = "http://relay.example.org"

    assert levels(look())["WeChat's API (WECHAT_API_BASE_URL)"] == Level.ERROR


# -- asking WeChat ---------------------------------------------------------------------------------


def test_looking_asks_nobody(well: Any, api: FakeApi, webhook: Webhook) -> None:
    look()

    assert not api.calls
    assert not webhook.queries


def test_a_secret_that_wechat_refuses_is_told_with_what_to_do(well: Any) -> None:
    well.WECHAT_APP_SECRET = "another"

    finding = found("Access token")

    assert finding.level == Level.ERROR
    assert "WECHAT_APP_SECRET" in finding.text
    assert "Try again" in finding.advice


def test_the_breaker_is_kept_to_unless_a_person_insists(well: Any, api: FakeApi) -> None:
    later = timezone.now() + timedelta(hours=1)
    Account.objects.create(
        app_id=well.WECHAT_APP_ID, failures=5, retry_at=later, token_error="The key was lost."
    )

    assert found("Access token").level == Level.ERROR
    assert found("Access token").text == "The key was lost."
    assert not api.count("stable_token")
    assert found("Access token", insists=True).level == Level.OK
    assert api.count("stable_token") == 1


def test_insisting_takes_no_stored_token_for_a_good_one(well: Any, api: FakeApi) -> None:
    assert found("Access token").level == Level.OK
    well.WECHAT_APP_SECRET = "changed-in-the-console"

    assert found("Access token").level == Level.OK
    assert found("Access token", insists=True).level == Level.ERROR


def test_wechat_out_of_reach_is_told_without_tripping_the_breaker(well: Any) -> None:
    well.WECHAT_API_BASE_URL = refusing_address()

    finding = found("Way to WeChat")

    assert finding.level == Level.ERROR
    assert "cannot be reached" in finding.text
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("ahead", "level"),
    [(0, Level.OK), (60, Level.WARNING), (-60, Level.WARNING), (900, Level.ERROR)],
)
def test_the_clock_is_compared_with_theirs(
    well: Any, ahead: int, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    date = http_date(timezone.now().timestamp() - ahead)
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self: date)

    finding = found("Way to WeChat")

    assert finding.level == level
    assert ("ahead of" in finding.text) == (ahead > 0)
    assert ("behind" in finding.text) == (ahead < 0)
    assert ("is refused" in finding.text) == (level == Level.ERROR)


def test_whether_messages_may_be_sent_is_asked_once_and_remembered(well: Any, api: FakeApi) -> None:
    assert found("Customer-service").level == Level.OK
    found("Customer-service")

    assert [call.json for call in api.of("message/custom/typing")] == [
        {"touser": OPENID, "command": "Typing"}
    ]
    assert Account.objects.get().can_send is True


def test_an_account_that_may_only_reply_learns_what_that_means(well: Any, api: FakeApi) -> None:
    api.script("message/custom/typing", 48001)

    finding = found("Customer-service")

    assert finding.level == Level.WARNING
    assert "wait until the follower writes again" in finding.text
    assert Account.objects.get().can_send is False


@pytest.mark.parametrize("code", [45015, 45047, 43004, 45080, 45081])
def test_a_refusal_for_one_follower_says_that_sending_is_allowed(
    well: Any, api: FakeApi, code: int
) -> None:
    api.script("message/custom/typing", code)

    assert found("Customer-service").level == Level.OK


@pytest.mark.parametrize("code", [-1, 45009])
def test_an_answer_that_tells_nothing_leaves_it_open(well: Any, api: FakeApi, code: int) -> None:
    api.script("message/custom/typing", code)

    assert found("Customer-service").level == Level.UNKNOWN
    assert Account.objects.get().can_send is None


def test_without_any_follower_it_cannot_be_asked(well: Any, api: FakeApi) -> None:
    Follower.objects.all().delete()

    assert found("Customer-service").level == Level.UNKNOWN
    assert not api.count("message/custom/typing")


def test_an_account_that_must_send_and_may_not_is_wrong(well: Any) -> None:
    well.WECHAT_REPLY = "customer_service"
    Account.objects.create(app_id=well.WECHAT_APP_ID, can_send=False)

    assert found("Customer-service").level == Level.ERROR


def test_a_stop_is_told_until_it_is_over(well: Any) -> None:
    account = Account.objects.create(
        app_id=well.WECHAT_APP_ID,
        stopped_until=timezone.now() + timedelta(hours=3),
        stopped_detail="The day's messages are used up.",
    )

    assert found("Sending").level == Level.ERROR
    assert "The day's messages are used up." in found("Sending").text
    account.stopped_until = timezone.now()
    account.save()
    assert "Sending" not in levels(examine())


# -- the webhook -----------------------------------------------------------------------------------


def test_the_webhook_is_called_as_wechat_does(well: Any, webhook: Webhook) -> None:
    finding = found("Webhook")

    assert finding.level == Level.UNKNOWN
    assert f"http://127.0.0.1:{webhook.port}/wechat" in finding.text
    assert "--url" in finding.advice
    assert set(webhook.queries[0]) == {"signature", "timestamp", "nonce", "echostr"}


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "ALLOWED_HOSTS"),
        (403, "another WECHAT_TOKEN"),
        (404, "WECHAT_PATH"),
        (405, "log"),
        (500, "log"),
        (502, "is it running"),
    ],
)
def test_each_refusal_of_the_webhook_is_explained(
    well: Any, webhook: Webhook, status: int, advice: str
) -> None:
    webhook.status = status

    finding = found("Webhook")

    assert finding.level == Level.ERROR
    assert f"status {status}" in finding.text
    assert advice in finding.advice


def test_a_redirect_is_told_without_its_query(well: Any, webhook: Webhook) -> None:
    webhook.status = 301
    webhook.headers = {"Location": "https://www.example.org/wechat?signature=abc"}

    finding = found("Webhook")

    assert "leads on to https://www.example.org/wechat; WeChat follows no redirect" in finding.text
    assert "signature" not in finding.text


def test_any_other_page_is_not_taken_for_the_webhook(well: Any, webhook: Webhook) -> None:
    webhook.body = lambda query: f"<html>{query['echostr']}</html>"

    finding = found("Webhook")

    assert finding.level == Level.ERROR
    assert "something else" in finding.text


def test_a_site_that_does_not_run_is_told(well: Any) -> None:
    well.BOTFLOW_PORT = int(refusing_address().rpartition(":")[2])

    finding = found("Webhook")

    assert finding.level == Level.ERROR
    assert "Start the web process" in finding.advice


def test_a_site_that_hangs_is_told(
    well: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    webhook.body = lambda query: str(released.wait(30))
    monkeypatch.setattr("wechat.doctor_callback.PATIENCE", 0.2)

    finding = found("Webhook")
    released.set()

    assert finding.level == Level.ERROR
    assert "did not answer" in finding.text


def test_a_call_past_the_web_server_names_the_sites_host(well: Any, webhook: Webhook) -> None:
    well.ALLOWED_HOSTS = ["bot.example.org"]

    found("Webhook")

    assert webhook.hosts == ["bot.example.org"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://bot.example.org:8443", "WeChat calls only 80 (http) and 443 (https)"),
        ("ftp://bot.example.org", "is no address of a site"),
        ("https://", "is no address of a site"),
    ],
)
def test_an_address_that_wechat_would_not_call_is_refused(well: Any, url: str, text: str) -> None:
    finding = found("Webhook", url=url)

    assert finding.level == Level.ERROR
    assert text in finding.text


def test_an_address_of_the_site_alone_gets_the_path(well: Any, webhook: Webhook) -> None:
    well.WECHAT_PATH = "/other"

    finding = found("Webhook", url=f"http://127.0.0.1:{webhook.port}/")

    assert f":{webhook.port}/other" in finding.text


# -- rows ------------------------------------------------------------------------------------------


def test_a_site_without_a_cluster_answers_nobody(well: Any) -> None:
    ClusterStatus.objects.all().delete()

    assert found("Cluster").level == Level.ERROR


def test_followers_and_what_they_can_be_sent_are_counted(well: Any) -> None:
    past = timezone.now() - timedelta(hours=1)
    add_follower("used-up", message_left=0)
    add_follower("closed", message_until=past)
    add_follower("gone", is_subscribed=False)

    assert found("Followers").text == (
        "3 follow. 2 of them wrote within 48 hours."
        " 1 of these can be sent nothing more before they write again."
    )
    well.WECHAT_REPLY = "passive"
    assert found("Followers").text == "3 follow."


def test_the_last_message_is_told(well: Any) -> None:
    assert found("Last message").text.startswith("3\xa0minutes ago (2")


def test_before_the_first_message_it_is_told_how_it_would_come(well: Any) -> None:
    Follower.objects.all().delete()

    finding = found("Last message")

    assert finding.level == Level.UNKNOWN
    assert "console" in finding.advice


def test_messages_kept_are_counted_and_old_ones_worth_a_look(well: Any) -> None:
    follower = add_follower("waits")
    add_message(follower, "held")
    add_message(follower, "sent")

    assert found("Messages kept").level == Level.OK
    assert found("Messages kept").text.startswith("1 waits for its follower to write")
    add_message(follower, "held", created_at=days_ago(6))
    assert found("Messages kept").level == Level.WARNING
    assert found("Messages kept").text.startswith("2 wait")


def test_what_failed_lately_is_told_with_the_latest_reason(well: Any) -> None:
    follower = add_follower("unlucky")
    add_message(follower, "failed", delivery_error="They left.", created_at=days_ago(0.5))
    add_message(follower, "unknown", delivery_error="No clear answer.")
    add_message(follower, "failed", delivery_error="Long ago.", created_at=days_ago(2))

    finding = found("Failed deliveries")

    assert finding.level == Level.WARNING
    assert finding.text == "2; the latest: No clear answer."


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


# -- secrets, and the command ----------------------------------------------------------------------


def test_no_line_holds_a_secret(
    well: Any, api: FakeApi, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    well.WECHAT_AES_KEY_PREVIOUS = KEY[::-1]
    told = []
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level("DEBUG", logger)
    answers: list[Any] = [{"ip_list": []}, 40001, 40164, "<html>", Answer(drop=True)]
    for script in answers:
        api.script("getcallbackip", script)
        told += [str(part) for part in examine(insists=True)]
    api.script("stable_token", {"errcode": 40125, "errmsg": f"invalid {SECRET}"})
    told += [str(part) for part in examine(insists=True)]
    webhook.status = 302
    webhook.body = lambda query: query["signature"]
    webhook.headers = {"Location": "https://a.example.org/?signature=feedfacefeedface"}
    told += [str(part) for part in examine()]

    everything = "".join(told)
    logged = "".join(one.getMessage() for one in caplog.records)
    assert {"httpx", "httpcore.http11"} <= {one.name for one in caplog.records}
    signatures = {query["signature"] for query in webhook.queries}
    for secret in (TOKEN, SECRET, KEY, KEY[::-1], "token-1", "feedfacefeedface", *signatures):
        assert secret not in everything
        assert secret not in logged


def run_command(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    code: Any = 0
    try:
        call_command("wechat_doctor", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        code = end.code
    return out.getvalue(), code


def test_the_command_prints_a_mark_for_each_line_and_ends_well(well: Any) -> None:
    said, code = run_command()

    assert code == 0
    assert "  ✓ Token (WECHAT_TOKEN): It is set.\n" in said
    assert "  ? Webhook: It answers on this machine" in said
    assert said.endswith("Nothing is wrong.\n")


def test_the_command_fails_when_something_is_wrong(well: Any, webhook: Webhook) -> None:
    webhook.status, well.WECHAT_MODE = 404, "plain"

    said, code = run_command()

    assert code == 1
    assert "  ✗ Webhook:" in said
    assert "    → Nothing is at this path" in said
    assert "  ! Message encryption" in said
    assert said.endswith("1 thing is wrong.\n")


def test_the_command_asks_anew_when_told(well: Any, api: FakeApi) -> None:
    later = timezone.now() + timedelta(hours=1)
    Account.objects.create(app_id=well.WECHAT_APP_ID, retry_at=later, token_error="Lost.")

    assert run_command()[1] == 1
    assert run_command("--retry")[1] == 0
