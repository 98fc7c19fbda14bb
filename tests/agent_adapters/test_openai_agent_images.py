"""Images: which of them a model is shown, as what, and what it is told of the others."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from conversations.agents.openai_compatible.images import is_shareable
from conversations.agents.openai_compatible.request import (
    NO_FILE,
    NO_IMAGE,
    image_parts,
    images_of,
    messages_of,
)
from conversations.channels import get_channel
from conversations.channels.testing import PostingChannel
from tests.agent_adapters.asking import assistant, reply, turn, user

WEB = "https://example.com/cat.png"
DATA = "data:image/png;base64,iVBORw0KGgo="


class OpeningChannel(PostingChannel):
    """Opens what begins with `own:`, as an image of these letters."""

    async def open_image(self, attachment: str) -> tuple[str, bytes] | None:
        kind, _, letters = attachment.partition(":")
        return ("image/jpeg", letters.encode()) if kind == "own" else None


@pytest.fixture(autouse=True)
def channels(settings: Any) -> Any:
    settings.BOTFLOW_CHANNELS = {
        "web": "conversations.channels.testing.RecordingChannel",
        "own": f"{__name__}.OpeningChannel",
    }
    get_channel.cache_clear()
    yield
    get_channel.cache_clear()


def shown(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


async def said(*args: Any, **fields: Any) -> list[Any]:
    asked = turn(*args, **fields)
    return [one["content"] for one in messages_of(asked, images=await images_of(asked))[1:]]


@pytest.mark.parametrize("attachment", [WEB, DATA, "http://mmbiz.qpic.cn/mmbiz_jpg/abc/0"])
async def test_an_image_of_the_web_or_within_its_address_is_passed_on(attachment):
    assert await said("What is it?", attachments=(attachment,)) == [
        [{"type": "text", "text": "What is it?"}, shown(attachment)]
    ]


async def test_what_the_channel_opens_is_inlined():
    [content] = await said("", channel="own", attachments=("own:abc",))

    assert content == [shown(f"data:image/jpeg;base64,{base64.b64encode(b'abc').decode()}")]


async def test_an_image_that_the_channel_leaves_is_passed_on():
    [content] = await said("", channel="own", attachments=(WEB,))

    assert content == [shown(WEB)]


async def test_a_channel_that_was_taken_away_opens_nothing():
    assert await said("Hm", channel="gone", attachments=("own:abc", WEB)) == [
        [{"type": "text", "text": "Hm"}, shown(WEB)]
    ]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/a.png",
        "http://127.1/a.png",
        "http://2130706433/a.png",
        "http://0x7f.0.0.1/a.png",
        "http://0177.0.0.1/a.png",
        "http://１２７.0.0.1/a.png",
        "http://127。0。0。1/a.png",
        "http://127.0.0.1./a.png",
        "http://10.1.2.3/a.png",
        "http://172.16.0.1/a.png",
        "http://192.168.1.1:8080/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/a.png",
        "http://[::1]/a.png",
        "http://[::ffff:127.0.0.1]/a.png",
        "http://[fe80::1%25eth0]/a.png",
        "http://[fd00::1]/a.png",
        "http://[64:ff9b::7f00:1]/a.png",
        "http://[2002:7f00:1::]/a.png",
        "http://224.0.0.1/a.png",
        "http://localhost/a.png",
        "http://LOCALHOST:8000/a.png",
        "http://localhost./a.png",
        "http://a.localhost/a.png",
        "http://redis:6379/a.png",
        "http://nas.local/a.png",
        "http://vault.internal/a.png",
        "http://user:secret@example.com/a.png",
        "http://user@example.com/a.png",
        "https://example.com\\@127.0.0.1/a.png",
        "https://example.com/a b.png",
        "https://example.com/a\n.png",
        "https:///a.png",
        "https://",
        "http://[::1/a.png",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "//example.com/a.png",
        "data:text/html;base64,AAAA",
        "data:image/svg+xml;base64,AAAA",
        "data:image/png,notbase64",
        "media:abc",
        "",
    ],
)
def test_no_model_is_pointed_into_a_network_of_the_owner(address):
    assert not is_shareable(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/a.png?x=1#y",
        "http://8.8.8.8/a.png",
        "http://[2606:4700::1111]/a.png",
        "https://bücher.example/bild",
        "https://localhost.example.com/a.png",
        "https://10.example.com/a.png",
    ],
)
def test_a_model_may_look_at_the_public_internet(address):
    assert is_shareable(address)


async def test_an_image_that_may_not_be_shown_is_told_of():
    assert await said("Look", attachments=("http://127.0.0.1/a.png",)) == [f"Look\n\n{NO_IMAGE}"]
    assert await said("", attachments=("http://127.0.0.1/a.png",)) == [NO_IMAGE]


@pytest.mark.parametrize("name", ["report.pdf", "song.mp3?x=.png", "a.docx#p"])
async def test_a_file_is_no_image(name):
    assert await said("Look", attachments=(f"https://example.com/{name}",)) == [
        f"Look\n\n{NO_FILE}"
    ]


async def test_a_voice_that_is_written_out_is_its_words():
    assert await said("Good morning", attachments=("media:abc",)) == ["Good morning"]
    assert await said("", attachments=("media:abc",)) == [NO_FILE]


async def test_images_of_the_last_messages_are_shown_too():
    history = [user("My cat", WEB), assistant("Cute!")]

    first, reply_, last = await said("Which color?", history=history)

    assert first == [{"type": "text", "text": "My cat"}, shown(WEB)]
    assert (reply_, last) == ("Cute!", "Which color?")


async def test_the_four_newest_images_are_shown():
    history = [user(f"{n}", f"https://example.com/{n}.png") for n in range(5)]

    contents = await said("And?", history=history, attachments=(WEB,))

    assert [isinstance(one, list) for one in contents] == [False, False, True, True, True, True]
    assert contents[0] == f"0\n\n{NO_IMAGE}"


async def test_an_image_that_is_long_ago_is_not_shown():
    history = [user("My cat", WEB), *[user("so")] * 10]

    assert (await said("And?", history=history))[0] == f"My cat\n\n{NO_IMAGE}"


async def test_an_image_that_comes_twice_counts_once():
    assert (await image_parts("web", [DATA, *[WEB] * 5])).keys() == {WEB, DATA}


async def test_an_image_that_comes_again_is_a_new_one():
    others = [f"https://example.com/{n}.png" for n in range(4)]

    assert (await image_parts("web", [WEB, *others, WEB])).keys() == {*others[1:], WEB}


async def test_the_newest_images_that_fit_into_a_request_are_inlined(monkeypatch):
    monkeypatch.setattr("conversations.agents.openai_compatible.images.MOST_INLINED", 100)
    attachments = ["own:" + letter * 30 for letter in "abc"]

    assert (await image_parts("own", attachments)).keys() == {attachments[2]}


@pytest.mark.parametrize(
    ("attachment", "url"),
    [(WEB, WEB), (DATA, DATA), ("own:abc", "data:image/jpeg;base64,YWJj")],
    ids=["of the web", "inlined", "of the channel"],
)
async def test_the_server_gets_the_image(model, attachment, url):
    await reply(text="What is it?", channel="own", attachments=(attachment,))

    [body] = model.bodies
    assert body["messages"][-1]["content"] == [
        {"type": "text", "text": "What is it?"},
        shown(url),
    ]
