"""Pictures of a message: sent in their place where WeChat takes them, else links."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wechat.fake_api import Answer
from tests.wechat.fake_api import api as api
from tests.wechat.pictures import JPEG, PNG, Pictures, page, serving
from tests.wechat.service import SEND, UPLOAD, Service
from tests.wechat.service import service as service
from wechat import media


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pictures]:
    """Return a server at 127.0.0.1, which counts as public here."""
    monkeypatch.setattr(media, "is_public", lambda address: address == "127.0.0.1")
    with serving() as one:
        yield one


@pytest.fixture
async def follower(service: Service, pictures: Pictures) -> None:
    service.api.script(UPLOAD, {"type": "image", "media_id": "media-1", "created_at": 1})
    await service.follow()


sending = pytest.mark.usefixtures("follower")


@sending
async def test_a_picture_follows_the_text(service: Service, pictures: Pictures):
    message = await service.deliver(f"Look:\n\n![a tree]({pictures.url()})")

    assert service.sent == ["Look:", "media-1"]
    assert message.delivery_state == "sent"
    (upload,) = service.api.of(UPLOAD)
    assert JPEG in upload.body
    assert b'filename="image.jpg"' in upload.body
    assert upload.query["type"] == "image"
    assert (await service.follower()).message_left == 3


@sending
async def test_pictures_stay_in_their_places(service: Service, pictures: Pictures):
    tree, cat = f"![]({pictures.url()})", f"![a *cat*]({pictures.url('/a.png')})"

    await service.deliver(f"One\n\n{tree}\n\ntwo\n\n{cat}")

    assert service.sent == ["One", "media-1", "two", "media-1"]
    assert sum(PNG in upload.body for upload in service.api.of(UPLOAD)) == 1


@sending
async def test_a_message_that_is_a_picture(service: Service, pictures: Pictures):
    message = await service.say("")
    await service.change(message, content_type="image", attachment=pictures.url())

    await service.deliver_once()

    assert service.sent == ["media-1"]
    assert (await service.fresh(message)).delivery_state == "sent"


@sending
@pytest.mark.parametrize("path", ["/nowhere.jpg", "/page.jpg"])
async def test_one_that_cannot_be_fetched_is_a_link(service: Service, pictures: Pictures, path):
    pictures.pages["/page.jpg"] = page(b"<html>")

    message = await service.deliver(f"Look:\n\n![a tree]({pictures.url(path)})")

    assert service.api.count(UPLOAD) == 0
    assert service.sent == [f'Look:\n\n<a href="{pictures.url(path)}">a tree</a>']
    assert message.delivery_state == "sent"


@sending
async def test_one_that_wechat_does_not_take_is_a_link(service: Service, pictures: Pictures):
    service.api.script(UPLOAD, 40009)

    message = await service.deliver(f"Look:\n\n![a tree]({pictures.url()})")

    assert len(service.sent) == 1
    assert pictures.url() in service.sent[0]
    assert message.delivery_state == "sent"


@sending
async def test_one_that_wechat_has_lost_is_uploaded_again_once(
    service: Service, pictures: Pictures
):
    uploads = [{"type": "image", "media_id": f"media-{number}"} for number in (1, 2)]
    service.api.script(UPLOAD, *uploads)
    service.api.script(SEND, 0, 40007, 0)

    message = await service.deliver(f"Look:\n\n![a tree]({pictures.url()})")

    assert service.sent == ["Look:", "media-1", "media-2"]
    assert message.delivery_state == "sent"
    assert (await service.follower()).message_left == 3


@sending
@pytest.mark.parametrize("codes", [(40007, 40007), (47001,)])
async def test_one_that_wechat_goes_on_refusing_is_a_link(
    service: Service, pictures: Pictures, codes: tuple[int, ...]
):
    service.api.script(SEND, 0, *codes, 0)

    message = await service.deliver(f"Look:\n\n![a tree]({pictures.url()})")

    link = f'<a href="{pictures.url()}">a tree</a>'
    assert service.sent == ["Look:", *["media-1"] * len(codes), link]
    assert message.delivery_state == "sent"
    assert (await service.follower()).message_left == 3


@sending
async def test_an_unclear_picture_is_an_unknown_outcome(service: Service, pictures: Pictures):
    service.api.script(SEND, 0, Answer(drop=True))

    message = await service.deliver(f"Look:\n\n![a tree]({pictures.url()})")

    assert service.sent == ["Look:", "media-1"]
    assert message.delivery_state == "unknown"


@sending
async def test_a_window_that_closes_before_the_picture_keeps_its_link(
    service: Service, pictures: Pictures
):
    service.api.script(SEND, 0, 45047)
    text = f"Look:\n\n![a tree]({pictures.url()})"

    message = await service.deliver(text)

    assert message.delivery_state == "held"
    assert await service.position(message) == len("Look:\n\n")


async def test_where_only_one_message_is_left_it_is_a_link(service: Service, pictures: Pictures):
    await service.follow(message_left=1)

    await service.deliver(f"Look:\n\n![a tree]({pictures.url()})")

    assert pictures.asked == []
    assert len(service.sent) == 1
    assert pictures.url() in service.sent[0]


async def test_an_account_that_may_only_reply_fetches_nothing(
    service: Service, pictures: Pictures, settings
):
    settings.WECHAT_REPLY = "passive"
    await service.follow()

    message = await service.deliver(f"![a tree]({pictures.url()})")

    assert pictures.asked == []
    assert message.delivery_state == "held"
