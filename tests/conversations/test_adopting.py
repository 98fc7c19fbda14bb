"""Who signs in keeps what they said as a visitor, and nobody else gets it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from conversations.identity import Identity, of_user, of_visitor
from conversations.models import Conversation, Upload
from conversations.reading import find_place

pytestmark = pytest.mark.django_db

PASSWORD = "a long enough one"


@pytest.fixture(autouse=True)
def fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def wang() -> Any:
    return get_user_model().objects.create_user("wang", password=PASSWORD)


@pytest.fixture
def li() -> Any:
    return get_user_model().objects.create_user("li", password=PASSWORD)


def visitor_of(client: Client) -> Identity:
    client.get("/")
    return of_visitor(client.session["visitor"])


def conversation(owner: Identity) -> Conversation:
    """Make the conversation that the person's first message opens, or another one."""
    first = owner.first_conversation
    name = {} if Conversation.objects.filter(uuid=first).exists() else {"uuid": first}
    made = Conversation(channel="web", participant=owner.participant, **name)
    made.address = str(made.uuid)
    made.save()
    return made


def sign_in(client: Client, user: Any) -> None:
    answer = client.post("/login", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 302


def owner_of(row: Conversation | Upload) -> str:
    row.refresh_from_db()
    return row.participant


def test_signing_in_keeps_the_visitors_conversations_and_uploads(client: Client, wang: Any) -> None:
    visitor = visitor_of(client)
    mine, stranger = conversation(visitor), conversation(of_visitor("another"))
    upload = Upload.objects.create(
        participant=visitor.participant,
        name="a.txt",
        content_type="text/plain",
        size=1,
        content=b"a",
    )

    sign_in(client, wang)

    assert owner_of(mine) == owner_of(upload) == of_user(wang.pk).participant
    assert owner_of(stranger) == "visitor:another"


def test_what_came_in_the_moment_of_the_sign_in_is_found_at_the_next_page(
    client: Client, wang: Any
) -> None:
    visitor = visitor_of(client)
    sign_in(client, wang)
    late = conversation(visitor)

    for _ in range(2):
        client.get("/")

        assert owner_of(late) == of_user(wang.pk).participant


def test_the_next_user_of_the_browser_gets_nothing_of_the_one_before(
    client: Client, wang: Any, li: Any
) -> None:
    first_visitor = visitor_of(client)
    of_wang = conversation(first_visitor)
    sign_in(client, wang)
    client.post("/logout")
    late = conversation(first_visitor)
    between = visitor_of(client)
    of_li = conversation(between)
    sign_in(client, li)
    client.get("/")

    assert between != first_visitor
    assert owner_of(of_wang) == of_user(wang.pk).participant
    assert owner_of(of_li) == of_user(li.pk).participant
    assert owner_of(late) == first_visitor.participant


def test_a_user_who_takes_over_a_session_does_not_inherit_its_visitor(
    client: Client, wang: Any, li: Any
) -> None:
    visitor = visitor_of(client)
    client.force_login(wang)
    client.force_login(li)
    late = conversation(visitor)
    client.get("/")

    assert owner_of(late) == visitor.participant


def test_after_the_sign_out_the_browser_is_a_new_visitor(client: Client, wang: Any) -> None:
    visitor = visitor_of(client)
    mine = conversation(visitor)
    sign_in(client, wang)
    assert client.get(f"/c/{mine.uuid}").status_code == 200

    answer = client.post("/logout")

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get(f"/c/{mine.uuid}").status_code == 404
    assert client.get("/logout").status_code == 405


def test_an_empty_conversation_that_was_open_before_the_sign_in_leads_to_the_users_own(
    client: Client, wang: Any
) -> None:
    empty = visitor_of(client).first_conversation
    sign_in(client, wang)

    answer = client.get(f"/c/{empty}")

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_who_still_holds_the_visitors_token_does_not_get_into_the_users_conversation(
    client: Client, wang: Any
) -> None:
    visitor = visitor_of(client)
    mine = conversation(visitor)
    sign_in(client, wang)

    place = find_place(visitor, None)

    assert place.uuid != mine.uuid
    assert find_place(visitor, place.uuid) == place
    assert find_place(of_user(wang.pk), None).uuid == mine.uuid


def test_a_page_of_a_signed_in_user_writes_nothing(
    client: Client, wang: Any, django_assert_max_num_queries: Any
) -> None:
    visitor_of(client)
    sign_in(client, wang)
    client.get("/")

    # The session, the user, and a look at each of both tables.
    with django_assert_max_num_queries(4) as queries:
        client.get("/")

    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
