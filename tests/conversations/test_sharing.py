"""Sharing: a link shows what was said until it was made, to anybody, until it is revoked."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversations import sharing
from conversations.identity import Identity
from conversations.models import Conversation, Message, SharedLink
from conversations.sharing import make_link

ME, OTHER = Identity("visitor:me"), Identity("visitor:other")
NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


def conversation(title: str = "Plans") -> Conversation:
    return Conversation.objects.create(
        channel="web", address=str(uuid.uuid4()), participant=ME.participant, title=title
    )


def add(place: Conversation, content: str, **more: Any) -> Message:
    """Store a message as the next change of its conversation."""
    place.refresh_from_db()
    place.seq += 1
    place.save()
    values = {"role": "user", "state": "answered", "seq": place.seq, "created_at": NOON, **more}
    return Message.objects.create(conversation=place, content=content, **values)


def answer(to: Message, content: str, **more: Any) -> Message:
    fields = {"role": "assistant", "state": "done", "reply_to": to, "uuid": to.reply_uuid, **more}
    return add(to.conversation, content, **fields)


def ask(method: str, place: Conversation, who: Identity = ME) -> Any:
    client = Client(headers={"Authorization": f"Bearer {who.token}"})
    return getattr(client, method)(f"/api/conversations/{place.uuid}/share")


def read(url: str, **headers: str) -> Any:
    return Client(headers=headers).get(url)


def texts(response: Any) -> list[str]:
    """Return what the messages of a shared page say."""
    found = re.findall(r'<div class="text">(.*?)</div>\s*<div class="foot">', response.text, re.S)
    return [re.sub(r"<[^>]+>", "", text).strip() for text in found]


@pytest.mark.django_db
def test_a_link_is_made_shown_renewed_and_revoked() -> None:
    place = conversation()
    question = add(place, "Where to?")
    assert (ask("get", place).status_code, ask("get", place).json()["code"]) == (404, "not_found")

    made = ask("post", place)
    assert made.status_code == 201
    link = made.json()
    assert re.fullmatch(r"http://testserver/shared/[\w-]{32}", link["url"])
    assert datetime.fromisoformat(link["created_at"]) <= timezone.now()
    assert ask("get", place).json() == link | {"current": True}

    answer(question, "Lisbon.")
    assert ask("get", place).json()["current"] is False
    assert texts(read(link["url"])) == ["Where to?"]

    renewed = ask("post", place).json()
    assert (renewed["url"], renewed["created_at"]) == (link["url"], link["created_at"])
    assert (renewed["renewed_at"] > link["renewed_at"], renewed["current"]) == (True, True)
    assert texts(read(link["url"])) == ["Where to?", "Lisbon."]

    assert ask("delete", place).status_code == 204
    assert ask("delete", place).status_code == 204
    assert read(link["url"]).status_code == 404
    assert ask("get", place).status_code == 404
    assert ask("post", place).json()["url"] != link["url"]


@pytest.mark.django_db
def test_the_page_needs_nobody_and_tells_nobody(settings: Any) -> None:
    settings.BOTFLOW_CHAT_ACCESS = "login"
    settings.BOTFLOW_NAME = "Ada"
    place = conversation("Plans <b>\n& more")
    add(place, "<script>1 < 2</script>")
    url = f"/shared/{make_link(place, now=timezone.now()).token}"

    page = read(url)

    assert page.status_code == 200
    assert "Plans &lt;b&gt; &amp; more · Ada" in page.text
    assert texts(page) == ["&lt;script&gt;1 &lt; 2&lt;/script&gt;"]
    assert page["Cache-Control"] == "private, no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert '<meta name="robots" content="noindex, nofollow">' in page.text
    assert "script-src 'self'; style-src 'self'" in page["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert not page.cookies
    assert ME.participant not in page.text
    assert str(place.uuid) not in page.text
    assert '<html lang="zh-hans"' in read(url, **{"Accept-Language": "zh-CN"}).text
    assert Client().post(url).status_code == 405
    assert read("/shared/x").status_code == 404


@pytest.mark.django_db
def test_others_cannot_share_nor_see_whether_it_is_shared() -> None:
    place = conversation()
    link = make_link(place, now=NOON)

    answers = [ask(method, place, OTHER).status_code for method in ("get", "post", "delete")]

    assert answers == [404, 404, 404]
    assert SharedLink.objects.get() == link
    assert Client().post(f"/api/conversations/{place.uuid}/share").status_code == 401


@pytest.mark.django_db
def test_what_was_said_later_or_deleted_or_is_not_whole_is_not_shown() -> None:
    place = conversation()
    first = add(place, "One")
    answer(first, "Re one")
    gone = add(place, "Gone")
    answering = add(place, "Two", state="answering")
    reply = answer(answering, "Half", state="streaming")
    add(place, "", content_type="event")
    link = make_link(place, now=NOON + timedelta(minutes=1))
    url = f"/shared/{link.token}"
    assert texts(read(url)) == ["One", "Re one", "Gone", "Two"]

    place.refresh_from_db()
    Message.objects.filter(pk=gone.pk).update(is_deleted=True, content="", seq=place.seq + 1)
    done = {"state": "done", "content": "Whole", "seq": place.seq + 2}
    Message.objects.filter(pk=reply.pk).update(**done)
    Message.objects.filter(pk=answering.pk).update(state="answered", seq=place.seq + 3)
    add(place, "Later", seq=place.seq + 4, created_at=NOON + timedelta(minutes=2))

    assert texts(read(url)) == ["One", "Re one", "Two"]


@pytest.mark.django_db
def test_the_versions_are_those_that_were_shown_when_it_was_shared() -> None:
    place = conversation()
    first = add(place, "Lisbon?")
    answer(first, "Sunny.")
    add(place, "And the food?")
    before = f"/shared/{make_link(place, now=NOON).token}"

    version = add(place, "Porto?", replaces=first, chosen=4, created_at=NOON + timedelta(hours=1))
    answer(version, "Rainy.", created_at=NOON + timedelta(hours=1))
    place.settings["branch"] = version.pk
    place.save()
    assert texts(read(before)) == ["Lisbon?", "Sunny.", "And the food?"]

    make_link(place, now=NOON + timedelta(hours=2))
    assert texts(read(before)) == ["Porto?", "Rainy."]
    # The first one is chosen again: the link keeps what it shows.
    Message.objects.filter(pk=first.pk).update(chosen=99, seq=99)
    place.settings["branch"] = None
    place.save()
    assert texts(read(before)) == ["Porto?", "Rainy."]


@pytest.mark.django_db
def test_pictures_and_files_are_at_their_signed_addresses_and_others_nowhere() -> None:
    place = conversation()
    files = [
        {"url": "/media/1-s/a.png", "name": 'a".png', "type": "image/png", "size": 5},
        {"url": "/media/2-s/b.pdf", "name": "b.pdf", "type": "application/pdf", "size": 2048},
        {"url": "https://elsewhere.example/c.png", "name": "c", "type": "image/png", "size": 1},
    ]
    add(place, "", files=files, content_type="file")
    link = make_link(place, now=NOON)

    page = read(f"/shared/{link.token}").text

    assert '<img src="/media/1-s/a.png" alt="a&quot;.png"' in page
    assert 'href="/media/2-s/b.pdf" download="b.pdf"' in page
    assert ("elsewhere" in page, page.count("<img")) == (False, 1)


@pytest.mark.django_db
def test_a_long_one_has_pages_and_code_and_tables_can_be_scrolled_by_keys(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(sharing, "PAGE", 2)
    place = conversation()
    for number in range(4):
        add(place, f"Message {number}")
    reply = "```python\nx = 1\n```\n\n|a|\n|-|\n|b|\n\n$$\nx^2\n$$"
    add(place, reply, role="assistant", state="done")
    url = f"/shared/{make_link(place, now=NOON).token}"

    with django_assert_num_queries(3):
        first = read(url)
    last = read(f"{url}?page=3")

    assert texts(first) == ["Message 0", "Message 1"]
    assert ("?page=2" in first.text, "?page=0" in first.text) == (True, False)
    assert read(f"{url}?page=x").text.count("Message") == 2
    assert ("?page=2" in last.text, "?page=4" in last.text) == (True, False)
    assert '<div class="code"><pre tabindex="0"><code class="language-python">' in last.text
    assert '<div class="table" tabindex="0">' in last.text
    assert '<pre class="math" tabindex="0">' in last.text


@pytest.mark.django_db
def test_a_conversation_takes_its_link_along() -> None:
    place = conversation()
    add(place, "One")
    make_link(place, now=NOON)
    listed = Client(headers={"Authorization": f"Bearer {ME.token}"}).get("/api/conversations")
    assert listed.json()["conversations"][0]["shared"] is True

    place.delete()

    assert not SharedLink.objects.exists()


@pytest.mark.django_db
def test_where_sharing_is_off_there_are_no_links(settings: Any) -> None:
    place = conversation()
    link = make_link(place, now=NOON)
    settings.BOTFLOW_SHARING = False

    answers = [ask(method, place).status_code for method in ("get", "post", "delete")]

    assert [*answers, read(f"/shared/{link.token}").status_code] == [404] * 4
    assert 'data-do="share"' not in Client().get("/").text
