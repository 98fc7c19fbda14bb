"""A message takes its participant's files along, each once, to its readers and to the agent."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.agents import Turn
from conversations.channels.web import WebChannel
from conversations.frames import message_frame
from conversations.inbound import FrameError, Say, parse
from conversations.models import Conversation, Message, Upload
from conversations.receiving import receive_messages
from conversations.uploads import FilesNotFound, find_files, store_upload, url_of
from tests.conversations.working import MiniWorker, incoming, read, say

ME = "visitor:me"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def stored(name: str = "a.png", content: bytes = PNG, *, participant: str = ME) -> Upload:
    return store_upload(participant=participant, name=name, content=content, now=timezone.now())


def receive(content: str = "look", *files: Upload, **fields: Any) -> Any:
    uuids = tuple(upload.uuid for upload in files)
    fields = {"participant": ME, "files": uuids} | fields
    [received] = receive_messages([incoming(content, **fields)])
    return received


# -- receiving -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_message_keeps_its_files_in_their_order_and_they_become_its_own():
    one, two = stored("one.png"), stored("two.png")

    message = Message.objects.get(pk=receive("look", two, one).message.pk)

    assert [file["name"] for file in message.files] == ["two.png", "one.png"]
    assert message.files[0] == {
        "url": url_of(two),
        "name": "two.png",
        "type": "image/png",
        "size": len(PNG),
    }
    assert (message.content_type, message.attachment) == ("image", url_of(two))
    assert set(message.uploads.all()) == {one, two}
    assert json.loads(message_frame(message).text)["files"] == message.files


@pytest.mark.django_db
def test_files_of_several_kinds_are_files_and_name_the_conversation():
    message = receive("", stored("list.md", b"# list"), stored()).message

    assert message.content_type == "file"
    assert Conversation.objects.get().title == "list.md"


@pytest.mark.django_db
def test_files_that_are_not_there_or_not_theirs_or_taken_are_refused_and_nothing_is_stored():
    taken, others = stored(), stored(participant="visitor:other")
    receive("first", taken, external_id="1")
    gone = Upload(participant=ME)

    for files in ([gone], [others], [taken], [stored(), taken]):
        assert isinstance(receive("look", *files, address="b", external_id="2"), FilesNotFound)
        assert isinstance(receive("look", *files, external_id="2"), FilesNotFound)
    assert isinstance(receive("look", stored(participant=""), participant=""), FilesNotFound)
    assert Message.objects.get().content == "first"
    assert Conversation.objects.get().seq == 1


@pytest.mark.django_db
def test_a_message_that_is_sent_again_finds_its_files():
    upload = stored()
    first = receive("look", upload, external_id="1")

    again = receive("look", upload, external_id="1")

    assert (again.is_new, again.message.pk) == (False, first.message.pk)


@pytest.mark.django_db
def test_of_two_messages_at_once_the_first_gets_the_file_and_others_are_stored():
    upload = stored()
    shared = {"participant": ME, "files": (upload.uuid,)}
    items = [
        incoming("one", external_id="1", **shared),
        incoming("two", external_id="2", **shared),
        incoming("one", external_id="1", **shared),
        incoming("three", participant=ME),
    ]

    one, two, again, three = receive_messages(items)

    assert isinstance(two, FilesNotFound)
    assert one.message.pk == again.message.pk
    assert [message.content for message in Message.objects.order_by("seq")] == ["one", "three"]
    assert three.is_new
    assert list(one.message.uploads.all()) == [upload]


@pytest.mark.django_db
def test_a_file_that_another_process_used_meanwhile_is_looked_for_again():
    upload = stored()
    found = find_files([incoming(participant=ME, files=(upload.uuid,))])[0]
    receive("first", upload)
    second = receive("second").message

    assert found
    with pytest.raises(IntegrityError):
        found.attach(second)


@pytest.mark.django_db
def test_a_message_without_files_costs_no_query_for_them():
    receive("first")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        receive("second")

    assert not any("upload" in query["sql"] for query in queries.captured_queries)


@pytest.mark.django_db
def test_the_files_of_a_deleted_conversation_are_deleted():
    receive("look", stored())

    Conversation.objects.get().delete()

    assert not Upload.objects.exists()


# -- frames ----------------------------------------------------------------------------------------


def frame(**fields: Any) -> Any:
    return parse(json.dumps({"type": "message", "content": "", "client_id": "c", **fields}))


def test_a_frame_names_files_each_once_and_needs_no_text_then():
    one, two = uuid.uuid4(), uuid.uuid4()

    said = frame(files=[str(one), str(two), str(one)])

    assert said == Say("", client_id="c", files=(one, two))
    assert frame(content="x", files=[]) == frame(content="x", files=None) == Say("x", client_id="c")


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ("x", "bad_frame"),
        ([1], "bad_frame"),
        ({"a": 1}, "bad_frame"),
        ([], "bad_frame"),
        (["x"], "not_found"),
        ([str(uuid.uuid4()) for _ in range(9)], "bad_frame"),
    ],
)
def test_a_frame_with_wrong_files_is_refused_by_its_client_id(files: Any, code: str):
    with pytest.raises(FrameError) as caught:
        frame(files=files)

    assert (caught.value.code, caught.value.client_id) == (code, "c")


# -- agents ----------------------------------------------------------------------------------------


async def test_an_agent_is_given_all_files_of_a_message_now_and_later(
    worker: MiniWorker, turns: list[Turn]
):
    def prepare() -> list[Upload]:
        return [stored("one.png"), stored("two.md", b"two")]

    uploads = await read(prepare)
    urls = tuple(url_of(upload) for upload in uploads)
    files = tuple(upload.uuid for upload in uploads)
    await say("look", participant=ME, files=files)
    await worker.work()
    await say("and now?", participant=ME)
    await worker.work()

    assert turns[0].attachments == urls
    assert [one.attachments for one in turns[1].history] == [urls, ()]


async def test_the_page_s_channel_opens_only_what_an_address_of_its_own_leads_to(
    worker: MiniWorker,
):
    channel = WebChannel()
    chinese, archived = "你好".encode("gb18030"), b"PK\x05\x06" + b"\x00" * 18
    image = await read(stored)
    text = await read(lambda: stored("b.txt", chinese))
    archive = await read(lambda: stored("c.zip", archived))

    assert await channel.open_image(url_of(image)) == ("image/png", PNG)
    assert await channel.open_image(url_of(text)) is None
    opened = [await channel.open_file(url_of(one)) for one in (text, archive)]
    assert [one and (one.name, one.content_type, one.text) for one in opened] == [
        ("b.txt", "text/plain", "你好"),
        ("c.zip", "application/zip", None),
    ]
    forged = url_of(image).replace(str(image.uuid), str(text.uuid))
    for other in (forged, "/admin/", "https://example.com/a.png", "", "//[", "/media/x"):
        assert await channel.open_image(other) is None
        assert await channel.open_file(other) is None
