"""The doctor calls the webhook of a site that runs, from a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.harness.environment import ROOT
from tests.harness.site import Site
from tests.wechat.fake_api import APP_ID, SECRET, FakeApi, running

TOKEN = "tokenOfTheSite"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running() as one:
        one.script("getcallbackip", {"ip_list": []})
        yield one


@pytest.fixture
def wechat_site(api: FakeApi) -> Iterator[Site]:
    """A running site in plain mode."""
    with Site(
        WECHAT_TOKEN=TOKEN,
        WECHAT_APP_ID=APP_ID,
        WECHAT_APP_SECRET=SECRET,
        WECHAT_API_BASE_URL=api.url,
        ALLOWED_HOSTS="bot.example.org,127.0.0.1",
    ) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


def doctor(site: Site, *arguments: str, **env: str) -> tuple[str, int]:
    """Return what the command printed for a site, and with which code it ended."""
    place = {"BOTFLOW_HOST": "127.0.0.1", "BOTFLOW_PORT": str(site.port)}
    ended = subprocess.run(
        [sys.executable, "manage.py", "wechat_doctor", *arguments],
        env=site.env | place | env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert not ended.stderr, ended.stderr
    return ended.stdout, ended.returncode


def test_a_running_site_is_found_well_and_its_webhook_answers(wechat_site: Site) -> None:
    said, code = doctor(wechat_site)

    assert code == 0, said
    assert f"? Webhook: It answers on this machine, at {wechat_site.url}/wechat." in said
    assert "✓ Access token: WeChat takes it." in said
    assert "✓ Cluster: 1 is running." in said
    for secret in (TOKEN, SECRET, "token-1"):
        assert secret not in said


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"WECHAT_TOKEN": "tokenOfAnother"}, "answers with status 403."),
        ({"WECHAT_PATH": "/elsewhere"}, "answers with status 404."),
    ],
)
def test_a_site_with_other_settings_than_the_doctors_is_noticed(
    wechat_site: Site, env: dict[str, str], sentence: str
) -> None:
    said, code = doctor(wechat_site, **env)

    assert code == 1
    assert sentence in said
