"""Searching finds every word in whatever case and language, among one's own messages alone."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversations.identity import Identity
from conversations.models import Conversation, Message
from conversations.searching import PAGE, search, snippet, terms_of

pytestmark = pytest.mark.django_db
ME, OTHER = Identity("visitor:me"), Identity("visitor:other")


def conversation(who: Identity = ME, channel: str = "web") -> Conversation:
    return Conversation.objects.create(
        channel=channel, address=str(uuid.uuid4()), participant=who.participant, title="Talk"
    )


def add(place: Conversation, content: str, **more: Any) -> Message:
    values = {"role": "user", "state": "answered", "seq": 1, **more}
    return Message.objects.create(conversation=place, content=content, **values)


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("", []),
        ("  ", []),
        ('"" “”', []),
        ("red  Fox", ["red", "Fox"]),
        ('the "quick  brown" fox', ["the", "quick brown", "fox"]),
        ("“明天 开会” 资料", ["明天 开会", "资料"]),
        ('an "open phrase', ["an", "open phrase"]),
        ("a a a", ["a"]),
        (" ".join("abcdefghijkl"), list("abcdefgh")),
    ],
)
def test_a_query_is_words_and_phrases(query: str, terms: list[str]) -> None:
    assert terms_of(query) == terms


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("The quick brown fox", "FOX quick"),
        ("The quick brown fox", '"Brown fox"'),
        ("明天上午九点开会，请带资料", "开会 资料"),
        ("Привет, МИР", "привет мир"),
        ("CAFÉ crème", "café CRÈME"),
        ("Straße 100%", "100% straße"),
        ("a_b\\c [x] (y) 5*5?", "a_b\\c [x] (y) 5*5?"),
        ("ÉTÉ a.b", "été a.b"),
    ],
)
def test_a_message_is_found_by_all_its_words(content: str, query: str) -> None:
    wanted = add(conversation(), content)
    add(conversation(), "Something else")

    assert search(ME, query).messages == [wanted]


@pytest.mark.parametrize("query", ["fox cat", '"fox brown"', "f_x", "%", "é.é", "[a-z]", ".*"])
def test_a_message_without_one_of_the_words_is_not_found(query: str) -> None:
    add(conversation(), "The quick brown fox, été")

    assert search(ME, query).messages == []


def test_only_what_one_was_shown_on_the_page_is_found() -> None:
    mine = conversation()
    add(conversation(OTHER), "fox")
    add(conversation(channel="post"), "fox")
    add(mine, "fox", is_deleted=True)
    add(mine, "fox", content_type="event", state="done")
    found = add(mine, "a fox", role="assistant", state="done")

    assert search(ME, "fox").messages == [found]


def test_pages_of_hits_have_the_newest_first() -> None:
    place = conversation()
    rows = [add(place, f"fox {number}") for number in range(PAGE + 2)][::-1]

    first = search(ME, "fox")
    second = search(ME, "fox", first.after)

    assert first.messages + second.messages == rows
    assert second.after is None


def test_a_snippet_shows_the_first_hit_and_what_is_around_it() -> None:
    content = "word " * 100 + "the Fox\nand the fox " + "tail " * 100

    pieces = snippet(content, ["fox"])

    assert pieces[0] == ("…", False)
    assert pieces[-1] == ("…", False)
    assert [text for text, is_hit in pieces if is_hit] == ["Fox", "fox"]
    assert "".join(text for text, _ in pieces[1:-1]) in content


def test_hits_over_the_web_name_the_conversation_and_the_message() -> None:
    found = add(conversation(), "a <b>fox</b>", created_at=timezone.now())
    client = Client(headers={"Authorization": f"Bearer {ME.token}"})

    answer = client.get("/api/search", {"q": "fox"}).json()

    assert answer == {
        "hits": [
            {
                "conversation": str(found.conversation.uuid),
                "title": "Talk",
                "message": str(found.uuid),
                "seq": 1,
                "role": "user",
                "snippet": [["a <b>", False], ["fox", True], ["</b>", False]],
                "created_at": found.created_at.isoformat(),
            }
        ],
        "more": False,
        "before": None,
    }
    assert client.get("/api/search", {"q": ""}).json()["hits"] == []
    assert client.get("/api/search", {"q": "x", "before": "y"}).status_code == 400
    assert client.get("/api/search", {"q": "fo\x00x"}).json()["hits"] != []
