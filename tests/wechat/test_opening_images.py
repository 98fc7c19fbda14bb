"""Opening the pictures of followers, for agents that can see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conversations.channels.testing import PostingChannel
from tests.wechat.pictures import PNG, Pictures, page, serving
from wechat import channel, media
from wechat.channel import WeChatChannel


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pictures]:
    """Return a server at 127.0.0.1, which counts as public and as WeChat's own here."""
    monkeypatch.setattr(media, "is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(channel, "WECHAT_HOSTS", ("127.0.0.1",))
    with serving() as one:
        yield one


async def test_a_picture_on_a_server_of_wechat_is_fetched(pictures):
    assert await WeChatChannel().open_image(pictures.url("/a.png")) == ("image/png", PNG)


@pytest.mark.parametrize("path", ["/gone.jpg", "/page.html"])
async def test_what_cannot_be_fetched_or_is_no_picture_is_left(pictures, path):
    pictures.pages["/page.html"] = page(b"<html>")

    assert await WeChatChannel().open_image(pictures.url(path)) is None


@pytest.mark.parametrize("attachment", ["media:abc", "", "data:image/png;base64,AA", "ftp://x/y"])
async def test_what_is_no_web_address_is_left(attachment):
    assert await WeChatChannel().open_image(attachment) is None


async def test_nothing_is_fetched_from_elsewhere(pictures, monkeypatch):
    monkeypatch.setattr(channel, "WECHAT_HOSTS", ("qpic.cn",))

    assert await WeChatChannel().open_image(pictures.url()) is None
    assert pictures.asked == []


async def test_a_channel_leaves_images_as_they_are_unless_it_says_otherwise():
    assert await PostingChannel().open_image("https://example.com/a.png") is None
