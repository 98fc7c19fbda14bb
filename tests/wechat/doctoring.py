"""A site about which the doctor has nothing to say, and its webhook, for what goes wrong next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from conversations.models import Conversation, Message
from scheduling.models import ClusterStatus
from tests.wechat.fake_api import FakeApi
from tests.wechat.fake_api import api as api
from tests.wechat.posting import OPENID, TOKEN
from wechat.doctor import Finding, Level, examine
from wechat.models import Follower

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
