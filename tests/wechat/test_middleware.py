"""The webhook is answered before what the site does for its pages."""

from __future__ import annotations

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.test import AsyncClient

from tests.conversations.working import MiniWorker
from tests.wechat.posting import event, post, said, signed


class Used(Exception):
    """A middleware for pages was asked."""


@pytest.fixture
def pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def use(*_request: object) -> None:
        raise Used

    monkeypatch.setattr(SessionMiddleware, "process_request", use)


@pytest.mark.usefixtures("wechat_on", "pages_only")
async def test_what_wechat_posts_passes_by_the_middlewares_of_pages(worker: MiniWorker) -> None:
    assert said(await post(event("LOCATION", Latitude="1", Longitude="2"))) == ""

    with pytest.raises(Used):
        await AsyncClient().get("/login/")


@pytest.mark.usefixtures("wechat_on", "pages_only")
async def test_the_path_is_the_one_of_the_settings(wechat_on) -> None:
    wechat_on.WECHAT_PATH = "/hooks/wechat"

    answer = await AsyncClient().get("/hooks/wechat", query_params={**signed(), "echostr": "7"})

    assert answer.content == b"7"
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.usefixtures("wechat_on")
async def test_a_host_that_is_not_allowed_is_refused() -> None:
    answer = await AsyncClient().get("/wechat", query_params=signed(), headers={"host": "evil"})

    assert answer.status_code == 400


@pytest.mark.usefixtures("pages_only")
async def test_without_a_token_nothing_is_there() -> None:
    assert (await AsyncClient().get("/wechat")).status_code == 404
