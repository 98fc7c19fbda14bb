"""Files: a model reads the texts among them, within bounds, and knows the others by name."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.agents import HistoryMessage
from conversations.agents.openai_compatible.files import MOST_FILES, MOST_TEXT, file_parts
from conversations.agents.openai_compatible.request import images_of, messages_of
from conversations.channels import OpenedFile, get_channel
from conversations.channels.testing import PostingChannel
from tests.agent_adapters.asking import turn, user

OWN = "/media/notes.md"


class OpeningChannel(PostingChannel):
    """Opens `/media/<name>` as a text that says its own address, a PDF as none, a PNG as image."""

    async def open_image(self, attachment: str) -> tuple[str, bytes] | None:
        return ("image/png", b"pixels") if attachment.endswith(".png") else None

    async def open_file(self, attachment: str) -> OpenedFile | None:
        name = attachment.removeprefix("/media/")
        if name == attachment:
            return None
        if name.endswith(".pdf"):
            return OpenedFile(name, "application/pdf", 1234)
        text = "x" * int(name.partition(".")[0]) if name[0].isdigit() else f"I am {name}."
        return OpenedFile(name, "text/plain", len(text), text)


@pytest.fixture(autouse=True)
def channels(settings: Any) -> Any:
    settings.BOTFLOW_CHANNELS = {"own": f"{__name__}.OpeningChannel"}
    get_channel.cache_clear()
    yield
    get_channel.cache_clear()


async def said(*args: Any, **fields: Any) -> list[Any]:
    asked = turn(*args, channel="own", **fields)
    return [one["content"] for one in messages_of(asked, images=await images_of(asked))[1:]]


async def test_a_text_is_read_in_the_message_itself():
    assert await said("Sum it up.", attachments=(OWN,)) == [
        "Sum it up.\n\n[File: notes.md, text/plain, 14 bytes]\nI am notes.md.\n[End of the file]"
    ]


async def test_what_is_no_text_is_named():
    assert await said("", attachments=("/media/report.pdf",)) == [
        "[A file that cannot be shown: report.pdf, application/pdf, 1234 bytes]"
    ]


async def test_images_and_texts_stand_in_one_message():
    [content] = await said("Compare.", attachments=("/media/a.png", OWN))

    assert [part["type"] for part in content] == ["text", "image_url"]
    assert content[0]["text"].startswith("Compare.\n\n[File: notes.md")


async def test_the_files_of_earlier_messages_are_read_too_but_not_those_of_replies():
    theirs = HistoryMessage("assistant", "Thanks", ("/media/other.md",))

    contents = await said("And?", history=[user("Here", OWN), theirs])

    assert contents[0].startswith("Here\n\n[File: notes.md")
    assert contents[1:] == ["Thanks", "And?"]


async def test_texts_together_have_a_bound_and_the_newest_goes_first():
    names = [f"/media/{number}.txt" for number in (300, MOST_TEXT, 200)]

    parts = await file_parts("own", names)

    texts = [parts[name]["text"] for name in names]
    assert "x" * 200 in texts[2]
    assert "[200 more characters]" in texts[1]
    assert texts[0].startswith("[A file that cannot be shown: 300.txt")
    many = [f"/media/{letter}.md" for letter in "abcdefghijkl"]
    assert list(await file_parts("own", many)) == many[: -MOST_FILES - 1 : -1]


async def test_a_channel_that_is_gone_and_one_that_opens_nothing_leave_files_unknown(settings: Any):
    settings.BOTFLOW_CHANNELS = {"own": "conversations.channels.testing.PostingChannel"}
    get_channel.cache_clear()

    assert await file_parts("own", [OWN]) == {}
    assert await file_parts("other", [OWN]) == {}
